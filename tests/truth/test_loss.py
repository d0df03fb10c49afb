# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Nothing is lost at the default buffer; where something is, it is counted, to the last event."""

import json
import signal
import time

import pytest
from conftest import ENDS
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

ENOUGH_ON = ENDS  # the ring and its account are the same on every kernel


@pytest.fixture
def million(host):
    """A million natively."""
    return host.few(1_000_000)


def last_rows(host, path, count=60):
    return parse_rows(host.run(["tail", "-n", str(count), path]).stdout)


def count_rows(host, path, kind, command):
    """Rows of that type, and the summary. Counted where they lie: it is some 200 MB."""
    shown = int(host.run(["grep", "-c", f'^{{"type":"{kind}",.*}}$', path]).stdout)
    sample = host.run(["awk", "NR % 1000 == 1", path]).stdout
    assert all(r["type"] for r in parse_rows(sample))
    return shown, check_summary(last_rows(host, path, 2), command)


@pytest.mark.parametrize("threads", [1, 2])
def test_million_opens(host, tmp, million, threads):
    """A neighbour that takes the reader's CPU away can make it lose some: one try of three counts.

    That what was lost was counted holds for every try.
    """
    rows, target = f"{tmp}/rows", f"{tmp}/file"
    host.write_file(target, b"x")
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--"]
    lost = []
    for _ in range(3):
        result = host.run([*argv, host.workload, "burst", million, target, threads], timeout=120)
        assert result.returncode == 0, str(result)
        done = json.loads(result.stdout)["calls"]["openat"]["calls"]
        shown, summary = count_rows(host, rows, "open", "opensnoop")
        assert shown == summary["shown"]
        assert shown + summary["filtered"] + summary["lost"] == done == million
        lost.append(summary["lost"])
        if not summary["lost"]:
            break
    assert lost[-1] == 0, lost


def test_filtered_opens(host, tmp, million):
    """What a filter drops is counted too, in the kernel (-x) and behind the buffer (--where)."""
    some = million // 5
    for options in (["-x"], ["--where", "ret < 0"]):
        argv = [host.workload, "burst", some, "/dev/null", "2"]
        run = trace(host, tmp, "opensnoop", options, argv)
        assert not run.of("open") and run.summary["filtered"] == some


def test_million_writes(host, tmp, million):
    """The ledger sums in the kernel: whatever became of single rows, its table has every call."""
    run = trace(host, tmp, "layers", [], [host.workload, "rw", "write", million, 1, "/dev/null"])
    check_ledger(run)
    row = call_row(run, "write")
    assert (row["count"], row["errors"]) == (million + 1, 0)
    assert run.summary["generated"] >= million


def test_million_writes_as_rows(host, tmp, million):
    """--slow 0: each write is an event, as fast as they come; not one of them unaccounted.

    That the buffer holds is no promise here, for this is what the table spares: a write of 200 ns
    makes a row of 300 bytes.
    """
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "layers", "--slow", "0", "-o", "json", "-O", rows, "--"]
    command = [host.workload, "rw", "write", million, 1, "/dev/null"]
    result = host.run([*argv, *command], timeout=120)
    assert result.returncode == 0, str(result)
    shown, summary = count_rows(host, rows, "op", "layers")
    # One open of the file; the result line is one write more.
    assert shown + summary["filtered"] + summary["lost"] == million + 2, summary
    assert shown > million / 2
    (row,) = [r for r in last_rows(host, rows) if r["type"] == "call" and r["call"] == "write"]
    assert row["count"] == million + 1


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


def test_stopped_reader_opens(host, tmp, million):
    work = ["burst", million, "/dev/null"]
    rows, result = stopped_reader(host, tmp, "opensnoop", [], work)
    done = json.loads(result.stdout)["calls"]["openat"]["calls"]
    shown, summary = count_rows(host, rows, "open", "opensnoop")
    assert shown == summary["shown"] and shown > 0
    assert shown + summary["filtered"] + summary["lost"] == done == million
    assert summary["lost"] > 0 and summary["lost_ring"] > 0
    assert result.err.count("events so far are lost") == 1 and "--buffer" in result.err, result.err


def test_stopped_reader_writes(host, tmp, million):
    work = ["rw", "write", million, 1, "/dev/null"]
    rows, result = stopped_reader(host, tmp, "layers", ["--slow", "0"], work)
    shown, summary = count_rows(host, rows, "op", "layers")
    assert shown > 0 and summary["lost"] > 0
    assert "events so far are lost" in result.err and "--buffer" in result.err, result.err
    assert shown + summary["filtered"] + summary["lost"] == million + 2
    (row,) = [r for r in last_rows(host, rows) if r["type"] == "call" and r["call"] == "write"]
    assert row["count"] == million + 1, "the table may not lose what the ring lost"


def test_pipe_nobody_reads(host, tmp, million):
    """The reader of iosonde's own output stalls: iosonde waits, the traced program doesn't."""
    some = million // 5
    go, out = f"{tmp}/go", f"{tmp}/rows"
    script = (
        f'"$0" opensnoop --buffer 64k -o json -- "$1" --silent burst {some} /dev/null'
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
    assert shown + summary["filtered"] + summary["lost"] == some
    assert summary["lost"] > 0
