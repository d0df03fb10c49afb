# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One trouble each, of a program's own making or by its disk, its filesystem, its memory: does the verdict
of one plain `layers -p PID` name it?"""

import contextlib

import pytest
from disks import ext4_on, mapped, null_block, ok
from incidents import blamed, check_culprit, incident
from nfs import nfs_mounted
from test_mem import Group
from tracer import best_of, text_of

pytestmark = pytest.mark.usefixtures("rung")
RT = ("--rt",)  # it alone runs where it is, whatever else the machine does
MIB = 1 << 20
DISK = "/dev/vdb"
HERE = pytest.mark.enough_on("running")  # no kernel decides it


def path_of(verdict):
    return (text_of(verdict, "path") or b"").decode()


def make(host, path, size):
    ok(host, host.workload, "--silent", "make", path, size)
    ok(host, "sync", path)


@contextlib.contextmanager
def filesystem(host, tmp, delay_ms=0):
    """A directory on a disk that nobody else uses, and that takes so long for each request; on the running
    kernel, whose disk is slow enough for its processor, one of the machine's."""
    if not host.emulated:
        yield tmp
        return
    with contextlib.ExitStack() as stack:
        disk = DISK
        if delay_ms:
            table = f"0 {1 << 18} delay {DISK} 0 {delay_ms}"
            disk, _ = stack.enter_context(mapped(host, "slow", table, "dm-delay"))
        where = ext4_on(host, disk, "/mnt/incident")
        stack.callback(ok, host, "umount", where)
        yield where


@contextlib.contextmanager
def disk_for_two(host, tmp):
    """What a few can read at once, and more have to wait for: a file, or a whole disk."""
    if not host.emulated:
        make(host, f"{tmp}/noise", 16 * MIB)
        yield f"{tmp}/noise"
        return
    few = {"irqmode": 2, "completion_nsec": 3_000_000, "hw_queue_depth": 4, "submit_queues": 1}
    with null_block(host, **few) as path:
        yield path


@pytest.mark.enough_on("running", "5.10", "6.1")
def test_cold_mapping(host, tmp):
    """Page by page of a mapped file is read from the disk, in no order."""

    def experiment(path):
        run, verdict, work = incident(host, tmp, "mapping", path, be=RT)
        assert verdict["call"] == "(fault)" and path_of(verdict) == path, verdict
        assert verdict["cell"] in ("device", "queue") and "page faults" in verdict["said"], verdict
        assert verdict["who"].startswith("device "), verdict
        (row,) = (r for r in run.of("file") if text_of(r, "path") == path.encode())
        # As often as the kernel counted them, and an open; a few may be for the program itself.
        assert 5 <= row["count"] - 1 <= work["majflt"] <= row["count"] + 4, (row, work)
        assert work["majflt"] <= run.summary["major_faults"], (run.summary, work)

    with filesystem(host, tmp, delay_ms=1) as where:
        make(host, f"{where}/cold", 32 * MIB)
        best_of(3, lambda: experiment(f"{where}/cold"))


@HERE
def test_failing_calls(host, tmp):
    def experiment():
        _, verdict, _ = incident(host, tmp, "stats", tmp, be=RT)
        assert (verdict["call"], verdict["cell"], verdict["err"]) == ("newfstatat", "cpu", "ENOENT"), verdict
        assert path_of(verdict).startswith(f"{tmp}/no-such-file-"), verdict
        assert "calls of newfstatat failed: ENOENT" in verdict["said"] and verdict["advice"], verdict

    best_of(3, experiment)


@pytest.mark.enough_on("running", "5.10")
@pytest.mark.parametrize("kind, call", [("lookups", "newfstatat"), ("listing", "getdents64")])
def test_calls_on_names_and_directories(host, tmp, kind, call):
    """That aren't followed by file: samples of them tell the directory."""
    where = f"{tmp}/many"
    ok(host, "mkdir", "-p", where)

    def experiment():
        _, verdict, _ = incident(host, tmp, kind, where, be=RT)
        assert (verdict["call"], verdict["cell"]) == (call, "cpu"), verdict
        key = "dir" if kind == "lookups" else "path"
        assert text_of(verdict, key) == where.encode() and where in verdict["said"], verdict

    best_of(3, experiment)


@HERE
def test_programs_one_after_the_other(host, tmp):
    """It waits for programs that it starts; when they are followed, each of them does little."""

    def experiment():
        _, verdict, _ = incident(host, tmp, "forks", "/bin/true")
        assert (verdict["call"], verdict["cell"]) == ("wait4", "wait"), verdict
        assert verdict["who"].startswith("true ") and "--children" in verdict["advice"], verdict
        run, verdict, _ = incident(host, tmp, "forks", "/bin/true", options=("--children",))
        (execs,) = (r for r in run.of("time") if r["call"] == "execve")
        assert f"{execs['count']} programs were started" in verdict["said"], verdict
        assert execs["count"] >= 100 and verdict["advice"].startswith("start fewer programs"), verdict

    best_of(3, experiment)


@HERE
def test_no_descriptors(host, tmp):
    """It sleeps nearly all the time, for every open fails."""
    path = f"{tmp}/file"
    make(host, path, 4096)

    def experiment():
        _, verdict, _ = incident(host, tmp, "descriptors", path, be=RT)
        assert verdict["call"].endswith("nanosleep") and verdict["err"] == "EMFILE", verdict
        assert path_of(verdict) == path and verdict["advice"], verdict

    best_of(3, experiment)


