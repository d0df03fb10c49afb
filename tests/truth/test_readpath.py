# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""readpath: which way reads took, where that is known in advance."""

import pytest
from conftest import GUESTS
from disks import MKFS_EXT4, mapped, ok
from fileops import path_of
from steps import Done, steps
from test_attribution import DISK
from test_fs import on
from tracer import best_of, trace

BYTES = 65536
PIECES = 16
SIZE = PIECES * BYTES
TAIL = 1000  # of a file that doesn't end with a page
DELAY_NS = 800_000_000


def ways_of(run, where):
    """{name: {way: row}}"""
    found = {}
    for r in run.of("readpath"):
        path = path_of(r) or b""
        if path.startswith(f"{where}/".encode()):
            ways = found.setdefault(path.decode().removeprefix(f"{where}/"), {})
            assert r["way"] not in ways, run.rows
            ways[r["way"]] = r
    return found


def counted(ways):
    return {way: r["count"] for way, r in ways.items()}


def made(host, path, size):
    ok(host, host.workload, "--silent", "make", path, str(size))


def check_whole(run):
    """Each event is in one row, and the shares are those of the whole time."""
    rows = run.of("readpath")
    assert sum(r["count"] for r in rows) == run.summary["shown"], run.summary
    whole = sum(r["total_ns"] for r in rows)
    for r in rows:
        assert abs(r["share_percent"] - 100 * r["total_ns"] / whole) < 0.01, r


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "6.1", "sid")
def test_waits(host, tmp):
    """Of a disk that takes DELAY_NS: a page that the reader brings, one that it brought before, one that
    somebody else did.
    """
    ok(host, *MKFS_EXT4, "-O", "^has_journal", DISK)
    sectors = int(ok(host, "cat", "/sys/block/vdb/size"))

    def table(ms):
        return f"0 {sectors} delay {DISK} 0 {ms} {DISK} 0 0"

    with (
        mapped(host, "slow", table(0), "dm-delay") as (path, _),
        on(host, "ext4", f"{tmp}/slow", device=path) as where,
    ):
        for name in ("miss", "own", "other"):
            made(host, f"{where}/{name}", BYTES)
        slow = f"dmsetup suspend slow && dmsetup reload slow --table '{table(DELAY_NS // 1000000)}'"
        ok(host, "sh", "-c", f"{slow} && dmsetup resume slow")
        before = [
            *("open miss r", "drop", f"read {BYTES}", "close"),
            *("open own r", "drop", "willneed", f"read {BYTES}", "close"),
            *("open other r", "drop", "willneed", "close"),
        ]
        after = ["open other r", f"read {BYTES}", "close"]
        script = " && ".join(
            " ".join(f"'{word}'" for word in steps(host, where, *calls)) for calls in (before, after)
        )

        def experiment():  # whoever comes too late for the other's page finds it
            run = trace(host, tmp, "readpath", ["-F"], ["sh", "-c", script])
            of = ways_of(run, where)
            for way in ("miss", "own", "other"):
                assert counted(of[way]) == {way: 1}, of
                assert of[way][way]["total_ns"] >= 0.9 * DELAY_NS * (way == "miss"), of
                assert of[way][way]["bytes"] == BYTES
            check_whole(run)

        best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
def test_direct_and_the_rest(host, tmp):
    """btrfs reads compressed data through the cache, though it was asked to read directly."""
    host.modprobe("btrfs")
    ok(host, "mkfs.btrfs", "-q", "-f", "-R", "^free-space-tree", DISK)
    half = BYTES // 2
    with on(host, "btrfs", f"{tmp}/btrfs", device=DISK) as where:
        argv = steps(host, where, "open f rwc", f"write {half}", "fsync")
        ok(host, *argv)
        ok(host, "mount", "-o", "remount,compress-force=zlib", where)
        calls = ["open f rwa", f"write {half}", "fsync", "open all rwc", f"write {BYTES}", "fsync"]
        ok(host, *steps(host, where, *calls))
        calls = ["open f ro", "drop", f"read {BYTES}", "open all ro", "drop", f"2*read {BYTES}"]
        run = trace(host, tmp, "readpath", ["-F"], steps(host, where, *calls))
        of = ways_of(run, where)
        assert counted(of["f"]) == {"mixed": 1} and of["f"]["mixed"]["bytes"] == BYTES, of
        assert counted(of["all"]) == {"miss": 1, "nothing": 1}, of


@pytest.mark.usefixtures("rung")
def test_known_ways(host, tmp):
    """Cold and page by page; warm; ahead of itself; directly, across the end; mapped; without pages."""
    read, all_of = f"{PIECES}*read {BYTES}", {"count": PIECES, "bytes": SIZE}
    for name in ("plain", "ahead", "mapped", "below/lower"):
        ok(host, "mkdir", "-p", f"{tmp}/below", f"{tmp}/above", f"{tmp}/work")
        made(host, f"{tmp}/{name}", SIZE)
    made(host, f"{tmp}/direct", SIZE + TAIL)
    layers = f"lowerdir={tmp}/below,upperdir={tmp}/above,workdir={tmp}/work"
    with (
        on(host, "tmpfs", f"{tmp}/memory") as memory,
        on(host, "overlay", f"{tmp}/over", "-o", layers) as over,
    ):
        made(host, f"{memory}/x", SIZE)
        calls = [
            *("open plain r", "random", "drop", "mincore", read, f"read {BYTES}", "close"),
            *("open plain r", read, "close"),
            *("open ahead r", "drop", "willneed", read, "close"),
            *("open direct ro", "drop", f"{PIECES + 2}*read {BYTES}", "close"),
            *("open mapped r", "drop", "touch", "touch", "close"),
            *(f"open {memory}/x r", read, "touch", "close"),
            *(f"open {over}/lower r", "random", "drop", read, "close"),
        ]
        run = trace(host, tmp, "readpath", ["-F"], steps(host, tmp, *calls))
    done = Done(run)
    assert done.ret["mincore"] == 0, done.results
    touched = [r["ret"] for r in done.results if r["id"] == "touch"]
    of = ways_of(run, tmp)
    plain = of["plain"]
    assert counted(plain) == {"miss": PIECES, "hit": PIECES, "nothing": 1}, plain
    assert all_of.items() <= plain["miss"].items() and plain["hit"]["bytes"] == SIZE, plain
    ahead = counted(of["ahead"])
    assert set(ahead) <= {"own", "hit"} and sum(ahead.values()) == PIECES, ahead
    direct = of["direct"]
    assert counted(direct) == {"direct": PIECES + 1, "nothing": 1}, direct
    assert direct["direct"]["bytes"] == SIZE + TAIL, direct
    assert counted(of["mapped"]) == {"mapped": sum(touched[:2])} and touched[1] > 0, (of, touched)
    assert counted(of["memory/x"]) == {"apart": PIECES}, of
    assert counted(of["over/lower"]) == {"miss": PIECES}, of
    check_whole(run)
