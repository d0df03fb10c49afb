# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Nothing is lost at the default buffer; where something is, it is counted, to the last event."""

import json
import signal
import time

import pytest
from tracer import (
    call_row,
    check_ledger,
    check_summary,
    child_of,
    parse_rows,
    proc_status,
    started,
    trace,
    wait_attached,
    wait_ready,
    wait_until,
    wait_zombie,
)

MILLION = 1_000_000


def last_rows(host, path, count=60):
    return parse_rows(host.run(["tail", "-n", str(count), path]).stdout)


def count_rows(host, path, kind, command):
    """Rows of that type, and the summary. Counted where they lie: it is some 200 MB."""
    shown = int(host.run(["grep", "-c", f'^{{"type":"{kind}",.*}}$', path]).stdout)
    sample = host.run(["awk", "NR % 1000 == 1", path]).stdout
    assert all(r["type"] for r in parse_rows(sample))
    return shown, check_summary(last_rows(host, path, 2), command)


@pytest.mark.parametrize("threads", [1, 2])
def test_million_opens(host, tmp, threads):
    """A neighbour that takes the reader's CPU away can make it lose some: one try of three counts.

    That what was lost was counted holds for every try.
    """
    rows, target = f"{tmp}/rows", f"{tmp}/file"
    host.write_file(target, b"x")
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--"]
    lost = []
    for _ in range(3):
        result = host.run([*argv, host.workload, "burst", MILLION, target, threads], timeout=120)
        assert result.returncode == 0, str(result)
        done = json.loads(result.stdout)["calls"]["openat"]["calls"]
        shown, summary = count_rows(host, rows, "open", "opensnoop")
        assert shown == summary["shown"]
        assert shown + summary["filtered"] + summary["lost"] == done == MILLION
        lost.append(summary["lost"])
        if not summary["lost"]:
            break
    assert lost[-1] == 0, lost


def test_million_opens_filtered(host, tmp):
    """What a filter drops is counted too."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "-x", "-o", "json", "-O", rows, "--"]
    result = host.run([*argv, host.workload, "burst", MILLION, "/dev/null", 2], timeout=120)
    assert result.returncode == 0, str(result)
    shown, summary = count_rows(host, rows, "open", "opensnoop")
    assert (shown, summary["filtered"], summary["lost"]) == (0, MILLION, 0)


def test_million_writes(host, tmp):
    """The ledger sums in the kernel: whatever became of single rows, its table has every call."""
    run = trace(host, tmp, "layers", [], [host.workload, "rw", "write", MILLION, 1, "/dev/null"])
    check_ledger(run)
    row = call_row(run, "write")
    assert (row["count"], row["errors"]) == (MILLION + 1, 0)
    assert run.summary["generated"] >= MILLION


def test_million_writes_as_rows(host, tmp):
    """--slow 0: each write is an event."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "layers", "--slow", "0", "-o", "json", "-O", rows, "--"]
    command = [host.workload, "rw", "write", MILLION, 1, "/dev/null"]
    result = host.run([*argv, *command], timeout=120)
    assert result.returncode == 0, str(result)
    shown, summary = count_rows(host, rows, "op", "layers")
    # One open of the file; the result line is one write more.
    assert shown + summary["filtered"] + summary["lost"] == MILLION + 2, summary
    assert summary["lost"] == 0, summary


def stopped_reader(host, tmp, command, options, work):
    """The command runs while iosonde is stopped; returns the path of the rows."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, command, "--buffer", "64k", "-o", "json", "-O", rows, *options, "--"]
    with started(host, [*argv, host.workload, "--go", *map(str, work)]) as sonde:
        job = child_of(host, sonde.pid)
        wait_ready(host, job)
        wait_attached(host, sonde.pid)
        sonde.signal(signal.SIGSTOP)
        wait_until("iosonde stopped", lambda: proc_status(host, sonde.pid)["State"][0] == "T")
        host.run(["kill", "-USR1", str(job)])
        wait_zombie(host, job)
        sonde.signal(signal.SIGCONT)
        result = sonde.wait()
    assert result.returncode == 0, str(result)
    return rows, result


def test_stopped_reader_opens(host, tmp):
    work = ["burst", MILLION, "/dev/null"]
    rows, result = stopped_reader(host, tmp, "opensnoop", [], work)
    done = json.loads(result.stdout)["calls"]["openat"]["calls"]
    shown, summary = count_rows(host, rows, "open", "opensnoop")
    assert shown == summary["shown"] and shown > 0
    assert shown + summary["filtered"] + summary["lost"] == done == MILLION
    assert summary["lost"] > 0 and summary["lost_ring"] > 0
    assert "lost" in result.err, result.err


def test_stopped_reader_writes(host, tmp):
    work = ["rw", "write", MILLION, 1, "/dev/null"]
    rows, result = stopped_reader(host, tmp, "layers", ["--slow", "0"], work)
    shown, summary = count_rows(host, rows, "op", "layers")
    assert shown > 0 and summary["lost"] > 0
    assert shown + summary["filtered"] + summary["lost"] == MILLION + 2
    (row,) = [r for r in last_rows(host, rows) if r["type"] == "call" and r["call"] == "write"]
    assert row["count"] == MILLION + 1, "the table may not lose what the ring lost"


def test_pipe_nobody_reads(host, tmp):
    """The reader of iosonde's own output stalls: iosonde waits, the traced program doesn't."""
    go, out = f"{tmp}/go", f"{tmp}/rows"
    script = (
        f'"$0" opensnoop --buffer 64k -o json -- "$1" --silent burst {MILLION} /dev/null'
        f' | {{ while ! test -e "{go}"; do sleep 0.1; done; cat >"{out}"; }}'
    )
    with started(host, ["sh", "-c", script, host.iosonde, host.workload]) as shell:
        sonde = child_of(host, shell.pid, "iosonde")
        start = time.monotonic()
        job = child_of(host, sonde)
        wait_zombie(host, job)
        took = time.monotonic() - start
        host.write_file(go, b"")
        result = shell.wait()
    assert result.returncode == 0 and took < 60, str(result)
    shown, summary = count_rows(host, out, "open", "opensnoop")
    assert shown + summary["filtered"] + summary["lost"] == MILLION
    assert summary["lost"] > 0
