# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whose bytes come to the disk from a cgroup such as containers have: on overlayfs, under a limit."""

import contextlib

import pytest
from conftest import GUESTS
from disks import ext4_on, ok
from tracer import read_run, started, wait_attached

ONLY_ON = GUESTS  # a filesystem, a limit and a cgroup of our own
KIB = 1024
MNT, GROUPS = "/mnt/vdb", "/sys/fs/cgroup"


@pytest.fixture(scope="module")
def container(host):
    """A cgroup for processes to enter, and a filesystem with an overlay over two directories of it."""
    path = f"{GROUPS}/container"
    ext4_on(host, "/dev/vdb", MNT)
    ok(host, "sh", "-c", f"cd {MNT} && mkdir lower upper work merged; mkdir {path}")
    ok(host, "sh", "-c", f"echo +io >{GROUPS}/cgroup.subtree_control")
    yield path
    ok(host, "rmdir", path)
    ok(host, "sh", "-c", f"echo -io >{GROUPS}/cgroup.subtree_control")
    ok(host, "umount", MNT)


def written(host, tmp, container, script, options=()):
    """Rows of the writes to the disk while the script ran in the cgroup."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "biosnoop", "-F", "-D", "vdb", "-o", "json", "-O", rows, *options]
    with started(host, argv) as sonde:
        wait_attached(host, sonde.pid)
        ok(host, "sh", "-c", f"echo $$ >{container}/cgroup.procs; {script}")
        sonde.signal(2)
        result = sonde.wait(60)
    run = read_run(host, "biosnoop", result, rows)
    assert run.summary["lost"] == 0, run.summary
    return [r for r in run.of("request") if r["kind"].startswith("write")]


def test_overlay(host, tmp, container):
    """dd conv=fsync as a container does it: its cgroup alone is asked for."""
    where = f"{MNT}/merged"
    dirs = f"lowerdir={MNT}/lower,upperdir={MNT}/upper,workdir={MNT}/work"
    group = int(ok(host, "stat", "-c", "%i", container))
    host.modprobe("overlay")
    ok(host, "mount", "-t", "overlay", "overlay", "-o", dirs, where)
    try:
        dd = f"exec dd if=/dev/zero of={where}/file bs=64k count=64 conv=fsync"
        rows = written(host, tmp, container, dd, ["--cgroup", container])
    finally:
        ok(host, "umount", where)
    mine = [r for r in rows if r["file"] and r["file"].endswith("/file")]
    assert abs(sum(r["bytes"] for r in mine) - 4096 * KIB) <= 40 * KIB, rows
    assert {(r["behalf"], r["method"], r["cgroup_id"]) for r in mine} == {("dd", "range", group)}
    assert {r["file"] for r in mine} == {f"{MNT}/upper/file"}, mine
    assert len({r["behalf_pid"] for r in mine}) == 1 and mine[0]["behalf_pid"]


@contextlib.contextmanager
def limited(host, container, limit):
    dev = ok(host, "cat", "/sys/block/vdb/dev").strip()
    ok(host, "sh", "-c", f"echo {dev} {limit} >{container}/io.max")
    try:
        yield
    finally:
        ok(host, "sh", "-c", f"echo {dev} wbps=max wiops=max >{container}/io.max")


def test_limit(host, tmp, container):
    """Held back by io.max, requests are submitted by a kernel worker: they stay the writer's."""
    group = int(ok(host, "stat", "-c", "%i", container))
    script = (
        f"dd if=/dev/zero of={MNT}/direct bs=64k count=8 oflag=direct;"
        f"dd if=/dev/zero of={MNT}/buffered bs=64k count=4 conv=fsync"
    )
    with limited(host, container, "wbps=1048576 wiops=40"):
        rows = written(host, tmp, container, script)
    assert [r for r in rows if r["pid"] is None and r["file"] == f"{MNT}/direct"], rows
    pids = set()
    for name, size, method in (("direct", 512, "direct"), ("buffered", 256, "range")):
        mine = [r for r in rows if r["file"] == f"{MNT}/{name}"]
        assert sum(r["bytes"] for r in mine) == size * KIB, rows
        assert {(r["behalf"], r["method"], r["cgroup_id"]) for r in mine} == {("dd", method, group)}
        pids |= {r["behalf_pid"] for r in mine}
    assert len(pids) == 2 and None not in pids, rows
