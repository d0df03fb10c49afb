# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""faultsnoop: beside the kernel's own count of a thread's faults, and the addresses that were touched."""

import pytest
from test_mem import Group
from tracer import best_of, check_pairs, trace

pytestmark = pytest.mark.usefixtures("rung")
PAGE = 4096


def rows_in(rows, begin, pages):
    return [r for r in rows if begin <= r["address"] < begin + pages * PAGE]


def touched(work, first, n):
    return sorted(i * work["stride"] % work["pages"] * PAGE for i in range(first, first + n))


def check_file(rows, work, begin, first, n, **same):
    """Each of these pages of the file was faulted in once, at its address and offset."""
    assert sorted(r["offset"] for r in rows) == touched(work, first, n)
    for r in rows:
        assert r["address"] - begin == r["offset"] and r["kind"] == "file", r
        assert {k: r[k] for k in same} == same and r["lat_ns"] > 0, r


def test_faults_of_a_cold_mapping(host, tmp):
    """As many rows as the kernel counts, each with its file; by whom, for what; minor ones with -a."""
    n = host.few(3000)
    path = f"{tmp}/cold"
    work_argv = [host.workload, "faults", path, str(n)]
    run = trace(host, tmp, "faultsnoop", ["-a", "--check"], work_argv)
    (work,) = run.work
    rows = [r for r in run.of("fault") if r["pid"] == r["tid"] == work["pid"]]
    major = [r for r in rows if r["kind"] != "minor"]
    few, pages = work["few"], work["pages"]
    assert (work["majors"], work["majors_by_calls"], work["majors_written"]) == (n, few, few), work

    pair = check_pairs(run)["process majflt"]
    assert pair["state"] == "same" and pair["ours"] == len(major) >= n + 2 * few, pair

    shared = rows_in(major, work["shared"], pages)
    assert {r["path"] for r in shared} == {path} and {r["comm"] for r in shared} == {"workload"}
    by_calls = [r for r in shared if r["state"] == "kernel"]
    check_file(by_calls, work, work["shared"], n, few, rw="read")
    read = [r for r in shared if r["state"] == "user"]
    check_file(read, work, work["shared"], 0, n, rw="read")
    assert sum(r["bytes"] for r in read) == work["bytes"] >= n * PAGE
    written = rows_in(major, work["own"], pages)
    check_file(written, work, work["own"], n + few, few, rw="write", state="user", path=path)

    fresh = rows_in(rows, work["fresh"], n)
    assert len(fresh) == n <= work["minors"], (len(fresh), work)
    assert {(r["kind"], r["rw"], r["path"], r["bytes"]) for r in fresh} == {("minor", "write", None, 0)}
    assert len({r["address"] for r in fresh}) == n
    assert run.summary["null_helper"] == 0, run.summary


@pytest.mark.enough_on("running")
def test_without_minor_faults(host, tmp):
    """And with a minimum: what takes less is counted, and not shown."""
    argv = [host.workload, "faults", f"{tmp}/cold", "50"]
    run = trace(host, tmp, "faultsnoop", [], argv)
    rows, (work,) = run.of("fault"), run.work
    assert {r["kind"] for r in rows} == {"file"}
    assert len([r for r in rows if r["path"] == f"{tmp}/cold"]) == 50 + 2 * work["few"]
    run = trace(host, tmp, "faultsnoop", ["-m", "1h"], argv)
    assert not run.of("fault") and run.summary["filtered"] >= 50 + 2 * work["few"]


@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
def test_faults_out_of_swap(host, tmp):
    """Memory without a file, from a disk that is ours. Where that is slow beside busy neighbours, the
    cgroup's memory may run out before enough of it is written: then it is made anew.
    """
    best_of(3, lambda: out_of_swap(host, tmp))


def out_of_swap(host, tmp):
    group = Group(host, "swap", 16)
    result = host.run(["sh", "-c", "mkswap /dev/vdb && swapon /dev/vdb"])
    assert result.returncode == 0, str(result)
    try:
        argv = [host.workload, "--cgroup", group.path, "swapped", "24"]
        run = trace(host, tmp, "faultsnoop", [], argv)
    finally:
        host.run(["swapoff", "/dev/vdb"])
        group.remove()
    (work,) = run.work
    rows = rows_in(run.of("fault"), work["at"], work["pages"])
    assert len(rows) == work["majors"] > 0
    assert {(r["kind"], r["rw"], r["path"], r["pid"]) for r in rows} == {("anon", "read", None, work["pid"])}
    asked = sum(r["bytes"] for r in rows)
    # read-ahead brings neighbours; a page that it is bringing is waited for, too
    assert (24 - 16) * (1 << 20) <= asked <= 24 * 2 * (1 << 20), (asked, work)
