# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the kernel's own tracepoints say of direct reads, through tracefs: a truth for the ledger."""

import re

# The kernel's own trace of one file's requests and of when its reader sleeps.
KERNEL_TRACE = """
set -e
t="$1"
mkdir -p "$t"
mount -t tracefs nodev "$t"
i="$t/instances/iosonde-truth-$$"
mkdir "$i"
trap 'echo 0 >"$i/tracing_on"; rmdir "$i"; umount "$t"' EXIT
echo mono >"$i/trace_clock"
follow() {
	echo "$2" >"$i/events/$1/filter"
	echo 1 >"$i/events/$1/enable"
}
follow block/block_rq_issue "$2"
follow block/block_rq_complete "$2"
follow sched/sched_switch 'prev_comm == "direct-reader"'
follow sched/sched_waking 'comm == "direct-reader"'
out="$3"
shift 3
"$@"
cat "$i/trace" >"$out"
"""
TRACE_LINE = re.compile(r"\s(\d+\.\d+): (\w+): (.*)")


def device_and_sleep(text):
    """Sums in ns over all requests: issue to complete, and of that the time its reader slept."""
    issued = slept_at = woken_at = None
    count = device = asleep = 0
    for line in text.splitlines():
        found = TRACE_LINE.search(line)
        if not found:
            continue
        stamp, event, what = float(found[1]) * 1e9, found[2], found[3]
        if event == "block_rq_issue":
            issued, slept_at, woken_at = stamp, None, None
        elif event == "sched_switch" and re.search(r"prev_state=[DS]", what):
            slept_at = stamp
        elif event == "sched_waking":
            woken_at = stamp
        elif event == "block_rq_complete" and issued is not None:
            count += 1
            device += stamp - issued
            # It is woken a moment after the completion; before it, only by somebody else.
            if slept_at is not None and woken_at is None:
                asleep += stamp - slept_at
            issued = None
    return count, device, asleep


def kernel_traced(tmp, only, out, argv):
    """argv, whose thread "direct-reader" and the requests that fit @only the kernel traces into out."""
    return ["unshare", "-m", "sh", "-c", KERNEL_TRACE, "sh", f"{tmp}/tracefs", only, out, *argv]
