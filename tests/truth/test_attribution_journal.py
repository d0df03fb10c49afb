# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whose ext4's journal is: in proportion to the blocks that each process changed, by jbd2's own trace."""

import contextlib
import re
import signal
from collections import Counter

import pytest
from conftest import GUESTS
from disks import MKFS_EXT4, mapped, ok
from tracer import read_run, started, wait_attached

ONLY_ON = GUESTS  # a filesystem of our own, and everybody who changes it
DISK, WHERE, TRACE = "/dev/vdb", "/mnt/journal", "/sys/kernel/tracing"
BLOCK = 4096
LINE = r" +(\S+)-(\d+) +\[.* jbd2_handle_stats: dev (\S+) tid (\d+) .* dirtied_blocks (-?\d+)"
HANDLE = re.compile(LINE)
LOGGED = re.compile(r" jbd2_run_stats: dev (\S+) tid (\d+) .* blocks_logged (\d+)")
HOOKS = {"chosen": {}, "classic": {"IOSONDE_WITHOUT": "journal_handle"}}
# Three processes that end before anything is written, each with some files, in a transaction that one
# has begun before anybody watched; then more processes in one transaction than there is room for in
# what is known of a bio; then one whose blocks kernel threads find.
SCRIPT = f"""
maker() {{ sh -c 'printf $1 >/proc/$$/comm; for i in $(seq $2); do : >$3/$1$i; done' sh "$@"; }}
maker one 20 {WHERE}/a; maker two 100 {WHERE}/b; maker one 50 {WHERE}/b
sync -f {WHERE}
for i in $(seq 20); do mkdir {WHERE}/a/$i; done
sync -f {WHERE}
dd if=/dev/zero of={WHERE}/file bs=64k count=4
sync -f {WHERE}
"""


def lacking(params, kernel):
    """sid chooses the classic tracepoint by itself; elsewhere one kernel will do."""
    return params.get("hooks") == "classic" and kernel != "6.12"


@contextlib.contextmanager
def device(host):
    """(path, the disks that the log goes through): on one kernel there is another disk below."""
    if host.name != "6.1":
        yield DISK, ["vdb"]
        return
    with mapped(host, "above", f"0 {1 << 20} linear {DISK} 0") as (path, name):
        yield path, [name, "vdb"]


@pytest.fixture(scope="module")
def disks(host):
    """Those of a new filesystem. Commits come when they are asked for."""
    with contextlib.ExitStack() as stack:
        path, disks = stack.enter_context(device(host))
        ok(host, *MKFS_EXT4, path)
        ok(host, "mkdir", "-p", WHERE)
        ok(host, "mount", "-o", "commit=300", path, WHERE)
        stack.callback(ok, host, "umount", WHERE)
        for event in ("handle_stats", "run_stats"):
            ok(host, "sh", "-c", f"echo 1 >{TRACE}/events/jbd2/jbd2_{event}/enable")
        yield disks
        ok(host, "sh", "-c", f"echo 0 >{TRACE}/events/jbd2/enable")


def sectors_written(host):
    return int(host.read_file("/sys/block/vdb/stat").split()[6])


@contextlib.contextmanager
def watched(host, tmp, env):
    """{command: run}, when that is over which is done inside. biotop adds up, on one kernel, too."""
    runs, commands = {}, {"biosnoop": [], "biotop": ["-i", "60"]}
    if host.name != "6.1":
        del commands["biotop"]
    with contextlib.ExitStack() as stack:
        for name, more in commands.items():
            rows = f"{tmp}/{name}"
            argv = [host.iosonde, name, "-F", "-o", "json", "-O", rows, *more]
            runs[name] = stack.enter_context(started(host, argv, env=env))
        for sonde in runs.values():
            wait_attached(host, sonde.pid)
        yield runs
        for name, sonde in runs.items():
            sonde.signal(signal.SIGINT)
            runs[name] = read_run(host, name, sonde.wait(60), f"{tmp}/{name}")
            assert runs[name].summary["lost"] == 0, runs[name].summary


def transactions(host, disk):
    """jbd2's own: of each ({process: blocks}, 0 the kernel's threads, and how many were logged)."""
    text = host.read_file(f"{TRACE}/trace").decode()
    dev = host.read_file(f"/sys/block/{disk}/dev").decode().strip().replace(":", ",")
    logged = {tid: int(n) for its, tid, n in LOGGED.findall(text) if its == dev}
    sums = {tid: Counter() for tid in logged}
    for name, pid, its, tid, blocks in HANDLE.findall(text):
        if its == dev and tid in sums:
            sums[tid][0 if name.startswith(("kworker", "jbd2")) else int(pid)] += int(blocks)
    return [(+sums[tid], logged[tid]) for tid in logged]


def journal(run, disk):
    """Bytes of the log by process, and the processes' names."""
    rows = [r for r in run.rows if r.get("method") == "journal" and r["disk"] == disk]
    sums = Counter()
    for row in rows:
        assert not row["file"] and not row["ino"], row
        sums[row["behalf_pid"] or 0] += row["bytes"]
    return sums, {r["behalf_pid"]: r["behalf"] for r in rows if r["behalf_pid"]}


@pytest.mark.parametrize("hooks", HOOKS)
def test_in_proportion(host, tmp, disks, hooks):
    ok(host, "sh", "-c", f"rm -rf {WHERE}/*; mkdir {WHERE}/a {WHERE}/b; sync -f {WHERE}")
    ok(host, "sh", "-c", f"echo >{TRACE}/trace; mkdir {WHERE}/early")
    before = sectors_written(host)
    with watched(host, tmp, HOOKS[hooks]) as runs:
        ok(host, "sh", "-ec", SCRIPT)
    after = sectors_written(host)
    writes = [r for r in runs["biosnoop"].of("request") if r["kind"].startswith("write")]
    assert sum(r["bytes"] for r in writes if r["disk"] == "vdb") == (after - before) * 512
    sums, names = journal(runs["biosnoop"], "vdb")
    for disk in disks:
        for run in runs.values():
            other, others = journal(run, disk)
            assert (sums - other, other - sums) == ({}, {}) and others == names

    (few, few_logged), (many, many_logged), *rest = transactions(host, disks[0])
    told = f"{sums}\n{few} {few_logged}\n{many} {many_logged}\n{rest}"
    print(told)
    rest_logged = sum(n for _, n in rest)
    assert sum(sums.values()) == (few_logged + many_logged + rest_logged) * BLOCK, told
    assert any(blocks[0] for blocks, _ in rest), told
    assert [n for pid, n in sums.items() if names.get(pid) == "dd"] == [rest_logged * BLOCK], told
    (early,) = few.keys() - names.keys()  # nobody pays for it
    few[0] += few.pop(early)
    assert sorted(names[pid] for pid in few if pid) == ["one", "one", "two"], names
    assert [names[pid] for pid in many if pid] == ["mkdir"] * 20, names
    whole = sum(few.values())
    for pid in few:
        assert abs(sums[pid] - few_logged * BLOCK * few[pid] / whole) < 16, (pid, told)
    # each in its turn, and what the log itself takes goes to some
    own = many_logged - sum(many.values())
    for pid in many.keys() - {0}:
        assert 0 <= sums[pid] - BLOCK * many[pid] <= BLOCK * own, (pid, told)
