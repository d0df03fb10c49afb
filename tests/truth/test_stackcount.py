# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""stackcount: as many different stacks as were walked, and as many calls as were made, exactly."""

from collections import Counter

import pytest
from conftest import GUESTS
from test_bounds import small
from test_funccount import FOUND, LACKING, PATTERNS, WAYS, steps
from test_profile import frames_of
from tracer import trace, trace_running

GETPPID = "t:syscalls:sys_enter_getppid"
LOST = ["[stack lost]"]


def lacking(params, kernel):
    """Ways to hook that the kernel doesn't have."""
    return params.get("way") in LACKING.get(kernel, ())


def total(rows):
    return sum(r["count"] for r in rows)


def names_of(frames):
    return [f.split("+")[0] for f in frames]


def ways_of(rows):
    return Counter(tuple(r["ustack"]) for r in rows if r["ustack"] != LOST)


def test_distinct_stacks(host, tmp):
    """2,000 ways to one system call: all are there, each as often as it was gone; or it is said of how
    many calls the stack found no place, and they are counted all the same."""
    run = trace(host, tmp, "stackcount", [GETPPID], [host.workload, "paths", "2000"])
    rows, (work,) = run.of("stack"), run.work
    missing = run.summary["null_helper"]
    assert total(rows) == run.summary["shown"] == work["getppids"] == 3999
    assert missing <= 3, "of one stack or two"
    assert len(ways_of(rows)) >= 2000 - missing and max(ways_of(rows).values()) == 1
    assert total(r for r in rows if r["ustack"] == LOST) == missing
    times = Counter(r["count"] for r in rows if r["ustack"] != LOST)
    assert missing or times == {1: 667, 2: 667, 3: 666}, times
    for row in rows:
        assert (row["function"], row["comm"], row["hook"]) == (GETPPID[2:], "workload", "raw_tp")
        assert row["pid"] == work["pid"] and names_of(row["kstack"])[-1].startswith("entry_SYSCALL")
    seen = [r for r in rows if r["ustack"] != LOST and "cmd_paths" in names_of(r["ustack"])]
    assert len(seen) >= 1990 and all(names_of(r["ustack"]).count("walk") == 11 for r in seen)


@pytest.mark.enough_on("running")
def test_no_room(host, tmp):
    """For stacks, then for rows: what found none is counted, said, and a part of the whole."""
    argv = [host.workload, "paths", "300"]
    with small(host, "stacks=64,second_stacks=16,third_stacks=16"):
        run = trace(host, tmp, "stackcount", [GETPPID], argv)
    rows = run.of("stack")
    assert total(rows) == run.summary["shown"] == run.work[0]["getppids"]
    lost = [r for r in rows if r["ustack"] == LOST]
    assert total(lost) == run.summary["null_helper"] > 300 and len(ways_of(rows)) <= 96
    run = trace(host, tmp, "stackcount", [GETPPID, "--hash-storage-size", "64"], argv)
    (others,) = [r for r in run.of("stack") if r["comm"] == "(others)"]
    assert (others["function"], others["pid"], others["kstack"]) == ("(others)", None, None)
    assert total(run.of("stack")) == run.work[0]["getppids"]
    assert others["count"] == run.summary["others"] and len(run.of("stack")) == 65


# Frames of the hooks differ; that each way finds what it is told, test_funccount.py shows.
SOME_WAYS = [
    "kprobe.multi",
    pytest.param("kprobe", marks=pytest.mark.enough_on("5.10", "6.1")),
    pytest.param("fentry", marks=pytest.mark.enough_on("5.10", "sid")),
]


@pytest.mark.only_on(*GUESTS)
@pytest.mark.parametrize("way", SOME_WAYS)
def test_functions(host, tmp, way):
    """Known calls of several functions, by each way to hook: each stack begins with the function, and
    ends where the system call came in."""
    host.environment = WAYS[way]
    try:
        run = trace(host, tmp, "stackcount", ["-K", *PATTERNS], steps(host, tmp), timeout=120)
    finally:
        host.environment = {}
    rows, found = run.of("stack"), Counter()
    for row in rows:
        found[row["function"]] += row["count"]
        assert names_of(row["kstack"])[0] == row["function"], row
        assert names_of(row["kstack"])[-1].startswith("entry_SYSCALL"), row
        assert (row["hook"], row["ustack"], row["pid"], row["comm"]) == (way, None, None, None), row
    assert found == FOUND and run.summary["generated"] == sum(FOUND.values())
    callers = Counter()
    for row in rows:
        if row["function"] == "vfs_write":
            callers["pwrite64" in str(row["kstack"])] += row["count"]
    assert callers == {False: 1000, True: 500}, "write and pwrite come by different ways"


