# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Who is traced: exactly the chosen ones, each with all it did, and nobody else."""

import os
import signal
import time

import pytest
from conftest import ENDS
from tracer import (
    check_ledger,
    expected_calls,
    read_run,
    started,
    text_of,
    trace,
    trace_running,
    wait_attached,
    wait_ready,
    wait_until,
)

# Every kernel's hooks have truths of their own; this is the engine, at the ends of their range.
ENOUGH_ON = ENDS


def who(run):
    counts = {}
    for row in run.of("open"):
        counts[row["pid"]] = counts.get(row["pid"], 0) + 1
    return counts


def burst(count, *options):
    return [*options, "burst", str(count), "/dev/null"]


# --- by process and thread ---


def test_several_pids(host, tmp):
    """Three processes, two chosen: all of theirs, none of the third."""
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-p", f"{pids[0]},{pids[2]}"],
        [burst(30), burst(40), burst(50)],
    )
    pids = [w["pid"] for w in run.work]
    assert who(run) == {pids[0]: 30, pids[2]: 50}
    assert run.summary["generated"] == 80


def test_pid_given_twice(host, tmp):
    both = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-p", pids[0], "-p", pids[1]],
        [burst(3), burst(4)],
    )
    assert sorted(who(both).values()) in ([3, 4], [4]), "added, or the last one wins"


def test_one_thread(host, tmp):
    where = f"{tmp}/opens"
    host.run(["mkdir", where])
    run = trace_running(
        host, tmp, "opensnoop", lambda pids: ["-t", pids[0]], [["opens", where]]
    )
    (work,) = run.work
    mine = [o for o in work["opens"] if o["tid"] == work["pid"] and "uring" not in o["call"]]
    rows = [r for r in run.of("open") if "uring" not in r["call"]]
    assert {r["tid"] for r in rows} == {work["pid"]}
    assert len(rows) == len(mine)


def test_pid_means_all_its_threads(host, tmp):
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-p", pids[0]],
        [["burst", "1000", "/dev/null", "4"]],
    )
    assert len(run.of("open")) == 1000
    assert len({r["tid"] for r in run.of("open")}) == 4
    assert {r["pid"] for r in run.of("open")} == {run.work[0]["pid"]}


def family(host, tmp, options):
    """A process with a child, which is there before iosonde, and a child of that one that comes later.

    10, 20 and 40 opens; a stranger makes 80 meanwhile. Yields who made which, and the run.
    """
    rows, gate = f"{tmp}/rows{len(options)}", f"{tmp}/gate{len(options)}"
    w, wait = host.workload, f"while ! [ -e {gate} ]; do sleep 0.05; done"
    inner = f"{wait}; {w} burst 40 /dev/null >/dev/null; {w} burst 20 /dev/null >/dev/null"
    script = f"sh -c '{inner}' & {wait}; {w} burst 10 /dev/null >/dev/null; wait"
    with started(host, ["sh", "-c", script]) as parent, started(host, ["sh", "-c", f"{wait}; {w} burst 80 /dev/null"]):
        wait_until("a child", lambda: host.read_file(f"/proc/{parent.pid}/task/{parent.pid}/children").split())
        argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "-p", str(parent.pid), *options]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            host.run(["touch", gate])
            result = sonde.wait()
    assert result.returncode == 0, str(result)
    run = read_run(host, "opensnoop", result, rows)
    opened = [r for r in run.of("open") if text_of(r, "path") == b"/dev/null" and r["comm"] == "workload"]
    return run, len(opened)


def test_children(host, tmp):
    """--children: those that are there and those to come, and nobody else; without it, how many are missed."""
    run, opened = family(host, tmp, ["--children"])
    assert opened == 70 and run.summary["children_left_out"] == 0, run.summary
    run, opened = family(host, tmp, [])
    # the child that was there, and the parent's own burst
    assert opened == 0 and run.summary["children_left_out"] >= 2, run.summary
    assert "--children" in run.result.err.replace("\n", " "), run.result.err


