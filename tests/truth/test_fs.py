# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""fsslower and fsdist: which operations on which filesystems, how many, and how long they took."""

import contextlib
from collections import Counter

import pytest
from conftest import GUESTS
from disks import MKFS_EXT4, mapped, ok
from fileops import path_of
from nfs import nfs_mounted
from steps import Done, steps
from test_attribution import DISK, OLD_XFS
from test_filelife import fuse_mounted
from tracer import best_of, check_summary, parse_rows, read_run, trace

pytestmark = pytest.mark.usefixtures("rung")
MS = 1_000_000
ALL_OPS = ["--ops", "read,write,open,fsync,getattr"]
# A call, and what becomes of it: op, bytes, offset.
CALLS = (
    ("open f rwc", ("open", 0, None)),
    ("open nothing r", None),
    ("write 1000", ("write", 1000, 0)),
    ("write 500", ("write", 500, 1000)),
    ("pwritev 100", ("write", 100, 0)),
    ("pread 300", ("read", 300, 0)),
    ("read 300", ("read", 0, 1500)),
    ("splice 400", ("read", 400, 0)),
    ("fsync", ("fsync", 0, None)),
    ("fdatasync", ("fsync", 0, None)),
    ("fstat", ("getattr", 0, None)),
    ("fstatat", ("getattr", 0, None)),
    ("fstatat f", None),  # by name: blind
    ("uring-write 200", ("write", 200, 0)),
    ("uring-fsync", ("fsync", 0, None)),
    ("uring-open f r", ("open", 0, None)),
    ("read 65536", ("read", 1500, 0)),
    ("creat g", ("open", 0, None)),
    ("openat2 g w", ("open", 0, None)),
    ("open . r", None),  # a directory: nothing of it is asked for until it is read
    ("fsync", ("fsync", 0, None)),
)


def expected(done):
    """What of CALLS the kernel did, in order."""
    shown = []
    for (step, what), result in zip(CALLS, done.results, strict=True):
        assert result["id"] == step
        assert what is None or result["err"] in (None, "ENOSYS"), result
        if what and result["err"] is None:
            shown.append((step, *what))
    return shown


def own(rows, pid, where):
    return [r for r in rows if r["pid"] == pid and path_of(r).startswith(f"{where}/".encode())]


def test_every_operation_and_both_totals(host, tmp):
    """fsslower's rows are the calls; fsdist counts the same in the same run, per operation."""
    where, rows = f"{tmp}/w", f"{tmp}/dist.jsonl"
    ok(host, "mkdir", where)
    dist = [host.iosonde, "fsdist", *ALL_OPS, "-P", "-F", "-o", "json", "-O", rows, "--"]
    argv = [*dist, *steps(host, where, *(c for c, _ in CALLS))]
    run = trace(host, tmp, "fsslower", ["0", *ALL_OPS], argv)
    done = Done(run)
    mine = [r for r in run.of("slow") if r["pid"] == done.pid]
    mine.sort(key=lambda r: r["time_ns"])
    want = expected(done)
    inside = [r for r in mine if path_of(r).startswith(f"{where}".encode())]
    got = [(r["op"], r["bytes"], r["offset"]) for r in inside]
    assert got == [w[1:] for w in want], got
    assert all(r["lat_ns"] > 0 and r["comm"] == "workload" for r in inside)
    dist_rows = parse_rows(host.read_file(rows))
    check_summary(dist_rows, "fsdist")
    totals = {r["op"]: r["count"] for r in dist_rows if r["type"] == "fs_total" and r["pid"] == done.pid}
    assert totals == Counter(r["op"] for r in mine)
    slots = Counter()
    for r in dist_rows:
        if r["type"] == "fs" and r["pid"] == done.pid:
            slots[r["op"]] += r["count"]
    assert slots == totals
    assert {r["fs"] for r in dist_rows if r["type"] == "fs" and r["pid"] == done.pid} == {
        r["fs"] for r in mine
    }


@contextlib.contextmanager
def on(host, kind, where, *options, device="none"):
    host.run(["modprobe", kind])
    ok(host, "mkdir", "-p", where)
    ok(host, "mount", "-t", kind, *options, device, where)
    try:
        yield where
    finally:
        ok(host, "umount", where)


@contextlib.contextmanager
def memory_disk(host):
    """A disk in the guest's memory, large enough for btrfs."""
    host.modprobe("brd", "rd_nr=1", "rd_size=131072")
    try:
        yield "/dev/ram0"
    finally:
        host.run(["rmmod", "brd"])


