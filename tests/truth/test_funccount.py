# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""funccount: calls of kernel functions whose number is known, by each way to hook them."""

import re
from collections import Counter

import pytest
from tracer import parse_rows, read_run, started, trace, trace_running

# Each is the best that is left when those before it are hidden.
WAYS = {
    "kprobe.multi": {},
    "kprobe": {"IOSONDE_WITHOUT": "kprobe_multi"},
    "fentry": {"IOSONDE_WITHOUT": "kprobe_multi,kprobes"},
}
LACKING = {"5.10": {"kprobe.multi"}, "6.1": {"kprobe.multi"}}
ONLY_ON = ("5.10", "6.1", "6.12", "sid")  # where functions can be hooked; test_funccount_refused.py


def lacking(params, kernel):
    """Ways to hook that the kernel doesn't have."""
    return params.get("way") in LACKING.get(kernel, ())


@pytest.fixture(params=WAYS)
def way(host, request):
    """How functions are hooked."""
    host.environment = WAYS[request.param]
    yield request.param
    host.environment = {}


def counts(run):
    found = {r["function"]: r["count"] for r in run.of("function")}
    assert len(found) == len(run.of("function")), run.rows
    assert run.summary["generated"] == sum(found.values())
    return found


def symbols(host):
    text = host.run(["cat", "/proc/kallsyms"]).stdout.decode()
    return {m[2]: int(m[1], 16) for m in re.finditer(r"^(\w+) [tT] (\w+)$", text, re.M)}


def steps(host, tmp):
    """Does what it is told and not a word besides."""
    calls = ["1000*write 1", "500*pwrite 2", "300*writev 3", "7*fsync", "40*read 1"]
    return [host.workload, "--silent", "steps", f"open {tmp}/file rwc", *calls]


PATTERNS = ["vfs_write", "vfs_rea?", "/^vfs_(writev|nosuch)$/", "^__x64_sys_f(data)?sync$"]
NOISE = "while :; do '{}' --silent rw write 100 8 /dev/null; sleep 0.1; done"
FOUND = {"vfs_write": 1500, "vfs_writev": 300, "vfs_read": 40, "__x64_sys_fsync": 7}


def hooked(host):
    return host.run(["cat", "/sys/kernel/tracing/enabled_functions"]).stdout


def test_known_calls(host, tmp, way):
    """1,000 write and 500 pwrite are 1,500 vfs_write; writev goes through vfs_writev alone.

    What others do meanwhile doesn't count, and nothing stays hooked.
    """
    before = hooked(host)
    with started(host, ["sh", "-c", NOISE.format(host.workload)]):
        run = trace(host, tmp, "funccount", PATTERNS, steps(host, tmp), timeout=120)
    assert {r["hook"] for r in run.of("function")} == {way}
    assert counts(run) == FOUND
    order = [r["count"] for r in run.of("function")]
    assert order == sorted(order), "the least comes first, as in bcc"
    addresses = symbols(host)
    for row in run.of("function"):
        assert row["address"] == addresses[row["function"]], row
    assert hooked(host) == before


def test_intervals_add_up(host, tmp, way):
    """A process that runs already, on all CPUs: nothing is counted twice, or between reports."""
    n = host.few(400000)
    argv = ["burst", str(n), "/dev/null", "4"]
    options = ["vfs_open", "vfs_writev", "-i", "100ms", "-p"]
    run = trace_running(host, tmp, "funccount", lambda pids: [*options, pids[0]], [argv], None)
    rows, missed = run.of("function"), run.summary["lost_missed"]
    # There a thread can be preempted in the program, or iosonde in bpf(); calls that come meanwhile
    # are missed.
    assert run.summary["lost"] == (missed if host.name == "sid" else 0)
    assert n - missed <= sum(r["count"] for r in rows if r["function"] == "vfs_open") <= n, rows
    times = [r["time_ns"] for r in rows if r["function"] == "vfs_open"]
    assert len(times) > 1 and len(set(times)) == len(times), times


