# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""memtop: beside the account that a memory cgroup of our own keeps."""

import pytest
from test_mem import MIB, Group
from tracer import best_of, check_pairs, trace

pytestmark = pytest.mark.usefixtures("rung")
PAGES = MIB // 4096


def report(host, tmp, options, argv):
    """The rows of a run, which has one report, at its end."""
    run = trace(host, tmp, "memtop", ["-i", "100", *options], argv)
    return run, run.of("memtop")


def row_of(rows, **key):
    found = [r for r in rows if {k: r[k] for k in key} == key]
    assert len(found) == 1, (key, rows)
    return found[0]


def booked(group, *keys):
    """The first of them that memory.stat has."""
    return next((v for v in (group.book("memory.stat", k) for k in keys) if v is not None), None)


def script(*commands):
    return ["sh", "-c", "\n".join(" ".join(str(w) for w in c) for c in commands)]


def test_of_a_cgroup(host, tmp):
    """A file is read twice that has no room, then a cold mapping: who pays is the cgroup above."""
    group = Group(host, "top", 16)
    try:
        within = [host.workload, "--cgroup", group.inner("in")]
        n, size = host.few(3000), 24
        commands = [[*within, "reclaim", f"{tmp}/hole", size]] * 2
        run, rows = report(host, tmp, ["-G", *group.check()], script(*commands, [*within, "faults", f"{tmp}/cold", n]))
        payer, own = row_of(rows, cgroup=group.name), row_of(rows, cgroup=f"{group.name}/in")
        assert payer["reclaims"] > 0 and payer["reclaim_ns"] > 0 and payer["faults"] == 0, payer
        (work,) = [w for w in run.work if w["workload"] == "faults"]
        majors = work["majors"] + work["majors_by_calls"] + work["majors_written"]
        assert majors == n + 2 * work["few"] <= own["major"] <= majors + 100, (own, work)
        assert own["faults"] >= own["major"] + work["minors"], (own, work)
        assert own["reclaims"] == own["reclaim_ns"] == 0, own
        stolen = booked(group, "pgsteal_direct", "pgsteal")
        if stolen is not None:  # the thread counts objects of caches, too
            assert stolen <= payer["pages"] <= stolen + 512, (payer, stolen)
        again = booked(group, "total_workingset_refault_file", "workingset_refault_file")
        if "refaults" not in run.summary["blind"]:
            # 5.10 adds up in batches of 32, per CPU and cgroup
            assert 0 <= own["refaults"] - again <= 32 * 2 * 2 * (host.name == "5.10"), (own, again)
        pairs = check_pairs(run)
        assert len(pairs) == 4 if group.v1 else 6, pairs
        if not group.v1:
            check_stat(pairs, rows, group, run)
    finally:
        group.remove()


def check_stat(pairs, rows, group, run):
    """--check, of the cgroup: what the rows say, and what stands in its memory.stat."""
    faults, refaults = pairs["memory.stat pgfault"], pairs["memory.stat workingset_refault*"]
    assert faults["ours"] == sum(r["faults"] for r in rows), (faults, rows)
    assert faults["kernel"] == group.book("memory.stat", "pgfault"), faults
    if "refaults" not in run.summary["blind"]:
        assert refaults["ours"] == sum(r["refaults"] or 0 for r in rows) and refaults["off"] <= 128, refaults


def vmstat(host):
    lines = host.read_file("/proc/vmstat").decode().splitlines()
    return {k: int(v) for k, v in (x.split() for x in lines)}


@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
def test_swap(host, tmp):
    """Nobody else swaps in the guest. As in test_faults.py, a slow disk may cost a try."""
    best_of(3, lambda: swapped(host, tmp))


def swapped(host, tmp):
    group = Group(host, "swap", 16)
    result = host.run(["sh", "-c", "mkswap /dev/vdb && swapon /dev/vdb"])
    assert result.returncode == 0, str(result)
    try:
        argv = [host.workload, "--cgroup", group.path, "swapped", "24"]
        before = vmstat(host)
        run, rows = report(host, tmp, ["--check"], argv)
        after = vmstat(host)
    finally:
        host.run(["swapoff", "/dev/vdb"])
        group.remove()
    (work,) = run.work
    row = row_of(rows, pid=work["pid"])
    assert row["comm"] == "workload" and row["major"] == work["majors"] > 0, (row, work)
    if "go to swap" in run.summary["blind"]:
        return
    pairs = check_pairs(run)
    assert {pairs[f"vmstat {k}"]["state"] for k in ("pswpin", "pswpout")} == {"same"}, pairs
    assert row["swap_in"] == after["pswpin"] - before["pswpin"] >= 8 * PAGES, (row, after)
    assert row["swap_out"] == after["pswpout"] - before["pswpout"] >= 8 * PAGES, (row, after)
