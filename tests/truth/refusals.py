# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a kernel or its hypervisor refuses though it is configured, found out by trying.

skips.toml says which truths are about it. The workload leaves out the steps that need it, and its
result says so; everything else of that run is proved.
"""

import json
import signal


def refusal(host, what):
    """Why that is refused where host is: a text, or None if it works. Tried once per place.

    A test may have the workload refused something by host.environment, so that counts, too.
    """
    asked = (what, host.environment.get("IOSONDE_WORKLOAD_WITHOUT"))
    known = host.__dict__.setdefault("refusals", {})
    if asked not in known:
        done = host.run([host.workload, "can", what])
        assert done.returncode == 0, str(done)
        known[asked] = reason(json.loads(done.stdout), what)
    return known[asked]


def reason(work, what):
    """The same from the result of a workload that has tried."""
    ended = work.get(f"{what}_refused")
    if ended is None:
        return None
    try:
        return f"a child that tried was ended by {signal.Signals(ended).name}"
    except ValueError:
        return "a child that tried got a wrong result"


def check_part(host, work, what):
    """The workload's steps of that kind are there, unless the kernel refuses them."""
    there = any(op["id"].startswith(what) for op in work["opens"])
    refused = refusal(host, what)
    assert reason(work, what) == refused and there == (refused is None), (refused, there)
