# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Disks for the block commands' truths: a file or a disk to read directly, devices of known nature."""

import contextlib
import json

from tracer import trace

MS = 1_000_000
# Nothing is left to be written later.
MKFS_EXT4 = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]


def ok(host, *argv, input=None):
    done = host.run([str(a) for a in argv], input=input)
    assert done.returncode == 0, str(done)
    return done.stdout.decode()


def ext4_on(host, device, where):
    """A new filesystem on the device, mounted at @where."""
    ok(host, *MKFS_EXT4, device)
    ok(host, "mkdir", "-p", where)
    ok(host, "mount", device, where)
    return where


def scratch(host, tmp, size=16 << 20):
    """Something whose direct reads are one request each: a file in one piece, or a guest's own disk.

    Returns its path, the name of the disk below, and the sector there at which it begins.
    """
    if host.emulated:
        return "/dev/vdb", "vdb", 0
    path = f"{tmp}/scratch"
    for i in range(5):
        ok(host, host.workload, "--silent", "make", path, size)
        told = json.loads(ok(host, host.workload, "extents", path))
        if told["extents"] == 1:
            break
        ok(host, "mv", path, f"{path}-{i}")  # what is in the way stays there
    assert told["extents"] == 1, "no room for a file in one piece"
    place = f"/sys/dev/block/{told['dev'] >> 20}:{told['dev'] & 0xFFFFF}"
    where = ok(host, "readlink", "-f", place).strip()
    start = 0
    if host.exists(f"{where}/partition"):
        start = int(host.read_file(f"{where}/start"))
        where = where.rpartition("/")[0]
    return path, where.rpartition("/")[2], start + told["sector"]


def disk(host, tmp, command, options, steps, path, **more):
    """Direct I/O on path by `workload disk`, traced.

    Kernels of some virtual machines leave out events, for all tracers alike; newer ones skip programs
    that were preempted. Both are counted as lost, and the experiment is made anew: for few requests.
    """
    for _ in range(6):
        run = disk_once(host, tmp, command, options, steps, path, **more)
        if not run.summary["lost"]:
            break
    assert not run.summary["lost"], run.summary
    return run


def disk_once(host, tmp, command, options, steps, path, be=(), **more):
    """The same, once: for more requests than a kernel that leaves out events ever tells whole."""
    argv = [host.workload, *be, "disk", path, *steps]
    return trace(
        host, tmp, command, [str(o) for o in options], argv, timeout=120, lost=None, **more
    )


def never_told(host, run):
    """How many requests' ends the kernel kept to itself, which nothing else may have been lost by.

    A virtual machine that was looked at keeps back one in a hundred when it is busy; its guests, none.
    """
    kept, summary = run.summary["lost_end"], run.summary
    assert summary["lost"] == kept <= (0 if host.emulated else summary["generated"] // 20), summary
    return kept


def stat(host, name):
    """The kernel's own count of what the disk completed: reads, bytes read, writes, bytes written."""
    n = [int(x) for x in host.read_file(f"/sys/block/{name}/stat").split()]
    return n[0], n[2] * 512, n[4], n[6] * 512


@contextlib.contextmanager
def null_block(host, **parameters):
    """/dev/nullb0, as null_blk's parameters have it. Nothing it is told stays there."""
    given = {"nr_devices": 1, "gb": 1, **parameters}
    host.modprobe("null_blk", *(f"{k}={v}" for k, v in given.items()))
    try:
        yield "/dev/nullb0"
    finally:
        host.run(["rmmod", "null_blk"])


@contextlib.contextmanager
def scsi_debug(host):
    """A disk in memory that takes requests of 2,048 segments: its path and its name."""
    host.modprobe("sd_mod")
    host.modprobe("scsi_debug", "dev_size_mb=16", "delay=0")
    try:
        path = "/sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block/*"
        wait = f"for i in $(seq 100); do ls -d {path} 2>/dev/null && exit; sleep 0.1; done; exit 1"
        name = ok(host, "sh", "-c", wait).strip().rpartition("/")[2]
        ok(host, "sh", "-c", f"echo 1024 >/sys/block/{name}/queue/max_sectors_kb")
        yield f"/dev/{name}", name
    finally:
        host.run(["rmmod", "scsi_debug"])


@contextlib.contextmanager
def fast_disk(host):
    """A disk of our own that does nothing: its path. None where the machine has no such thing."""
    if host.emulated:
        # more requests than are kept in their places: bpf/block/blkio_request.bpf.h
        with null_block(host, irqmode=0, hw_queue_depth=8192, submit_queues=1) as path:
            yield path
        return
    if not host.exists("/sys/class/zram-control"):
        yield None
        return
    number = host.read_file("/sys/class/zram-control/hot_add").decode().strip()
    try:
        ok(host, "sh", "-c", f"echo 256M >/sys/block/zram{number}/disksize")
        yield f"/dev/zram{number}"
    finally:
        ok(host, "sh", "-c", f"echo {number} >/sys/class/zram-control/hot_remove")


@contextlib.contextmanager
def mapped(host, name, table, *modules):
    """A device-mapper device of that table: its path and its kernel name."""
    for module in ("dm-mod", *modules):
        host.modprobe(module)
    ok(host, "dmsetup", "create", name, input=f"{table}\n".encode())
    ok(host, "dmsetup", "mknodes")  # no udev there
    try:
        path = f"/dev/mapper/{name}"
        yield path, f"dm-{int(ok(host, 'stat', '-L', '-c', '%T', path), 16)}"
    finally:
        host.run(["dmsetup", "remove", name])
