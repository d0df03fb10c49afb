# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Which file it is, on filesystems whose numbers don't say it in 32 bits, or not at all."""

import contextlib

import pytest
from disks import ok
from fileops import path_of
from tracer import trace

# A disk to make filesystems on; of both kinds of programs one kernel.
ONLY_ON = ("6.1", "6.12")
SIZES = {"a": 10, "b": 20, "c": 30}


@contextlib.contextmanager
def mounted(host, tmp, *argv):
    where = f"{tmp}/there"
    ok(host, "mkdir", where)
    ok(host, "mount", *argv, where)
    try:
        yield where
    finally:
        ok(host, "umount", where)


def writes(host, tmp, command, options, where, rows):
    """[(path below where, bytes, inode)] of what was written to each directory's file."""
    steps = [s for d, n in SIZES.items() for s in (f"open {where}/{d}/f rwc", f"write {n}", "close")]
    run = trace(host, tmp, command, options, [host.workload, "steps", *steps])
    below = f"{where}/".encode()
    return sorted(
        (path_of(r).removeprefix(below).decode(), r.get("write_bytes", r.get("bytes")), r["ino"])
        for r in run.of(rows)
        if path_of(r).startswith(below)
    )


def both(host, tmp, where, inodes):
    expected = [(f"{d}/f", n, inodes[d]) for d, n in SIZES.items()]
    assert writes(host, tmp, "rwsnoop", [], where, "rw") == expected
    assert writes(host, tmp, "filetop", ["-i", "100"], where, "file") == expected


def inodes_in(host, where):
    for d in SIZES:
        ok(host, "touch", f"{where}/{d}/f")
    return {d: int(ok(host, "stat", "-c", "%i", f"{where}/{d}/f")) for d in SIZES}


@pytest.mark.usefixtures("rung")
def test_subvolumes_and_snapshots(host, tmp):
    """Two subvolumes and a snapshot of one: the same number three times, and three files."""
    host.modprobe("btrfs")
    ok(host, "mkfs.btrfs", "-q", "-f", "-R", "^free-space-tree", "/dev/vdb")
    with mounted(host, tmp, "-t", "btrfs", "/dev/vdb") as where:
        for name in "ab":
            ok(host, "btrfs", "-q", "subvolume", "create", f"{where}/{name}")
            ok(host, "touch", f"{where}/{name}/f")
        ok(host, "btrfs", "-q", "subvolume", "snapshot", f"{where}/a", f"{where}/c")
        inodes = inodes_in(host, where)
        assert len(set(inodes.values())) == 1
        both(host, tmp, where, inodes)


@pytest.mark.usefixtures("rung")
def test_numbers_beyond_32_bits(host, tmp):
    """Directories of XFS are spread over the disk, and so are the numbers of what is in them."""
    host.modprobe("xfs")
    host.modprobe("loop")
    image = f"{tmp}/image"
    ok(host, "truncate", "-s", "3500G", image)
    ok(host, "mkfs.xfs", "-q", "-K", "-l", "size=64m", "-d", "agcount=4", image)
    with mounted(host, tmp, "-t", "xfs", "-o", "loop", image) as where:
        for name in SIZES:
            ok(host, "mkdir", f"{where}/{name}")
        inodes = inodes_in(host, where)
        assert max(inodes.values()) > 1 << 32
        both(host, tmp, where, inodes)
