# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""funclatency: every call that was made, once, however deep and however many wait at a time."""

import re
from collections import Counter

import pytest
from conftest import GUESTS
from test_bounds import small
from test_funccount import steps
from tracer import trace, trace_running

MS = 1000000


def totals(run):
    """{function: its line below the histogram}; the histogram has as many."""
    found = {r["function"]: r for r in run.of("latency_total")}
    slots = Counter()
    for row in run.of("latency"):
        assert row["low_ns"] <= row["high_ns"], row
        slots[row["function"]] += row["count"]
    assert slots == Counter({k: r["count"] for k, r in found.items()}), run.rows
    assert run.summary["shown"] == sum(slots.values())
    return found


def timed(host, tmp, options, argv):
    """The run, and how many calls it says that it missed: sid's kernel skips programs while a thread is
    preempted in one, and counts that; no other has a reason to."""
    run = trace(host, tmp, "funclatency", options, argv, timeout=120, lost=None)
    missed = run.summary["lost_missed"]
    assert run.summary["lost"] == missed and (not missed or host.name == "sid"), run.summary
    return run, missed


def check_counts(run, missed, **expected):
    """Each function's calls, less those missed: one skipped at either end is one."""
    found = {k: r["count"] for k, r in totals(run).items()}
    assert set(found) == set(expected), found
    for name, n in expected.items():
        assert n - missed <= found[name] <= n, (name, found, missed)
    return totals(run)


def test_system_calls(host, tmp):
    """By name, with no hook on a function: each call, and no less than it slept."""
    ms = 30
    argv = [host.workload, "sleepers", "2", str(ms)]
    run, missed = timed(host, tmp, ["sys_*nanosleep", "sys_getrusage"], argv)
    expected = {"sys_*nanosleep": 10, "sys_getrusage": 2}
    slept = check_counts(run, missed, **expected)["sys_*nanosleep"]
    assert slept["min_ns"] >= ms * MS and slept["total_ns"] >= slept["count"] * ms * MS, slept
    assert slept["max_ns"] >= slept["p50_ns"] >= slept["min_ns"]


@pytest.mark.enough_on("running", "5.10")
def test_units_and_intervals(host, tmp):
    """Of a process that runs; the slots in the unit that was asked for; -F tells them apart."""
    argv = ["sleepers", "1", "30"]
    run = trace_running(
        host,
        tmp,
        "funclatency",
        lambda pids: ["/^sys_(clock_)?nanosleep$/", "-i", "100ms", "-F", "-p", pids[0], "--children"],
        [argv],
    )
    assert sum(r["count"] for r in run.of("latency_total")) == 5
    assert {r["function"] for r in run.of("latency")} == {"sys_clock_nanosleep"}
    for options, unit in (([], "nsecs"), (["-m"], "msecs"), (["--microseconds"], "usecs")):
        sonde = [host.iosonde, "funclatency", *options, "sys_clock_nanosleep", "-O", f"{tmp}/out"]
        result = host.run([*sonde, "--", host.workload, *argv], timeout=60)
        assert result.returncode == 0, str(result)
        lines = host.read_file(f"{tmp}/out").decode().splitlines()
        host.remove(f"{tmp}/out")
        assert lines[0] == "function sys_clock_nanosleep" and lines[1].split()[0] == unit.upper()
        slots = [x.split() for x in lines[2:]]
        used = [int(low) for low, _, _, n, *_ in slots if n != "0"]
        assert sum(int(x[3]) for x in slots) == 5, lines
        assert min(used) >= {"nsecs": 1 << 24, "msecs": 16, "usecs": 1 << 14}[unit], lines


def test_pairs_of_tracepoints(host, tmp):
    """From the one to the other; of those that begin none, it is said."""
    argv = [host.workload, "getppid", "500"]
    run, missed = timed(host, tmp, ["t:syscalls:sys_enter_getppid"], argv)
    check_counts(run, missed, **{"syscalls:sys_enter_getppid": 500})
    for pattern, text in (("t:sched:sched_switch", "begins a pair"), ("sys_nothing", "no system call")):
        result = host.run([host.iosonde, "funclatency", pattern, "--", "true"])
        assert result.returncode == 125 and text in result.err, str(result)


@pytest.mark.enough_on("running")
def test_no_room(host, tmp):
    """For calls under way: counted as lost. For histograms: in (others)."""
    with small(host, "calls=4"):
        argv = [host.workload, "sleepers", "12", "30"]
        run = trace(host, tmp, "funclatency", ["sys_clock_nanosleep"], argv, lost=None)
    assert run.summary["generated"] == 60 and run.summary["lost_state"] == run.summary["lost"] > 0
    assert totals(run)["sys_clock_nanosleep"]["count"] == 60 - run.summary["lost"]
    with small(host, "latencies=1"):
        argv = [host.workload, "--silent", "--cpu", "0", "getppid", "10"]
        run = trace(host, tmp, "funclatency", ["-F", "sys_*"], argv)
    (others,) = {r["function"] for r in run.of("latency") if r["function"] == "(others)"}
    assert others and sum(r["count"] for r in run.of("latency")) == run.summary["shown"]


@pytest.mark.only_on(*GUESTS)
def test_functions(host, tmp):
    """Known calls of several functions, in one histogram per pattern, and with -F per function."""
    patterns = ["vfs_write*", "vfs_read"]
    run, missed = timed(host, tmp, patterns, steps(host, tmp))
    check_counts(run, missed, **{"vfs_write*": 1800, "vfs_read": 40})
    run, missed = timed(host, tmp, ["-F", *patterns], steps(host, tmp))
    check_counts(run, missed, vfs_write=1500, vfs_writev=300, vfs_read=40)


@pytest.mark.only_on(*GUESTS)
def test_many_blocked(host, tmp):
    """40 wait in one function at the same time, five times each."""
    argv = [host.workload, "sleepers", "40", "200"]
    run, missed = timed(host, tmp, ["hrtimer_nanosleep"], argv)
    row = check_counts(run, missed, hrtimer_nanosleep=200)["hrtimer_nanosleep"]
    assert row["min_ns"] >= 200 * MS, row


@pytest.mark.only_on(*GUESTS)
def test_recursion(host, tmp):
    """A function that calls itself: each call counts once, and the outermost takes the longest."""
    argv = [host.workload, "epolls", "5"]
    counted = trace(host, tmp, "funccount", ["ep_loop_check_proc"], argv)
    (calls,) = [r["count"] for r in counted.of("function")]
    run = trace(host, tmp, "funclatency", ["ep_loop_check_proc", "__x64_sys_epoll_ctl"], argv)
    found = totals(run)
    inner, outer = found["ep_loop_check_proc"], found["__x64_sys_epoll_ctl"]
    assert inner["count"] == calls == run.work[0]["walked"] == 10, (inner, calls)
    assert outer["count"] == 4 and outer["max_ns"] >= inner["max_ns"] >= inner["min_ns"]
    assert outer["total_ns"] >= inner["max_ns"]


def test_no_way_at_all(host):
    """A kretprobe is none: where functions wait, its instances run out in silence."""
    env = {} if host.name == "running" else {"IOSONDE_WITHOUT": "fentry"}
    result = host.run([host.iosonde, "funclatency", "vfs_read", "-d", "1"], env=env)
    assert result.returncode == 1 and not result.stdout, str(result)
    assert re.search(r"no hook for functions: tried fentry \(", result.err), str(result)
    result = host.run([host.iosonde, "funclatency", "-u", "vfs_read"])
    assert result.returncode == 2 and "--microseconds" in result.err, str(result)