@pytest.mark.enough_on("running", "5.10")
def test_processes(host, tmp):
    """-K adds up what all processes do, -P keeps them apart; -c is about one CPU. One that runs."""
    argv = ["--cpu", "0", "getppid", "100"]
    ours = ["-n", "workload", GETPPID]  # the shell has calls of its own
    script = f'for i in 1 2 3; do "{host.workload}" --silent {" ".join(argv)}; done'
    shell = ["sh", "-c", script]
    (row,) = trace(host, tmp, "stackcount", ["-K", *ours], shell).of("stack")
    assert (row["count"], row["pid"]) == (300, None)
    rows = trace(host, tmp, "stackcount", ["-KP", *ours, "-c", "0"], shell).of("stack")
    assert [r["count"] for r in rows] == [100] * 3 and len({r["pid"] for r in rows}) == 3
    assert not trace(host, tmp, "stackcount", ["-c", "1", *ours], shell).of("stack")
    options = ["-U", GETPPID, "-i", "50ms", "-p"]
    run = trace_running(host, tmp, "stackcount", lambda pids: [*options, pids[0]], [argv])
    assert total(run.of("stack")) == 100 and not [r for r in run.of("stack") if r["kstack"]]


@pytest.mark.enough_on("running")
def test_for_flame_graphs(host, tmp):
    """Lines, a tree and a picture of the same calls."""
    argv = [host.workload, "--silent", "paths", "8"]
    out = f"{tmp}/out"
    for options in (["-f"], ["--tree"], ["--svg", f"{tmp}/svg", "-f"], ["-K", "-f"]):
        sonde = [host.iosonde, "stackcount", *options, GETPPID, "-O", out, "--", *argv]
        result = host.run(sonde, timeout=60)
        assert result.returncode == 0, str(result)
        lines = host.read_file(out).decode().splitlines()
        host.remove(out)
        if "--tree" in options:
            assert lines[0].split() == ["SHARE", "COUNT", "SELF", "FUNCTION"], lines
            assert [x.split()[1] for x in lines[1:3]] == ["15", "15"], lines
            continue
        assert sum(int(x.rpartition(" ")[2]) for x in lines) == 15, lines
        assert all(x.startswith("entry_" if "-K" in options else "workload;") for x in lines), lines
        assert len(lines) == 1 or "-K" not in options, lines
    assert frames_of(host.read_file(f"{tmp}/svg"))[1] == 15


def test_events(host, tmp):
    """What perf counts: the faults that the kernel counts, too, by the place that touched the page."""
    argv = [host.workload, "faults", f"{tmp}/cold", "200"]
    run = trace(host, tmp, "stackcount", ["e:major-faults", "e:minor-*"], argv)
    (work,), rows = run.work, run.of("stack")
    found = Counter()
    for row in rows:
        found[row["function"]] += row["count"]
        assert row["hook"] == "perf_event"
    # the program's own pages, too
    assert found["major-faults"] >= work["majors"] + 2 * work["few"], (found, work)
    assert found["minor-faults"] >= work["minors"], (found, work)
    here = [r for r in rows if r["function"] == "major-faults" and "cmd_faults" in str(r["ustack"])]
    assert total(here) >= work["majors"], here
    assert run.summary["lost_at_least"]
    result = host.run([host.iosonde, "stackcount", "e:fault", "--", "true"])
    assert result.returncode == 125 and "page-faults" in result.err, str(result)


def test_no_way_at_all(host):
    """Where no function can be hooked it says so, and what was tried."""
    env = {} if host.name == "running" else {"IOSONDE_WITHOUT": "kprobe_multi,kprobes,fentry"}
    result = host.run([host.iosonde, "stackcount", "vfs_*", "-d", "1"], env=env)
    assert result.returncode == 1 and not result.stdout, str(result)
    assert all(f" {way} (" in result.err for way in WAYS), str(result)
