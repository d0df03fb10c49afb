# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""syscount against programs whose calls are known in number, kind and time."""

import pytest
from refusals import refusal
from tracer import read_run, started, trace, wait_attached

pytestmark = pytest.mark.usefixtures("rung")


def by_call(run):
    rows = {r["call"]: r for r in run.of("syscall")}
    assert len(rows) == len(run.of("syscall")), "a call in two rows"
    return rows


def test_a_thousand_calls(host, tmp):
    """In one report, with the calls that every program makes besides."""
    run = trace(host, tmp, "syscount", [], [host.workload, "getppid", "1000"])
    rows = by_call(run)
    row = rows["getppid"]
    assert (row["count"], row["errors"], row["pid"]) == (1000, 0, None)
    assert 0 < row["max_ns"] <= row["total_ns"] and row["avg_ns"] == row["total_ns"] // 1000
    # what it can't come back from counts, too; the exec that it began with was no call of its own
    assert rows["exit_group"]["count"] == 1 and "execve" not in rows
    assert sum(r["count"] for r in rows.values()) == run.summary["shown"]


@pytest.mark.enough_on("running")
def test_order(host, tmp):
    argv = [host.workload, "getppid", "1000"]
    counts = [r["count"] for r in trace(host, tmp, "syscount", [], argv).of("syscall")]
    assert counts == sorted(counts, reverse=True) and counts[0] == 1000
    totals = [r["total_ns"] for r in trace(host, tmp, "syscount", ["-L"], argv).of("syscall")]
    assert totals == sorted(totals, reverse=True)


def test_selected_calls(host, tmp):
    options = ["--syscall", "getppid,write"]
    run = trace(host, tmp, "syscount", options, [host.workload, "getppid", "1000"])
    assert {c: r["count"] for c, r in by_call(run).items()} == {"getppid": 1000, "write": 1}
    assert run.summary["generated"] == 1001
    numbers = {n: nr for nr, n in map(str.split, calls_listed(host))}
    run = trace(host, tmp, "syscount", ["--syscall", numbers["getppid"]], run.result.argv[-3:])
    assert by_call(run)["getppid"]["count"] == 1000


def calls_listed(host):
    result = host.run([host.iosonde, "syscount", "-l"])
    assert result.returncode == 0, str(result)
    return result.stdout.decode().splitlines()


@pytest.mark.enough_on("running")
def test_list(host):
    names = [line.split()[1] for line in calls_listed(host)]
    assert {"read", "openat2", "io_uring_enter"} <= set(names) and len(names) > 300


def test_errors(host, tmp):
    """Failures alone, and of one kind."""
    argv = [host.workload, "stats"]

    def with_options(name, *options):
        host.run(["mkdir", f"{tmp}/{name}"])
        selected = ["--syscall", "fstat,newfstatat,statfs"]
        return trace(host, tmp, "syscount", [*selected, *options], [*argv, f"{tmp}/{name}"])

    run = with_options("all")
    kernel_name = {"fstatat": "newfstatat"}
    native = [o for o in run.work[0]["opens"] if not o["id"].startswith("ia32")]
    ops = [(kernel_name.get(o["call"], o["call"]), o["err"]) for o in native]
    ops = [o for o in ops if o[0] in ("fstat", "newfstatat", "statfs")]
    count = lambda call, *errs: len([o for o in ops if o[0] == call and o[1] in errs])  # noqa: E731
    errors = {e for _, e in ops if e}
    rows = by_call(run)
    for call in ("fstat", "newfstatat", "statfs"):
        ones = count(call, None, *errors), count(call, *errors)
        # the program's own setting up asks about a file or two without recording it
        more = rows[call]["count"] - ones[0]
        assert 0 <= more <= 2 and rows[call]["errors"] == ones[1], (call, rows[call])
    # the 32-bit ABI stands apart: it has the same names for other numbers
    assert rows["statfs"]["count"] == count("statfs", None, *errors)
    assert ("fstat (32-bit)" in rows) == (refusal(host, "ia32") is None)
    assert rows.get("fstat (32-bit)", {"count": 1})["count"] == 1
    failed = with_options("failed", "-x")
    assert {c: r["count"] for c, r in by_call(failed).items()} == {
        c: r["errors"] for c, r in rows.items() if r["errors"]
    }
    missing = with_options("missing", "-e", "ENOENT")
    assert by_call(missing)["newfstatat"]["count"] == count("newfstatat", "ENOENT")
    assert missing.summary["filtered"] > 0


