# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Without -p and without a command: everything on the machine. Only in guests, which are ours alone."""

import json
import signal

import pytest
from conftest import GUESTS
from tracer import (
    call_row,
    check_ledger,
    plain_call,
    read_run,
    started,
    wait_attached,
    wait_ready,
)

ONLY_ON = GUESTS
pytestmark = pytest.mark.usefixtures("rung")
CALLS = "read,write,pread,pwrite,readv,writev,fsync,fdatasync,sendfile"


def missed(host, run):
    """Runs that the kernel skipped, and counted: where classic tracepoints are in use, those that met a
    bpf() call of iosonde's on their CPU (docs/kernels.md). Elsewhere there must be none.
    """
    return run.summary["lost_missed"] if host.name == "sid" else 0


def whole_system(host, tmp, command, options, jobs):
    """Traces all while the workloads run: the run, and what each of them printed."""
    rows = f"{tmp}/rows.jsonl"
    argv = [host.iosonde, command, "-o", "json", "-O", rows, *options]
    with started(host, argv) as sonde:
        wait_attached(host, sonde.pid)
        running = [host.spawn([host.workload, *map(str, job)]) for job in jobs]
        done = [process.wait(120) for process in running]
        assert sonde.running()
        sonde.signal(signal.SIGINT)
        result = sonde.wait()
    assert result.returncode == 0, str(result)
    assert all(d.returncode == 0 for d in done), [str(d) for d in done]
    run = read_run(host, command, result, rows)
    assert run.summary["lost"] == missed(host, run), run.summary
    run.work = [json.loads(d.stdout) for d in done]
    run.lines = [d.stdout for d in done]
    return run


def test_opens_of_everybody(host, tmp):
    jobs = [["burst", 400, "/dev/null"], ["burst", 300, "/dev/zero", 3], ["tree", 4, 25, "/dev/full"]]
    run = whole_system(host, tmp, "opensnoop", [], jobs)
    opens = run.of("open")
    for path, count in (("/dev/null", 400), ("/dev/zero", 300), ("/dev/full", 6 * 25)):
        mine = [r for r in opens if r["comm"] == "workload" and r["path"] == path]
        assert len(mine) == count, (path, len(mine))
    assert run.summary["shown"] == run.summary["generated"] == len(opens)


def test_every_kind_of_open(host, tmp):
    where = f"{tmp}/opens"
    host.run(["mkdir", where])
    run = whole_system(host, tmp, "opensnoop", ["-F"], [["opens", where]])
    wanted = sorted(
        (o["tid"], o["call"], o["ret"]) for o in run.work[0]["opens"] if "uring" not in o["call"]
    )
    pids = {o["pid"] for o in run.work[0]["opens"]}
    rows = [r for r in run.of("open") if r["pid"] in pids and "uring" not in r["call"]]
    assert sorted((r["tid"], r["call"], r["ret"]) for r in rows) == wanted


def test_iosonde_itself_is_left_out(host, tmp):
    run = whole_system(host, tmp, "opensnoop", [], [["burst", 5, "/dev/null"]])
    assert not [r for r in run.of("open") if r["comm"].startswith("iosonde")]


def test_ledger_of_everybody(host, tmp):
    """Each operation of two workloads at once, in rows that add up, and nothing out of place."""
    path = f"{tmp}/data"
    host.run([host.workload, "--silent", "make", path, str(4 << 20)])
    jobs = [
        ["--comm", "first", "rw", CALLS, 40, 4096, path],
        ["--comm", "second", "rw", "pread", 64, 65536, path, "direct"],
        ["--comm", "third", "pipe", 20, 10],
    ]
    run = whole_system(host, tmp, "layers", ["--slow", "0"], jobs)
    check_ledger(run)
    for job, work, line in zip(jobs, run.work, run.lines):
        rows = [r for r in run.of("op") if r["comm"] == job[1] and r["pid"] == work["pid"]]
        for call, told in work["calls"].items():
            seen = [r for r in rows if plain_call(r["call"]) == call]
            # The result line is a write, too.
            own = call == "write"
            wanted = told["calls"] + own
            assert wanted - missed(host, run) <= len(seen) <= wanted, (job, call)
            if not call.startswith("open") and len(seen) == wanted:
                size = told["bytes"] + own * len(line)
                assert sum(r["bytes"] for r in seen) == size, (job, call)


def test_tables_of_everybody(host, tmp):
    """The tables hold what the rows would: every file, process and call, to the nanosecond."""
    path = f"{tmp}/data"
    host.run([host.workload, "--silent", "make", path, str(4 << 20)])
    count = host.few(20000)
    jobs = [["--comm", f"w{i}", "rw", "pread", count, 512, path] for i in range(3)]
    run = whole_system(host, tmp, "layers", [], jobs)
    check_ledger(run)
    pids = {work["pid"] for work in run.work}
    by_process = {r["pid"]: r for r in run.of("process") if r["pid"] in pids}
    # Each opens the file, reads, and writes its line.
    assert {r["count"] for r in by_process.values()} == {count + 2} and len(by_process) == 3
    (file,) = [r for r in run.of("file") if r["path"] == path]
    assert file["count"] == 3 * (count + 1) and file["bytes"] == 3 * count * 512
    assert call_row(run, "pread")["count"] >= 3 * count
    total = sum(r["lat_ns"] for r in run.of("call"))
    assert sum(r["lat_ns"] for r in run.of("process")) == total