def places(host, tmp, stack, tmp_path):
    """{type: directory on such a filesystem}"""
    found = {"tmpfs": stack.enter_context(on(host, "tmpfs", f"{tmp}/tmpfs"))}
    under = found["tmpfs"]
    ok(host, "mkdir", *(f"{under}/{d}" for d in ("lower", "upper", "work")))
    layers = f"lowerdir={under}/lower,upperdir={under}/upper,workdir={under}/work"
    found["overlay"] = stack.enter_context(on(host, "overlay", f"{tmp}/overlay", "-o", layers))
    if not host.emulated:
        return found
    ok(host, "mkfs.xfs", "-q", "-f", *(OLD_XFS if host.name in ("5.10", "6.1") else []), DISK)
    found["xfs"] = stack.enter_context(on(host, "xfs", f"{tmp}/xfs", device=DISK))
    found["fuse"] = stack.enter_context(fuse_mounted(host, tmp, tmp_path))
    disk = stack.enter_context(memory_disk(host))
    ok(host, "mkfs.btrfs", "-q", "-f", "-R", "^free-space-tree", disk)
    found["btrfs"] = stack.enter_context(on(host, "btrfs", f"{tmp}/btrfs", device=disk))
    found["nfs"] = stack.enter_context(nfs_mounted(host, f"{tmp}/served", f"{tmp}/nfs"))
    return found


@pytest.mark.enough_on("running", "6.1")
def test_types(host, tmp, tmp_path):
    """A file each on several filesystems: --fs and the names of the classic tools choose among them."""
    with contextlib.ExitStack() as stack:
        found = places(host, tmp, stack, tmp_path)
        calls = []
        for where in found.values():
            calls += [f"open {where}/x rwc", "write 10", "fsync"]
        ops = ["open", "write", "fsync"]
        paths = {kind: f"{where}/x".encode() for kind, where in found.items()}

        def shown(command, *options, argv=()):
            out = f"{tmp}/rows"
            argv = [host.iosonde, command, "-o", "json", "-O", out, *options, "0", "--", *argv]
            result = host.run([*argv, *steps(host, tmp, *calls)])
            assert result.returncode == 0, str(result)
            run = read_run(host, "fsslower", result, out)
            rows = [r for r in run.of("slow") if path_of(r) in paths.values()]
            rows.sort(key=lambda r: r["time_ns"])
            for r in rows:
                assert r["fs"].startswith(next(k for k, p in paths.items() if p == path_of(r))), r
            assert len(rows) == run.summary["shown"] or not options
            return [(path_of(r), r["op"]) for r in rows]

        each = {k: [(paths[k], op) for op in ops] for k in found}
        if not host.emulated:
            assert shown("fsslower", "--fs", "tmpfs,overlay") == each["tmpfs"] + each["overlay"]
            assert shown("overlayslower", "--ops", "write") == [(paths["overlay"], "write")]
            return
        for kind in ("fuse", "nfs"):  # which have more than one type
            assert shown(f"{kind}slower") == each[kind]
        counts = f"{tmp}/counts"
        dist = [host.iosonde, "fsdist", "--ops", ",".join(ops), "-F", "-o", "json", "-O", counts]
        slower = shown("fsslower", "--fs", "overlay,xfs,btrfs,nfs4", argv=[*dist, "--"])
        assert slower == [row for k in ("overlay", "xfs", "btrfs", "nfs") for row in each[k]]
        totals = [r for r in parse_rows(host.read_file(counts)) if r["type"] == "fs_total"]
        counted = {(r["fs"], r["op"]): r["count"] for r in totals}
        for kind in ("overlay", "xfs", "btrfs", "nfs4"):
            assert {op: n for (fs, op), n in counted.items() if fs == kind} == dict.fromkeys(ops, 1)


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("6.1")
def test_known_latency(host, tmp):
    """dm-delay's 50 ms: a direct read and a direct write take one, a sync of the inode at least one."""
    ok(host, *MKFS_EXT4, "-O", "^has_journal", DISK)
    sectors = int(ok(host, "cat", "/sys/block/vdb/size"))
    with mapped(host, "slow", f"0 {sectors} delay {DISK} 0 50", "dm-delay") as (path, _):
        with on(host, "ext4", f"{tmp}/slow", device=path) as where:
            ok(host, host.workload, "--silent", "make", f"{where}/f", "65536")

            def times(least, options=("--fs", "ext4")):
                argv = [host.workload, "disk", f"{where}/f", "read 4096", "write 4096", "sync"]
                run = trace(host, tmp, "fsslower", [*options, least], argv)
                return {r["op"]: r["lat_ns"] for r in run.of("slow") if path_of(r).endswith(b"/slow/f")}

            def experiment():
                took = times("10")
                assert {"read", "write"} <= set(took), took
                for op in ("read", "write"):
                    assert 42 * MS <= took[op] <= 60 * MS + 40 * MS, took
                assert not {"read", "write"} & set(times("2s"))

            best_of(3, experiment)
