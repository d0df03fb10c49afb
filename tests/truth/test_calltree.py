# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""calltree: every call of a function has its tree, which nests and adds up; and nothing of it stays."""

import signal
from collections import Counter

import pytest
from conftest import GUESTS
from tracer import read_run, started, trace, wait_attached

ONLY_ON = GUESTS  # the running kernel's says why not, below
TRACEFS = "/sys/kernel/tracing"
RECORD = "/run/iosonde/calltree"
# Hooking all functions of a kernel takes an emulated machine ten seconds.
ONLY = [w for only in ("*write*", "ext4_*") for w in ("--only", only)]
SETTINGS = """current_tracer tracing_on trace_clock set_graph_function max_graph_depth set_ftrace_pid
set_event_pid set_event set_ftrace_filter options/*"""
PATH = ("ksys_write", "vfs_write", "ext4_file_write_iter", "ext4_buffered_write_iter")
# A command that isn't one process, or doesn't end by itself.
LOOP = 'while :; do printf x >"$0"; sleep 0.05; done'


def settings(host):
    """What a run must leave as it was."""
    script = f"cd {TRACEFS} && head -n 1 {SETTINGS}; ls instances; grep -c . /proc/mounts".split()
    return host.run(["sh", "-c", " ".join(script)]).stdout.decode()


def trees(rows):
    """[[row, ...]] each with the rows that it called in "calls"."""
    found, above = [], []
    for row in rows:
        row["calls"] = []
        if row["level"] == 0:
            found.append([])
        found[-1].append(row)
        del above[row["level"] :]
        assert len(above) == row["level"], f"nobody has called {row}"
        if above:
            above[-1]["calls"].append(row)
        above.append(row)
        assert (row["root"], row["tid"]) == (above[0]["function"], above[0]["tid"])
    return found


def check_times(tree):
    """A function lasts as long as what it calls, at least; and those are one after the other."""
    for row in tree:
        below = row["calls"]
        assert row["self_ns"] == row["lat_ns"] - sum(c["lat_ns"] for c in below) >= 0, row
        times = [row["time_ns"], *(c["time_ns"] for c in below)]
        assert times == sorted(times), row


def path_of(tree):
    """Of a write to a file: the functions of PATH, each called by the one before, or through others."""
    names, row, at = [], tree[0], 0
    while row:
        if row["function"] == PATH[at]:
            names.append(row["function"])
            at += 1
        row = next((c for c in row["calls"] if at < len(PATH) and leads_to(c, PATH[at])), None)
    return tuple(names)


def leads_to(row, name):
    return row["function"] == name or any(leads_to(c, name) for c in row["calls"])


def writes_of(found):
    return [t for t in found if leads_to(t[0], "ext4_file_write_iter")]


@pytest.mark.only_on("running")
def test_reason_without_the_tracer(host):
    """Where the kernel has no function_graph it says so, and so does doctor."""
    with open(f"{TRACEFS}/available_tracers") as f:
        assert "function_graph" not in f.read().split()
    result = host.run([host.iosonde, "calltree", "ksys_write", "--", "true"])
    assert result.returncode == 125 and "function_graph" in result.err, str(result)
    doctor = host.run([host.iosonde, "doctor"]).stdout.decode()
    (line,) = [x for x in doctor.splitlines() if x.startswith("calltree ")]
    assert line.split()[1] == "no" and "function_graph" in line


def test_writes(host, tmp):
    """300 writes of a byte by a process and 100 by its child: as many trees, each down to ext4."""
    host.write_file(f"{tmp}/a", b"x")
    host.write_file(f"{tmp}/b", b"x")
    before = settings(host)
    argv = ["sh", "-c", '"$0" rw write 300 1 "$1"; "$0" rw write 100 1 "$2"']
    argv += [host.workload, f"{tmp}/a", f"{tmp}/b"]
    run = trace(host, tmp, "calltree", ["ksys_write", *ONLY], argv)
    assert settings(host) == before and not host.read_file(RECORD)
    found = trees(run.of("call"))
    for tree in found:
        check_times(tree)
    assert len({t[0]["time_ns"] for t in found}) == len(found)
    writes = writes_of(found)
    assert Counter(path_of(t) for t in writes) == {PATH: 400}
    pids = [w["pid"] for w in run.work]
    assert Counter(t[0]["pid"] for t in writes) == dict(zip(pids, (300, 100), strict=True))
    assert {r["comm"] for t in writes for r in t} == {"workload"}
    assert run.summary["shown"] == run.summary["generated"] == len(run.of("call"))


