# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""bitesize: known sizes in their buckets, per process."""

import pytest
from conftest import GUESTS
from disks import disk, ok, scratch
from tracer import best_of

KB = 1024


def buckets(run, pid):
    return {r["low_bytes"]: r["count"] for r in run.of("size") if r["pid"] == pid}


def test_two_sizes(host, tmp):
    """Ten of each are ten of each, as long as the disk takes a call in one piece."""
    path, name, _ = scratch(host, tmp)
    limit = int(host.read_file(f"/sys/block/{name}/queue/max_sectors_kb")) * KB
    large = min(1024 * KB, 1 << (limit.bit_length() - 1))
    steps = ["10*read 4096 0 65536", f"10*read {large} 4194304 {large}"]

    def experiment():
        run = disk(host, tmp, "bitesize", ["--disk", name], steps, path)
        pid = run.work[0]["pid"]
        if run.summary["splits"] == 0:
            assert buckets(run, pid) == {4 * KB: 10, large: 10}, run.rows
        (total,) = [r for r in run.of("size_total") if r["pid"] == pid]
        assert total["total_bytes"] == 10 * (4 * KB + large) and total["comm"] == "workload"
        assert (total["min_bytes"], total["count"]) == (4 * KB, 20 + run.summary["splits"]), total
        return run

    run = best_of(5, experiment)
    assert run.summary["splits"] == 0, "the memory was in pieces: no huge page"


@pytest.mark.only_on(*GUESTS)
def test_splits_are_told(host, tmp):
    """A call that is too large for the disk: its pieces are counted, and how many were made."""
    ok(host, "sh", "-c", "echo 128 >/sys/block/vdb/queue/max_sectors_kb")
    try:
        run = disk(host, tmp, "bitesize", ["--disk", "vdb"], ["4*read 1048576 0 1048576"], "/dev/vdb")
        assert buckets(run, run.work[0]["pid"]) == {128 * KB: 32}
        assert run.summary["splits"] == 28 and "splits 28" in run.result.err
    finally:
        ok(host, "sh", "-c", "echo 1280 >/sys/block/vdb/queue/max_sectors_kb")


@pytest.mark.enough_on("running")
def test_views(host, tmp):
    path, name, _ = scratch(host, tmp)
    steps = ["6*read 4096 0 4096", "3*read 12288 65536 12288"]

    def experiment():
        run = disk(host, tmp, "bitesize", ["--disk", name, "--fine"], steps, path)
        assert buckets(run, run.work[0]["pid"]) == {4 * KB: 6, 12 * KB: 3}
        run = disk(host, tmp, "bitesize", ["--disk", name, "--linear", "4K", "-D"], steps, path)
        assert buckets(run, run.work[0]["pid"]) == {4 * KB: 6, 12 * KB: 3}
        assert {r["disk"] for r in run.of("size")} == {name}
        done = host.run(
            [host.iosonde, "bitesize", "--disk", name, "-e", "--"]
            + [host.workload, "--silent", "disk", path, *steps]
        )
        lines = [line.split() for line in done.stdout.decode().splitlines()]
        assert lines[1] == ["KBYTES", "COUNT", "DISTRIBUTION"], lines
        assert ["4", "->", "7", "6"] in [x[:4] for x in lines], lines
        assert ["8", "->", "15", "3"] in [x[:4] for x in lines], lines

    best_of(5, experiment)
