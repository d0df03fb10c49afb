# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""runqslower, runqlat, cpudist, exitsnoop: beside the kernel's own account of each process."""

import pytest
from conftest import GUESTS
from tracer import best_of, trace

MS = 1_000_000


def accounts(run):
    """{pid: what the kernel says of it}"""
    found = {w["pid"]: w for w in run.work if w["workload"] == "account"}
    assert found, run.result
    return found


def close_to(value, expected, part, slack=MS):
    return abs(value - expected) <= part * expected + slack


def near(host):
    """How near the kernel's account: it is kept by another clock, which an emulated CPU reads late."""
    return 0.02 + 0.03 * host.emulated


def totals(run):
    """{pid: its line below the histogram}, summed over causes."""
    sums = {}
    for r in run.of("sched_total"):
        s = sums.setdefault(r["pid"], {"count": 0, "total_ns": 0, "causes": {}})
        s["count"] += r["count"]
        s["total_ns"] += r["total_ns"]
        s["causes"][r["cause"]] = r
    return sums


def check_buckets(run):
    """As many in the slots as in the lines below."""
    in_slots, below = {}, {p: s["count"] for p, s in totals(run).items()}
    for r in run.of("runq") + run.of("cpudist"):
        in_slots[r["pid"]] = in_slots.get(r["pid"], 0) + r["count"]
    assert in_slots == below and run.summary["shown"] == sum(below.values())


def test_waits_are_the_kernels_run_delay(host, tmp):
    """Three processes on one CPU: the waits of each add up to its run delay, and are as many as it was
    given the CPU; nearly all of the time that it was not running it waited."""

    def experiment():
        run = trace(host, tmp, "runqslower", ["-m", "0"], [host.workload, "busy", "3", "600"])
        for pid, kernel in accounts(run).items():
            rows = [r for r in run.of("runq") if r["pid"] == pid]
            assert close_to(sum(r["lat_ns"] for r in rows), kernel["delay_ns"], near(host)), kernel
            assert 0 <= len(rows) - kernel["arrivals"] <= 3, (len(rows), kernel)
            preempted = [r for r in rows if r["cause"] == "preempted"]
            assert 0 <= len(preempted) - kernel["involuntary"] <= 3, kernel
            assert all(r["comm"] == "workload" for r in rows)
        long = [r for r in run.of("runq") if r["cause"] == "preempted" and r["lat_ns"] > MS]
        others = {r["prev_pid"] for r in long}
        assert others & set(accounts(run)), "nobody of them had the CPU meanwhile"

    best_of(3, experiment)


def test_minimum_is_in_microseconds(host, tmp):
    def experiment():
        run = trace(host, tmp, "runqslower", ["2000"], [host.workload, "busy", "2", "300"])
        rows = run.of("runq")
        assert rows and all(r["lat_ns"] >= 2 * MS for r in rows)
        assert run.summary["filtered"] > 0

    best_of(3, experiment)


def test_runqlat_counts_what_runqslower_shows(host, tmp):
    def experiment():
        options = ["-P", "-e"]
        run = trace(host, tmp, "runqlat", options, [host.workload, "busy", "2", "500"])
        check_buckets(run)
        for pid, kernel in accounts(run).items():
            mine = totals(run)[pid]
            assert close_to(mine["total_ns"], kernel["delay_ns"], near(host)), (mine, kernel)
            assert 0 <= mine["count"] - kernel["arrivals"] <= 3, (mine, kernel)
            assert 0 <= mine["causes"]["preempted"]["count"] - kernel["involuntary"] <= 3

    best_of(3, experiment)


def test_time_on_the_cpu(host, tmp):
    """Stretches add up to the kernel's run time, and there are as many as it was switched out. That time
    leaves out interrupts where the kernel keeps account of them (clock_task): many, on an emulated CPU."""
    part = 0.02 + 0.06 * host.emulated

    def experiment():
        run = trace(host, tmp, "cpudist", ["-P", "-e"], [host.workload, "busy", "2", "500"])
        check_buckets(run)
        for pid, kernel in accounts(run).items():
            mine = totals(run)[pid]
            assert close_to(mine["total_ns"], kernel["run_ns"], part), (mine, kernel)
            switches = kernel["voluntary"] + kernel["involuntary"]
            assert 1 <= mine["count"] - switches <= 4, (mine, kernel)

    best_of(3, experiment)


def test_time_off_the_cpu(host, tmp):
    """Five sleeps are five blocked stretches of that length, without the waits for a CPU."""

    def experiment():
        argv = [host.workload, "sleepers", "1", "100"]
        run = trace(host, tmp, "cpudist", ["--offcpu", "-P", "-e"], argv)
        check_buckets(run)
        (pid,) = accounts(run)
        blocked = totals(run)[pid]["causes"]["blocked"]
        assert blocked["count"] >= 5 and blocked["max_ns"] >= 100 * MS
        assert 500 * MS <= blocked["total_ns"] <= 600 * MS + 100 * MS * host.emulated, blocked

    best_of(3, experiment)


def test_how_programs_end(host, tmp):
    """A status, a signal, a core dump's absence; the age; the traced command's own end, too."""
    script = "false; (sh -c 'kill -9 $$'); sleep 0.3; exit 7"
    run = trace(host, tmp, "exitsnoop", [], ["sh", "-c", script], status=7)
    rows = run.of("exit")
    by_end = [(r["comm"], r["code"], r["signal"]) for r in rows]
    assert ("sh", None, "SIGKILL") in by_end and ("sh", 7, None) in by_end, by_end
    assert by_end[-1] == ("sh", 7, None)
    (sleep,) = [r for r in rows if r["comm"] == "sleep"]
    assert sleep["code"] == 0 and 300 * MS <= sleep["age_ns"] <= 400 * MS + 400 * MS * host.emulated
    assert sleep["ppid"] == rows[-1]["pid"]
    failed = trace(host, tmp, "exitsnoop", ["-x"], ["sh", "-c", script], status=7)
    assert all(r["code"] or r["signal"] for r in failed.of("exit"))
    assert failed.summary["filtered"] >= 1