@pytest.mark.enough_on("5.10", "sid")
def test_options(host, tmp):
    """Of a process that is there already: so many trees, so deep; what it starts is left out."""
    with started(host, ["sh", "-c", LOOP, f"{tmp}/f"]) as shell:
        rows = f"{tmp}/rows"
        argv = [host.iosonde, "calltree", "vfs_write", "*file_write_iter", *ONLY, "-o", "json"]
        argv += ["-O", rows, "--depth", "2", "--trees", "3", "-p", str(shell.pid)]
        result = host.run(argv, timeout=60)
        assert result.returncode == 0, str(result)
        run = read_run(host, "calltree", result, rows)
        assert [t[0]["function"] for t in trees(run.of("call"))] == ["vfs_write"] * 3
        assert {r["level"] for r in run.of("call")} == {0, 1}
        assert {r["pid"] for r in run.of("call")} == {shell.pid}
        assert run.summary["children_left_out"] > 0
        argv = [host.iosonde, "calltree", "ksys_write", *ONLY, "-m", "1h", "-o", "json", "-O", rows]
        result = host.run([*argv, "-d", "300ms", "-p", str(shell.pid)], timeout=60)
    run = read_run(host, "calltree", result, rows)
    assert run.of("call") == run.of("call")[:3] and run.summary["filtered"] > 0
    assert run.summary["lost"] == 0


@pytest.mark.enough_on("5.10", "6.12")
def test_killed(host, tmp):
    """What a run that was killed has left set, the next one puts back."""
    before = settings(host)
    with started(host, ["sh", "-c", LOOP, f"{tmp}/f"]) as shell:
        argv = [host.iosonde, "calltree", "ksys_write", *ONLY, "-p", str(shell.pid)]
        with started(host, [*argv, "-O", f"{tmp}/rows"]) as sonde:
            wait_attached(host, sonde.pid)
            second = host.run([*argv, "-d", "1ms"])
            assert second.returncode == 1 and "another one is running" in second.err, str(second)
            sonde.signal(signal.SIGKILL)
            sonde.wait(30)
    assert settings(host) != before and host.read_file(RECORD)
    run = trace(host, tmp, "calltree", ["ksys_write", *ONLY], ["true"])
    assert run.summary["lost"] == 0
    assert settings(host) == before and not host.read_file(RECORD)


@pytest.mark.enough_on("5.10", "6.12")
def test_somebody_else_traces(host):
    """Theirs is left alone."""
    set_it = f"echo vfs_read >{TRACEFS}/set_graph_function"
    assert host.run(["sh", "-c", set_it]).returncode == 0
    before = settings(host)
    result = host.run([host.iosonde, "calltree", "ksys_write", "--", "true"])
    after = settings(host)
    assert host.run(["sh", "-c", f": >{TRACEFS}/set_graph_function"]).returncode == 0
    assert result.returncode == 125 and "somebody else is tracing" in result.err, str(result)
    assert before == after


@pytest.mark.enough_on("6.1", "sid")
def test_loss_is_counted(host, tmp):
    """While nobody reads, the buffer overflows: the records that are gone are counted, no row is made up."""
    rows = f"{tmp}/rows"
    host.write_file(f"{tmp}/f", b"x")
    with started(host, [host.workload, "--go", "rw", "write", "20000", "1", f"{tmp}/f"]) as job:
        argv = [host.iosonde, "calltree", "ksys_write", *ONLY, "--buffer", "4K", "-o", "json", "-O"]
        with started(host, [*argv, rows, "-p", str(job.pid)]) as sonde:
            wait_attached(host, sonde.pid)
            sonde.signal(signal.SIGSTOP)
            job.signal(signal.SIGUSR1)
            job.wait(60)
            sonde.signal(signal.SIGCONT)
            result = sonde.wait(60)
    run = read_run(host, "calltree", result, rows)
    assert run.summary["lost"] == run.summary["lost_ring"] > 40000
    names = {r["function"] for r in run.of("call")}
    assert PATH[0] in names and len(run.of("call")) == run.summary["shown"]