@HERE
def test_one_byte_at_a_time(host, tmp):
    path = f"{tmp}/file"
    make(host, path, 65536)

    def experiment():
        _, verdict, _ = incident(host, tmp, "bytes", path, be=RT)
        assert (verdict["call"], verdict["cell"], path_of(verdict)) == ("read", "cpu", path), verdict
        assert "1 each" in verdict["said"] and verdict["advice"] == "move more bytes with each call", verdict

    best_of(3, experiment)


@HERE
def test_temporary_files(host, tmp):
    """Thousands of files that are made and removed: the directory is told."""

    def experiment():
        _, verdict, _ = incident(host, tmp, "files", tmp, be=RT)
        assert verdict["call"] in ("openat", "unlinkat") and verdict["cell"] == "cpu", verdict
        assert not verdict["path"] and text_of(verdict, "dir") == tmp.encode(), verdict

    best_of(3, experiment)


@pytest.mark.enough_on("running", "5.10")
def test_noisy_neighbour(host, tmp):
    """Large reads of another process, many at once, on the same disk."""

    def experiment(path):
        run, verdict, work = incident(host, tmp, "noise", path, be=RT)
        assert verdict["call"] == "pread" and path_of(verdict) == path, verdict
        assert verdict["cell"] in ("device", "queue"), verdict
        check_culprit(run, verdict, work, "noise")
        assert "beside requests of noise" in verdict["said"], verdict

    with disk_for_two(host, tmp) as path:
        best_of(3, lambda: experiment(path))


@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
@pytest.mark.enough_on("5.10", "sid")
def test_changes_of_another_in_the_journal(host, tmp):
    """Each fsync of one byte is a commit of hundreds of another's changes."""

    def experiment(where):
        run, verdict, work = incident(host, tmp, "changer", where, be=RT)
        assert (verdict["call"], verdict["cell"]) == ("fsync", "wait"), verdict
        assert verdict["reason"] == "journal commit" and path_of(verdict) == f"{where}/own", verdict
        known = blamed(run, "fsync", "wait")
        who = f"changer {work['culprit']}, journal of vdb"
        assert verdict["who"] == who and who in verdict["said"], (verdict, known)
        assert known[who] >= 0.6 * sum(known.values()), known

    with filesystem(host, tmp) as where:
        best_of(3, lambda: experiment(where))


@pytest.mark.enough_on("running", "sid")
def test_slow_server(host, tmp):
    """A filesystem whose server is a process that takes 10 ms for each read."""
    host.run(["modprobe", "fuse"])
    where = f"{tmp}/fuse"
    ok(host, "mkdir", where)

    def experiment():
        run, verdict, work = incident(host, tmp, "server", where, be=RT)
        assert (verdict["call"], verdict["cell"]) == ("pread", "wait"), verdict
        assert (verdict["reason"], path_of(verdict)) == ("FUSE daemon", f"{where}/slow"), verdict
        check_culprit(run, verdict, work, "server")

    best_of(3, experiment)


@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
@pytest.mark.enough_on("5.10", "sid")
def test_slow_nfs(host, tmp):
    """Its server's disk takes 20 ms for each request."""

    def experiment(where):
        _, verdict, _ = incident(host, tmp, "commits", where, be=RT)
        assert (verdict["call"], verdict["cell"]) == ("fsync", "wait"), verdict
        assert (verdict["reason"], path_of(verdict)) == ("NFS server", f"{where}/own"), verdict

    with filesystem(host, tmp, delay_ms=20) as served, nfs_mounted(host, served, f"{tmp}/nfs", 0) as where:
        best_of(3, lambda: experiment(where))


@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
@pytest.mark.enough_on("6.12")
def test_too_much_is_dirty(host, tmp):
    """It writes faster than the disk, and the machine allows little to be dirty."""
    limits = "/proc/sys/vm/dirty_bytes", "/proc/sys/vm/dirty_background_bytes"
    old = [host.read_file(p.replace("bytes", "ratio")).decode().strip() for p in limits]

    def experiment(path):
        _, verdict, _ = incident(host, tmp, "dirty", path, be=RT, ms=1500)
        assert (verdict["call"], verdict["cell"]) == ("write", "wait"), verdict
        assert (verdict["reason"], path_of(verdict)) == ("dirty throttling", path), verdict

    with filesystem(host, tmp, delay_ms=20) as where:
        try:
            ok(host, "sh", "-c", f"echo {MIB // 4} >{limits[0]}; echo {MIB // 8} >{limits[1]}")
            best_of(3, lambda: experiment(f"{where}/file"))
        finally:
            for place, ratio in zip(limits, old, strict=True):
                ok(host, "sh", "-c", f"echo {ratio} >{place.replace('bytes', 'ratio')}")


@pytest.mark.only_on("6.1", "6.12", "sid")
@pytest.mark.enough_on("6.1")
def test_a_cgroups_memory(host, tmp):
    """It uses more than its cgroup is to have: the kernel holds it back."""
    group = Group(host, "incident", 256)

    def experiment():
        _, verdict, _ = incident(host, tmp, "memory", be=("--cgroup", group.path), ms=1500)
        assert (verdict["call"], verdict["cell"]) == ("(fault)", "wait"), verdict
        assert verdict["reason"] == "memory throttling (cgroup limit)", verdict

    try:
        ok(host, "sh", "-c", f"echo {8 * MIB} >{group.path}/memory.high")
        best_of(3, experiment)
    finally:
        group.remove()