def test_run_ends_with_its_targets(host, tmp):
    """When the last chosen process is gone there is nothing left to wait for."""
    with started(host, [host.workload, "--go", *burst(2)]) as job:
        wait_ready(host, job.pid)
        argv = [host.iosonde, "opensnoop", "-o", "json", "-p", str(job.pid), "-O", f"{tmp}/rows"]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            job.signal(signal.SIGUSR1)
            job.wait(10)
            result = sonde.wait(10)
    assert result.returncode == 0, str(result)
    run = read_run(host, "opensnoop", result, f"{tmp}/rows")
    assert run.summary["generated"] == 2


# --- by user, name, cgroup, mount namespace ---


@pytest.mark.parametrize("user", ["nobody", "65534"])
def test_user(host, tmp, user):
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-u", user, "-p", ",".join(map(str, pids))],
        [burst(30, "--uid", "65534"), burst(40)],
    )
    assert who(run) == {run.work[0]["pid"]: 30}
    assert {r["uid"] for r in run.of("open")} == {65534}


def test_user_of_a_command(host, tmp):
    """Targets narrow each other: of the command's opens, those of one user."""
    where = f"{tmp}/opens"
    host.run(["mkdir", where])
    run = trace(host, tmp, "opensnoop", ["-u", "nobody"], [host.workload, "opens", where])
    wanted = [o for o in run.work[0]["opens"] if o["uid"] == 65534]
    assert len(run.of("open")) == len(wanted) > 0
    assert {r["uid"] for r in run.of("open")} == {65534}


@pytest.mark.parametrize(
    "pattern, chosen",
    [
        ("{}-alpha", [0]),
        ("{}-*", [0, 1]),
        ("{}-?lpha", [0]),
        ("{}-[ab]*", [0, 1]),
        ("{}", []),
        ("*-alpha", [0]),
    ],
)
def test_names(host, tmp, pattern, chosen):
    base = f"w{os.getpid() % 100000}"
    jobs = [
        burst(10, "--comm", f"{base}-alpha"),
        burst(11, "--comm", f"{base}-beta"),
        burst(12, "--comm", f"x{base}"),
    ]
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-n", pattern.format(base), "-p", ",".join(map(str, pids))],
        jobs,
    )
    assert who(run) == {run.work[i]["pid"]: 10 + i for i in chosen}


def test_name_alone(host, tmp):
    name = f"iosonde-{os.getpid() % 100000}"
    jobs = [burst(10, "--comm", name), burst(11)]
    run = trace_running(host, tmp, "opensnoop", lambda _: ["-n", name], jobs)
    assert who(run) == {run.work[0]["pid"]: 10}


@pytest.fixture
def cgroup(host):
    """A cgroup of our own with a child, in the v2 hierarchy wherever that is mounted."""
    mounts = host.read_file("/proc/self/mounts").decode().splitlines()
    roots = [m.split()[1] for m in mounts if m.split()[2] == "cgroup2"]
    assert roots, "no cgroup2 hierarchy is mounted"
    path = f"{roots[0]}/iosonde-{os.getpid()}"
    host.run(["mkdir", "-p", f"{path}/inner"])
    yield path
    wait_until(
        "empty cgroup",
        lambda: host.run(["rmdir", f"{path}/inner", path]).returncode == 0 or not host.exists(path),
    )


def test_cgroup(host, tmp, cgroup):
    """Those in the cgroup and in the ones below it."""
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda _: ["--cgroup", cgroup],
        [
            burst(10, "--cgroup", cgroup),
            burst(11, "--cgroup", f"{cgroup}/inner"),
            burst(12),
        ],
    )
    assert who(run) == {run.work[0]["pid"]: 10, run.work[1]["pid"]: 11}