def test_vfscount(host, tmp):
    """The other name, with about 75 functions; what can't be hooked is told, and no function."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "vfscount", "-o", "json", "-O", rows, "--", *steps(host, tmp)]
    result = host.run(argv, timeout=120)
    assert result.returncode == 0, str(result)
    run = read_run(host, "funccount", result, rows)
    found = counts(run)
    assert all(name.startswith("vfs_") for name in found), found
    assert (found["vfs_write"], found["vfs_writev"], found["vfs_read"]) == (1500, 300, 40)
    assert found["vfs_open"] == 1
    said = run.result.err
    assert re.search(r"can't be hooked \(.*\): .*vfs_caches_init", said), said
    assert ".cold" not in said


def test_of_two_names_both(host, tmp):
    """Functions that share a name are hooked each for itself."""
    names = host.run(["cat", "/sys/kernel/tracing/available_filter_functions"]).stdout.split()
    shared = [n.decode() for n, k in Counter(names).items() if k == 2 and b"[" not in n]
    text = host.run(["cat", "/proc/kallsyms"]).stdout.decode()
    kernel = Counter(re.findall(r"^\w+ [tT] (\w+)$", text, re.M))
    name = next(n for n in sorted(shared) if kernel[n] == 2)
    argv = [host.iosonde, "funccount", name, "--verbose", "-d", "100ms", "-o", "json"]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0 and "2 of 2 hooked" in result.err, str(result)


def test_hundreds(host, tmp):
    """Some hundred functions at once; where they are hooked one by one it only takes longer."""
    if "kprobe.multi" in LACKING.get(host.name, ()):
        return
    run = trace(host, tmp, "funccount", ["ext4_*", "vfs_write"], steps(host, tmp), timeout=120)
    found = counts(run)
    assert found["vfs_write"] == 1500 and found["ext4_file_write_iter"] == 1800, found


def test_top_is_the_largest(host, tmp):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "funccount", *PATTERNS, "-r", "2", "-o", "csv", "-O", rows]
    result = host.run([*argv, "--columns", "function,count", "--", *steps(host, tmp)], timeout=60)
    assert result.returncode == 0, str(result)
    lines = host.read_file(rows).decode().splitlines()
    assert lines == ["function,count", "vfs_writev,300", "vfs_write,1500"]


def test_nothing_can_be_hooked(host):
    """A function that is there, but not for tracers."""
    result = host.run([host.iosonde, "funccount", "vfs_caches_init", "-d", "100ms"])
    assert result.returncode == 1 and not result.stdout, str(result)
    assert "vfs_caches_init" in result.err, str(result)


def test_with_two_capabilities(host, tmp):
    """Addresses and tracefs are out of sight: functions are hooked by name."""
    caps = "--inh-caps=-all,+bpf,+perfmon", "--ambient-caps=-all,+bpf,+perfmon"
    drop = ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", *caps]
    drop += ["--bounding-set=-all,+bpf,+perfmon"]
    limits = ["sh", "-c", 'ulimit -l unlimited; exec "$@"', "-"]  # maps count as locked on 5.10
    argv = [*limits, *drop, host.iosonde, "funccount", "vfs_write", "vfs_caches_init", "-o", "json"]
    work = [host.workload, "--silent", "rw", "write", "1000", "8", "/dev/null"]
    result = host.run([*argv, "--", *work], timeout=60)
    assert result.returncode == 0, str(result)
    rows = [r for r in parse_rows(result.stdout) if r["type"] == "function"]
    assert [(r["function"], r["count"], r["address"]) for r in rows] == [("vfs_write", 1000, None)]
    assert "vfs_caches_init" in result.err, str(result)


ONE_BY_ONE = {"IOSONDE_WITHOUT": "kprobe_multi", "TERM": "xterm"}


def test_progress_on_a_terminal(host):
    """Hooking one by one takes time: people see how far it is, and the line is taken away."""
    result = host.run_pty([host.iosonde, "vfscount", "-d", "100ms"], env=ONE_BY_ONE, timeout=120)
    assert result.returncode == 0, str(result)
    assert re.search(rb"\rattaching \d+ of \d+\x1b\[K", result.stdout), str(result)
    assert b"\r\x1b[K" in result.stdout


def test_interrupted_while_attaching(host):
    """It ends at once, and what was hooked is free again."""
    before = hooked(host)
    argv = [host.iosonde, "funccount", "ext4_*"]
    result = host.run_pty(argv, env=ONE_BY_ONE, interrupt_after=3, timeout=180)
    assert b"interrupted while attaching" in result.stdout, str(result)
    assert result.returncode == 1 and hooked(host) == before, str(result)


def test_too_many_one_by_one(host):
    result = host.run([host.iosonde, "funccount", "*"], env=ONE_BY_ONE, timeout=60)
    assert result.returncode == 1 and not result.stdout, str(result)
    assert "narrower" in result.err, str(result)
