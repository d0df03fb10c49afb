# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whole lives of threads: every call and the time between them, against what the program did and the
kernel's own account of it. That the sum is the time watched, to the nanosecond, check_ledger() looks at
in these truths and in those of test_layers.py."""

import signal
import time

import pytest
from tracer import (
    CELLS,
    best_of,
    call_row,
    check_ledger,
    plain_call,
    read_run,
    started,
    trace,
    trace_running,
    wait_attached,
    wait_ready,
)

SPIN_MS, SLEEP_MS = 400, 150


@pytest.fixture
def data_of_one_byte(host, tmp):
    path = f"{tmp}/data"
    assert host.run([host.workload, "--silent", "make", path, "65536"]).returncode == 0
    return path


def times_of(run):
    return {plain_call(r["call"]): r for r in run.of("time")}


def life(host, tmp, times):
    work = [host.workload, "life", str(SPIN_MS), str(SLEEP_MS), str(times), f"{tmp}/file"]
    run = trace(host, tmp, "layers", [], work)
    check_ledger(run)
    return run


def in_all(run, cell):
    return sum(r[cell] for r in run.of("time"))


def test_a_life_agrees_with_the_kernels_account(host, tmp):
    """Two threads that share a CPU, so that each waits for the other; both sleep, read and write.

    The program looks at its account from main() to the end, where also stands what it took to get there:
    the truth lies in between. A hypervisor that takes the CPU away adds to ours alone.
    """
    n = host.few(2000)

    def experiment():
        run = life(host, tmp, n)
        work, rows = run.work[0], times_of(run)
        slack = 2e6 * (20 if host.emulated else 1)
        cpu, runq = in_all(run, "cpu_ns"), in_all(run, "runq_ns")
        unknown = in_all(run, "unknown_ns")
        # Where the scheduler left out an event, it may have been either.
        for seen, key, rel in ((cpu, "run", 0.01), (runq, "delay", 0.02)):
            least, most = work[f"{key}_ns"], work[f"{key}_ever_ns"]
            assert least * (1 - rel) - slack - unknown <= seen <= most * (1 + rel) + slack, work
        # Each had half of the CPU while both computed.
        user = rows["user"]
        assert user["lat_ns"] >= 2 * SPIN_MS * 1e6 * 0.8, user
        few = 0.05 if host.name == "running" else 0.01
        assert unknown <= few * run.summary["watched_ns"], run.of("time")
        return run

    run = best_of(3, experiment)
    rows, work = times_of(run), run.work[0]
    assert run.summary["threads"] == 2, run.summary
    assert rows["pread"]["count"] == rows["pwrite"]["count"] == 2 * n, rows
    nap = rows["clock_nanosleep" if "clock_nanosleep" in rows else "nanosleep"]
    assert nap["count"] == 2 and nap["errors"] == 0, nap
    asleep = nap["wait_ns"] + nap["runq_ns"] + nap["unknown_ns"]
    assert 0.95 * 2 * SLEEP_MS * 1e6 <= asleep <= work["slept_ns"], (nap, work)
    assert work["wall_ns"] <= run.summary["watched_ns"] <= 2 * run.summary["elapsed_ns"]


def test_calls_stand_in_both_tables(host, tmp):
    """What is followed by file took in the table of times what it took in its own; nothing is left out."""
    run = life(host, tmp, 10)
    rows = times_of(run)
    for row in run.of("call"):
        twin = rows[plain_call(row["call"])]
        assert {k: row[k] for k in ("count", "errors", *CELLS)} == {
            k: twin[k] for k in ("count", "errors", *CELLS)
        }, (row, twin)
    # Two threads were made: one by the program; the first began with its exec.
    assert rows["(start)"]["count"] == 1 and "(before)" not in rows, rows


def test_processes_that_come_and_go(host, tmp):
    """Children of children are watched from their making to their end; fork, exec and wait are told."""
    script = "for i in 1 2 3 4 5 6 7 8; do /bin/true; (/bin/true; exit 3); done; exit 0"
    run = trace(host, tmp, "layers", [], ["sh", "-c", script])
    check_ledger(run)
    rows = times_of(run)
    made = sum(rows[c]["count"] for c in ("clone", "clone3", "fork", "vfork") if c in rows)
    assert run.summary["threads"] >= 1 + 8 + 8, run.summary
    # A child leaves the call that made it as well, but never entered it.
    assert rows["(start)"]["count"] == run.summary["threads"] - 1 == made, (rows, run.summary)
    assert rows["exit_group"]["count"] == run.summary["threads"], rows["exit_group"]
    assert rows["execve"]["count"] >= 8, rows["execve"]


def test_a_thread_that_was_there(host, tmp):
    """What was under way when watching began has a row of its own."""
    run = trace_running(
        host, tmp, "layers", lambda pids: ["-p", pids[0]], [["pipe", "50", "3"]]
    )
    check_ledger(run)
    before = times_of(run)["(before)"]
    assert before["count"] == 1 and before["lat_ns"] > 0, before
    assert call_row(run, "read")["count"] == 3


def test_a_thread_that_never_moves(host, tmp):
    """It sleeps from before the beginning to after the end: no event, and all of the time."""
    rows = f"{tmp}/still"
    with started(host, [host.workload, "--go", "getppid", "1"]) as job:
        wait_ready(host, job.pid)
        time.sleep(0.2 * (5 if host.emulated else 1))
        result = host.run(
            [host.iosonde, "layers", "-o", "json", "-O", rows, "-d", "300ms", "-p", str(job.pid)]
        )
        assert result.returncode == 0, str(result)
        job.signal(signal.SIGKILL)
    run = read_run(host, "layers", result, rows)
    check_ledger(run)
    (row,) = run.of("time")
    assert row["call"] == "(before)" and row["wait_ns"] == row["lat_ns"] >= 0.28e9, row
    assert run.summary["threads"] == 1, run.summary


def test_a_program_that_only_computes(host, tmp):
    """Watching begins and ends in user space."""
    rows = f"{tmp}/spin"
    with started(host, ["sh", "-c", "while :; do :; done"]) as job:
        argv = [host.iosonde, "layers", "-o", "json", "-O", rows, "-p", str(job.pid)]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            time.sleep(0.3)
            sonde.signal(signal.SIGINT)
            result = sonde.wait()
    run = read_run(host, "layers", result, rows)
    check_ledger(run)
    user = times_of(run)["user"]
    assert user["lat_ns"] >= 0.99 * run.summary["watched_ns"], run.of("time")


@pytest.mark.only_on("running")
def test_time_in_words(host, tmp):
    """80 columns are enough, and that it adds up is said."""
    text = host.run(
        [host.iosonde, "layers", "-O", f"{tmp}/t", "--", host.workload, "getppid", "100"],
        env={"COLUMNS": "80"},
    )
    said = host.read_file(f"{tmp}/t").decode()
    assert text.returncode == 0, str(text)
    assert "1 thread was watched" in said and "adds up to exactly that" in " ".join(said.split()), said


def verdict_of(run):
    check_ledger(run)
    (row,) = run.of("verdict")
    assert row["said"], row
    return row


@pytest.mark.enough_on("running")  # made in user space, from tables that are proved elsewhere
def test_verdict_of_a_sleeper(host, tmp):
    """It says that the program slept, and how little of the time calls on files cover."""
    row = verdict_of(trace(host, tmp, "layers", [], ["sleep", "1.5"]))
    assert row["call"] == "clock_nanosleep" and row["cell"] == "wait", row
    assert row["who"] == "timer" and "timer" not in row["said"], row
    assert row["share_percent"] > 50 and "asleep in clock_nanosleep" in row["said"], row
    assert (row["path"], row["err"], row["advice"]) == (None, None, None), row
    assert "Nothing is wrong" in row["said"] and "cover" in row["said"], row


@pytest.mark.enough_on("running")
def test_verdict_of_small_reads(host, tmp, data_of_one_byte):
    n = 20000
    row = verdict_of(
        trace(host, tmp, "layers", [], [host.workload, "rw", "pread", str(n), "1", data_of_one_byte])
    )
    assert row["advice"] == "move more bytes with each call", row
    assert f"{n} calls of pread moved {n} bytes: 1 each" in row["said"], row


@pytest.mark.enough_on("running")
def test_verdict_leaves_out_waits_for_children(host, tmp):
    """What a shell waits for is what its child does, which is in the account itself."""
    row = verdict_of(trace(host, tmp, "layers", [], ["sh", "-c", "sleep 1; true"]))
    assert row["call"] == "clock_nanosleep" and row["share_percent"] > 80, row


@pytest.mark.enough_on("running")
def test_verdict_of_opens_that_fail(host, tmp):
    script = "i=0; while [ $i -lt 400 ]; do { true; } </nowhere/$i; i=$((i+1)); done 2>/dev/null; exit 0"
    row = verdict_of(trace(host, tmp, "layers", [], ["sh", "-c", script]))
    assert row["advice"] == "find out why the calls fail", row
    assert row["err"] in (None, "ENOENT"), row
    assert "calls of openat failed" in row["said"], row


@pytest.mark.only_on("running")  # no kernel has a say
def test_a_bar_of_letters(host, tmp):
    """CELLS shows each cell by as many of twenty letters as it has twentieths, and they add up."""
    work = [host.workload, "life", "60", "60", "200", f"{tmp}/file"]
    columns = "time:call,cells,cpu%,runq%,queue%,device%,wait%,unknown%"
    result = host.run([host.iosonde, "layers", "--columns", columns, "--", *work], timeout=60)
    assert result.returncode == 0, str(result)
    lines = result.stdout.decode().split("\nTime")[1].split("\n\n")[0].splitlines()[2:]
    assert len(lines) >= 4, str(result)
    for line in lines:
        call, cells, *shares = line.split()
        assert len(cells) == 20, line
        for letter, share in zip("crqdw?", shares):
            assert abs(cells.count(letter) * 5 - float(share.rstrip("%"))) <= 5.1, line