def test_deep_cgroup(host, tmp, cgroup):
    """However many levels lie between."""
    levels = [f"{cgroup}/inner" + "/l" * n for n in range(1, 26)]
    assert host.run(["mkdir", *levels]).returncode == 0
    try:
        run = trace_running(
            host,
            tmp,
            "opensnoop",
            lambda _: ["--cgroup", cgroup],
            [burst(10, "--cgroup", levels[-1]), burst(11)],
        )
    finally:
        wait_until(
            "empty cgroups", lambda: host.run(["rmdir", *reversed(levels)]).returncode == 0
        )
    assert who(run) == {run.work[0]["pid"]: 10}


@pytest.mark.parametrize("by", ["pid", "inode"])
def test_mount_namespace(host, tmp, by):
    def options(pids):
        if by == "pid":
            return ["--mntns", pids[0]]
        link = host.run(["readlink", f"/proc/{pids[0]}/ns/mnt"]).stdout.decode()
        return ["--mntns", link.strip().removeprefix("mnt:[").removesuffix("]")]

    run = trace_running(
        host, tmp, "opensnoop", options, [burst(10, "--newns"), burst(11)]
    )
    assert who(run) == {run.work[0]["pid"]: 10}


# --- a command and its descendants ---


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
def test_all_descendants(host, tmp, command):
    """Children, grandchildren and orphans; from the command's first instruction to its last."""
    argv = [host.workload, "tree", "6", "20", "/dev/null"]
    run = trace(host, tmp, command, [], argv)
    calls, _, _ = expected_calls(run)
    assert calls["openat"] == (2 * 6 - 3) * 20
    if command == "opensnoop":
        assert len(run.of("open")) == run.summary["generated"] == calls["openat"]
        assert set(who(run).values()) == {20} and len(who(run)) == 9
    else:
        check_ledger(run)
        (row,) = [r for r in run.of("call") if r["call"] == "openat"]
        assert row["count"] == calls["openat"]


def test_shells_and_pipes(host, tmp):
    """A command line as people type it; the shell's children are members too."""
    w = host.workload
    script = f'for i in 1 2 3; do "{w}" burst 5 /dev/null; done | cat; ("{w}" burst 7 /dev/full &) ; wait; sleep 0.3'
    run = trace(host, tmp, "opensnoop", [], ["sh", "-c", script])
    paths = [text_of(r, "path") for r in run.of("open") if r["comm"] == "workload"]
    assert paths.count(b"/dev/null") == 15 and paths.count(b"/dev/full") == 7


def test_first_open_is_seen(host, tmp):
    """The command starts only when the probes are live: its very first open, ten times in ten."""
    for _ in range(10):
        run = trace(host, tmp, "opensnoop", [], [host.workload, "exit", "0", "/dev/zero"])
        assert [text_of(r, "path") for r in run.of("open")] == [b"/dev/zero"]


def test_others_are_left_out(host, tmp):
    """A process that is busy all the while and not a descendant gives no row."""
    with started(host, [host.workload, "tick", "1", "100000", "/dev/zero"]):
        run = trace(host, tmp, "opensnoop", [], [host.workload, "tick", "20", "10", "/dev/null"])
    assert {text_of(r, "path") for r in run.of("open")} == {b"/dev/null"}
    assert run.summary["generated"] == 10


def test_itself_is_left_out(host, tmp):
    """A copy under another name, told to trace that name: nothing, unless asked with --self."""
    name = f"ios{os.getpid() % 100000}"
    copy = f"{tmp}/{name}"
    host.run(["cp", host.iosonde, copy])
    for option, itself in ([], False), (["--self"], True):
        rows = f"{tmp}/rows{itself}"
        argv = [copy, "layers", "-n", name, "--slow", "0", "-o", "json", "-O", rows]
        result = host.run([*argv, "-d", "1", "-i", "200ms", *option])
        assert result.returncode == 0, str(result)
        run = read_run(host, "layers", result, rows)
        assert bool([r for r in run.of("process") if r["comm"] == name]) == itself, option
        if not itself:
            assert run.summary["generated"] == 0