def test_by_process(host, tmp):
    """Ten processes, each with its own number of calls."""
    script = "".join(f'"$0" getppid {n * 100} >/dev/null; ' for n in range(1, 6)) + "true"
    options = ["-P", "--syscall", "getppid"]
    argv = ["sh", "-c", script, host.workload]
    run = trace(host, tmp, "syscount", options, argv)
    rows = [r for r in run.of("syscall") if r["comm"] == "workload"]
    assert sorted(r["count"] for r in rows) == [100, 200, 300, 400, 500]
    assert len({r["pid"] for r in rows}) == 5 and {r["call"] for r in rows} == {None}


def test_killed_in_mid_call(host, tmp):
    """A read that a signal ended with its process: one, and the time until then."""
    run = trace(host, tmp, "syscount", ["--syscall", "read"], [host.workload, "kill", "100"])
    (row,) = run.of("syscall")
    (work,) = run.work
    assert row["count"] == work["calls"]["read"]["calls"] == 1
    # the child may begin to read that much after its parent began to sleep
    assert 100e6 - 6e6 * host.slower < row["max_ns"] <= work["elapsed_ns"]


def test_threads_and_calls_that_never_return(host, tmp):
    """A process that exits while one of its threads reads: exit_group once, exit for none."""
    run = trace(host, tmp, "syscount", [], [host.workload, "exitmid", "50"])
    rows = by_call(run)
    assert rows["read"]["count"] == 1 and rows["exit_group"]["count"] == 2


def test_known_time(host, tmp):
    """Five reads of a pipe that wait 100 ms each."""
    run = trace(host, tmp, "syscount", ["--syscall", "read"], [host.workload, "pipe", "100", "5"])
    (row,) = run.of("syscall")
    assert row["count"] == 5
    measured = run.work[0]["calls"]["read"]["total_ns"]
    assert measured - 50e6 * host.slower < row["total_ns"] <= measured


def test_children_of(host, tmp):
    script = 'kill -STOP $$; "$0" getppid 300 >/dev/null; sh -c \'"$0" getppid 50; true\' "$0"; true'
    rows = f"{tmp}/rows"
    with started(host, ["sh", "-c", script, host.workload]) as job:
        argv = [host.iosonde, "syscount", "-c", str(job.pid), "--syscall", "getppid"]
        with started(host, [*argv, "-o", "json", "-O", rows]) as sonde:
            wait_attached(host, sonde.pid)
            job.signal(18)  # SIGCONT
            job.wait()
            sonde.signal(2)
            result = sonde.wait()
    counts = {r["call"]: r["count"] for r in read_run(host, "syscount", result, rows).of("syscall")}
    # the inner shell may ask for its parent, too
    assert 300 <= counts["getppid"] <= 302, counts


@pytest.mark.enough_on("running")
def test_intervals(host, tmp):
    """With -i the reports of all intervals make up the whole."""
    argv = [host.workload, "tick", "120", "10", "/dev/null"]
    run = trace(host, tmp, "syscount", ["-i", "0.3", "--syscall", "openat"], argv)
    rows = run.of("syscall")
    assert len(rows) > 2 and sum(r["count"] for r in rows) == 10


def test_unknown_number(host, tmp):
    """A call that nobody has a name for is a number."""
    run = trace(host, tmp, "syscount", [], [host.workload, "syscall", "499", "7"])
    row = by_call(run)["499"]
    assert row["count"] == row["errors"] == 7
    assert run.work[0]["calls"]["syscall"]["errors"] == {"ENOSYS": 7}