def test_last_thread_tells(host, tmp):
    """The process ends with its last thread, once; --per-thread shows each."""
    argv = [host.workload, "exitmid", "50"]
    run = trace(host, tmp, "exitsnoop", [], argv)
    pids = [r["pid"] for r in run.of("exit")]
    assert len(pids) == len(set(pids)), run.rows
    threads = trace(host, tmp, "exitsnoop", ["--per-thread"], argv)
    assert len(threads.of("exit")) > len(pids)


@pytest.mark.only_on(*GUESTS)
def test_everybody(host, tmp):
    """System-wide: idle tasks are nobody, no time is absurd."""
    for command in ("runqlat", "cpudist"):
        rows = f"{tmp}/all-{command}"
        result = host.run([host.iosonde, command, "-P", "-d", "1", "-o", "json", "-O", rows], timeout=60)
        assert result.returncode == 0, str(result)
        from tracer import read_run

        run = read_run(host, command, result, rows)
        check_buckets(run)
        assert run.summary["lost"] == 0
        for r in run.of("sched_total"):
            assert r["pid"] > 0 and r["max_ns"] < 100_000 * MS, r


def test_figures_say_whose_they_are(host, tmp):
    """An option that brings a column brings it to the lines below the histograms as well."""
    out = f"{tmp}/text"
    result = host.run(
        [host.iosonde, "cpudist", "-P", "-e", "-O", out, "--", host.workload, "busy", "2", "50"], timeout=60
    )
    assert result.returncode == 0, str(result)
    lines = host.read_file(out).decode().splitlines()
    (head,) = [x.split() for x in lines if x.split()[-1:] == ["MAX"]]
    assert {"PID", "COMM", "CAUSE"} <= set(head) and "CGROUP" not in head and "TID" not in head, head


def off_cpu(run, pid, cause):
    return [r for r in run.of("offcpu") if r["pid"] == pid and r["cause"] == cause]


def has_frame(row, *names):
    return any(f.split("+")[0] in names for f in row["kstack"])


def test_blocked_time_by_stack(host, tmp):
    """Five sleeps are five times that long, in one stack: what the sleep was in, and who called it."""

    def experiment():
        run = trace(host, tmp, "offcputime", [], [host.workload, "sleepers", "1", "100"])
        (pid,) = accounts(run)
        slept = [r for r in off_cpu(run, pid, "blocked") if has_frame(r, "hrtimer_nanosleep", "do_nanosleep")]
        assert sum(r["count"] for r in slept) == 5, slept
        total = sum(r["total_ns"] for r in slept)
        assert 500 * MS <= total <= 600 * MS + 100 * MS * host.emulated, total
        assert all(r["kstack"][0].startswith("__schedule+") for r in slept), "frames of our own hook"
        named = ("sleep_five_times+", "compete+", "[stack lost]")
        assert all(any(f.startswith(named) for f in r["ustack"]) for r in slept), slept
        assert sum(r["count"] for r in run.of("offcpu")) == run.summary["shown"]

    best_of(3, experiment)


def test_who_ended_a_wait(host, tmp):
    """A reader of a pipe is woken by its writer, in a write; the folded line has that above a --."""

    def experiment():
        argv = [host.workload, "incident", "writer", "300"]
        run = trace(host, tmp, "offcputime", ["--wakers"], argv)
        (pid,) = {w["pid"] for w in run.work}
        reads = [r for r in off_cpu(run, pid, "blocked") if has_frame(r, "pipe_read", "anon_pipe_read")]
        named = [r for r in reads if r["waker"] == "writer"]
        total = sum(r["total_ns"] for r in reads)
        assert sum(r["total_ns"] for r in named) >= 0.9 * total >= 100 * MS, reads
        for row in named:
            frames = [f.split("+")[0] for f in row["wstack"]]
            assert {"pipe_write", "anon_pipe_write"} & set(frames), row
        told = host.run([host.iosonde, "offcputime", "--wakers", "-f", "--", *argv]).stdout.decode()
        lines = [x for x in told.splitlines() if "pipe_read" in x and x.rsplit(" ", 1)[0].endswith(";writer")]
        assert lines and all(";--;" in x and x.index("pipe_read") < x.index(";--;") < x.index("pipe_write") for x in lines)

    best_of(3, experiment)


def test_preempted_time_by_stack(host, tmp):
    """Two on one CPU: nobody blocks, each waits while the other runs. --state takes one apart."""

    def experiment():
        run = trace(host, tmp, "offcputime", ["--state", "0", "-K"], [host.workload, "busy", "2", "300"])
        assert run.of("offcpu") and all(r["cause"] == "preempted" for r in run.of("offcpu"))
        for pid, kernel in accounts(run).items():
            rows = off_cpu(run, pid, "preempted")
            assert kernel["involuntary"] <= sum(r["count"] for r in rows) <= kernel["involuntary"] + 3
            total = sum(r["total_ns"] for r in rows)
            assert close_to(total, kernel["delay_ns"], 0.1 + near(host), 20 * MS), (total, kernel)

    best_of(3, experiment)