# --- exit statuses ---


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
@pytest.mark.parametrize(
    "argv, status",
    [
        (["exit", "0"], 0),
        (["exit", "7"], 7),
        (["exit", "255"], 255),
        (["signal", "15"], 143),
        (["signal", "9"], 137),
        (["signal", "11"], 139),
    ],
)
def test_status_is_the_commands(host, tmp, command, argv, status):
    trace(host, tmp, command, [], [host.workload, *argv], status=status)


def test_command_not_found(host):
    result = host.run([host.iosonde, "opensnoop", "--", "no-such-command-at-all"])
    assert result.returncode == 127, str(result)
    assert "no-such-command-at-all" in result.err
    result = host.run([host.iosonde, "opensnoop", "--", "/nonexistent/dir/x"])
    assert result.returncode == 127, str(result)


def test_command_not_executable(host, tmp):
    host.write_file(f"{tmp}/plain", b"#!/bin/sh\n")
    for path in (f"{tmp}/plain", tmp):
        result = host.run([host.iosonde, "opensnoop", "--", path])
        assert result.returncode == 126, str(result)
        assert path in result.err


def test_failure_with_a_command_is_125(host):
    """And the command isn't run at all."""
    for options in (["--btf", "/dev/null"], ["-O", "/nonexistent/rows"]):
        argv = [host.iosonde, "opensnoop", *options, "--", "sh", "-c", "echo ran"]
        result = host.run(argv)
        assert result.returncode == 125, str(result)
        assert result.stdout == b"" and result.stderr, str(result)


def test_failure_without_a_command_is_1(host):
    argv = [host.iosonde, "opensnoop", "--btf", "/dev/null", "-p", str(host.pid), "-d", "1"]
    result = host.run(argv)
    assert result.returncode == 1 and result.stderr, str(result)


def test_usage_with_a_command_is_2(host):
    result = host.run([host.iosonde, "opensnoop", "-d", "nonsense", "--", "sh", "-c", "echo ran"])
    assert result.returncode == 2 and result.stdout == b"", str(result)


def test_duration_ends_tracing_not_the_command(host, tmp):
    """At -d tracing ends; the command runs on, and its status is the run's."""
    argv = ["sh", "-c", f'"{host.workload}" tick 50 40 /dev/null; exit 9']
    start = time.monotonic()
    run = trace(host, tmp, "opensnoop", ["-d", "1"], argv, status=9)
    assert time.monotonic() - start >= 2.0
    seen = [r for r in run.of("open") if r["comm"] == "workload"]
    assert 5 <= len(seen) <= 21, len(seen)


def test_run_ends_with_the_command(host, tmp):
    """What it left behind in the background doesn't keep iosonde."""
    argv = ["sh", "-c", "sleep 20 >/dev/null 2>&1 & exit 3"]
    start = time.monotonic()
    trace(host, tmp, "opensnoop", [], argv, status=3)
    assert time.monotonic() - start < 10


def test_interrupted_command(host, tmp):
    """SIGINT goes to both, as from a terminal: the summary is whole, the status the command's."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--"]
    with started(host, [*argv, host.workload, "tick", "20", "10000", "/dev/null"]) as sonde:
        wait_until("rows", lambda: host.exists(rows) and host.read_file(rows).count(b"\n") > 3)
        kids = host.read_file(f"/proc/{sonde.pid}/task/{sonde.pid}/children").split()
        sonde.signal(signal.SIGINT)
        for kid in kids:
            host.run(["kill", "-INT", kid.decode()])
        result = sonde.wait(10)
    assert result.returncode == 130, str(result)
    run = read_run(host, "opensnoop", result, rows)
    assert run.summary["generated"] == len(run.of("open")) > 3
