# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whose bytes come to the disk where a filesystem, or a device, puts others than it was given there."""

import contextlib
from collections import Counter

import pytest
from disks import MKFS_EXT4, ext4_on, mapped, ok
from test_attribution import DISK, OLD_XFS
from tracer import read_run, started, wait_attached

KIB = 1024


@contextlib.contextmanager
def mounted(host, device, *options):
    where = "/mnt/other"
    ok(host, "mkdir", "-p", where)
    ok(host, "mount", *options, device, where)
    try:
        yield where
    finally:
        ok(host, "umount", where)


def writer(host, name, path, kib):
    return f": >>{path}; {host.workload} --silent --comm {name} rw pwrite {kib // 4} 4096 {path}"


def written(host, tmp, script, where, options=()):
    """{(disk, file, whose, method): KiB} of the writes while the script ran, and of the sync after it."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "biosnoop", "-F", "-o", "json", "-O", rows, *options]
    with started(host, argv) as sonde:
        wait_attached(host, sonde.pid)
        ok(host, "sh", "-ec", f"{script}; sync -f {where}")
        sonde.signal(2)
        run = read_run(host, "biosnoop", sonde.wait(60), rows)
    assert run.summary["lost"] == 0, run.summary
    sums = Counter()
    for r in run.of("request"):
        if r["kind"].startswith("write"):
            name = r["file"] and r["file"].removeprefix(f"{where}/")
            sums[r["disk"], name, r["behalf"], r["method"]] += r["bytes"] / KIB
    return sums


def of_file(sums, name, disk="vdb"):
    return {k[2:]: n for k, n in sums.items() if k[:2] == (disk, name)}


@pytest.mark.only_on("6.1")  # seen on all of them
def test_copy_on_write(host, tmp):
    """xfs, a file that shares its blocks: who overwrites it is charged, and the other file isn't."""
    host.modprobe("xfs")
    ok(host, "mkfs.xfs", "-q", "-f", *(OLD_XFS if host.name == "5.10" else []), DISK)
    with mounted(host, DISK) as where:
        before = f"{writer(host, 'first', f'{where}/one', 512)}; sync -f {where}"
        share = f"xfs_io -f -c 'reflink {where}/one' {where}/two; sync -f {where}"
        extents = ok(host, "sh", "-ec", f"{before}; {share}; xfs_io -c 'fiemap -v' {where}/two")
        assert extents.split()[-1] == "0x2001", extents  # the last, and shared
        sums = written(host, tmp, writer(host, "over", f"{where}/two", 256), where)
        assert of_file(sums, "two") == {("over", "range"): 256}, sums
        assert not of_file(sums, "one"), sums


@pytest.mark.only_on("6.12")  # seen on all of them
def test_encrypted(host, tmp):
    """ext4: what comes to the disk are pages of fscrypt's own."""
    for module in ("xts", "cts", "cbc", "aes_generic", "sha512_generic", "hmac"):
        host.run(["modprobe", module])  # some are built in
    ok(host, *MKFS_EXT4, "-O", "encrypt", DISK)
    with mounted(host, DISK) as where:
        key = ok(host, "sh", "-c", f"yes | head -c 64 | xfs_io -r -c add_enckey {where}").split()[-1]
        ok(host, "mkdir", f"{where}/secret")
        ok(host, "xfs_io", "-r", "-c", f"set_encpolicy {key}", f"{where}/secret")
        sums = written(host, tmp, writer(host, "spy", f"{where}/secret/file", 256), where)
        assert of_file(sums, "secret/file") == {("spy", "range"): 256}, sums


@pytest.mark.only_on("5.10", "6.1", "sid")  # btrfs keeps it in other places on each
def test_compressed(host, tmp):
    """btrfs: whose the compressed bytes are is told by what btrfs keeps of them, in types of a module."""
    host.modprobe("btrfs")
    old = ["-R", "^free-space-tree"] if host.name == "5.10" else []
    ok(host, "mkfs.btrfs", "-q", "-f", *old, DISK)
    with mounted(host, DISK, "-o", "compress-force=lzo") as where:
        script = "; ".join(writer(host, name, f"{where}/{name}", 512) for name in ("one", "two"))
        sums = written(host, tmp, script, where)
        if host.name == "5.10":
            assert not {k[1] for k in sums} & {"one", "two"}, sums
            assert sum(n for k, n in sums.items() if k[3] == "unknown") > 0, sums
            return
        for name in ("one", "two"):
            ((key, size),) = of_file(sums, name).items()
            assert key == (name, "btrfs") and 4 <= size <= 128, sums


@pytest.mark.only_on("5.10")  # seen on all of them
def test_device_with_pages_of_its_own(host, tmp):
    """dm-crypt: right above it; below it are a kernel thread's pages, which nobody is charged with."""
    for module in ("xts", "aes_generic", "dm-crypt"):
        host.run(["modprobe", module])
    table = f"0 131072 crypt aes-xts-plain64 {'0123456789abcdef' * 8} 0 {DISK} 0"
    with mapped(host, "crypt", table) as (path, dm):
        where = ext4_on(host, path, "/mnt/other")
        try:
            sums = written(host, tmp, writer(host, "above", f"{where}/file", 256), where)
        finally:
            ok(host, "umount", where)
        assert of_file(sums, "file", dm) == {("above", "range"): 256}, sums
        assert not of_file(sums, "file"), sums
        below = of_file(sums, None)
        assert 256 <= below[None, "unknown"] <= sum(below.values()), sums  # 5.10: the journal, too


@pytest.mark.only_on("6.12")  # nothing in it depends on the kernel
def test_too_many_claims(host, tmp):
    """Forgotten claims make bytes unknown, never another's."""
    ok(host, *MKFS_EXT4, DISK)
    with mounted(host, DISK) as where:
        files = [f"{name}{i}" for i in range(4) for name in ("one", "two")]
        size = 4 << 10  # 64 claims each
        script = "; ".join(writer(host, name[:3], f"{where}/{name}", size) for name in files)
        sums = written(host, tmp, script, where, ["--claims", "256"])
        known = Counter()
        for (_, name, owner, _), n in sums.items():
            if name in files:
                assert owner in (name[:3], None), sums
                known[owner] += n
        assert sum(known.values()) == len(files) * size, sums
        assert known[None] > 0 and known["two"] > 0, sums
