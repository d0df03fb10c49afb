# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Devices whose latency is known in advance: it must stand in the ledger's device cell.

Only in guests, where devices can be made at will.
"""

import signal
import statistics

import pytest
from conftest import GUESTS
from disks import MS, ext4_on, ok
from guest import THROTTLED_IOPS, Guest
from kernel_trace import device_and_sleep, kernel_traced
from tracer import (
    call_row,
    check_ledger,
    parse_rows,
    plain_call,
    started,
    trace,
    wait_ready,
    wait_until,
)

ONLY_ON = GUESTS
CLOCK = 0.96  # a guest sets its clock by another one as it boots: it was up to 2.4 % slower
# dm-delay's 50 ms, by its timer: the kernels count in ticks of 4 ms, from the one before to, on 6.12,
# three after. The median is within 10 ms.
DELAYED = (48, 64)


def layers(host, tmp, work, **more):
    argv = [host.workload, *map(str, work)]
    run = trace(host, tmp, "layers", ["--slow", "0"], argv, timeout=120, **more)
    check_ledger(run)
    return run


def ops(run, call):
    return [r for r in run.of("op") if plain_call(r["call"]) == call]


@pytest.fixture(scope="module")
def exact(request, host):
    """Another guest with the same kernel, whose time counts its instructions and skips what is idle.

    So a timer of 5 ms takes 5 ms there, however busy the host is. Its disks are in its memory.
    """
    with Guest(host.name, request.config.getoption("--build"), icount="skip") as guest:
        yield guest


@pytest.fixture
def exact_tmp(exact):
    path = exact.tmpdir()
    yield path
    exact.remove(path)


@pytest.fixture(scope="module")
def null_disk(exact):
    """Completes each request by a timer, 5 ms after it got it."""
    exact.modprobe("null_blk", "completion_nsec=5000000", "irqmode=2", "nr_devices=1", "gb=1")
    return "/dev/nullb0"


def delay(host, below, mib):
    """dm-delay on a device: 50 ms on each request, ahead of the disk below."""
    for module in ("dm-mod", "dm-delay"):
        host.modprobe(module)
    ok(host, "dmsetup", "create", "slow", input=f"0 {mib << 11} delay {below} 0 50\n".encode())
    # No udev there.
    ok(host, "dmsetup", "mknodes")
    return "/dev/mapper/slow"


@pytest.fixture(scope="module")
def delayed_disk(exact):
    exact.modprobe("brd", "rd_nr=1", "rd_size=131072")
    return delay(exact, "/dev/ram0", 100)


def gone(host, *argv):
    """A file that was in use until a moment ago is busy for that moment."""
    wait_until(" ".join(argv), lambda: host.run(list(argv)).returncode == 0, 60)


@pytest.fixture
def slow_files(host):
    """ext4 on half of the scratch disk."""
    disk = delay(host, "/dev/vdb", 512)
    try:
        yield ext4_on(host, disk, "/mnt/slow")
    finally:
        gone(host, "sh", "-c", "! grep -q ' /mnt/slow ' /proc/mounts || umount /mnt/slow")
        gone(host, "dmsetup", "remove", "slow")


def check_read(row, told, low, high):
    """A read that took from low to high ms at the device; the program's own clock says told, in ns."""
    # From issue to the moment it sleeps the thread is still at work for the request.
    assert CLOCK * low * MS <= row["device_ns"] + row["cpu_ns"], row
    assert row["device_ns"] <= min(high * MS, told), row
    assert row["unknown_ns"] == 0 and row["lat_ns"] <= told, row


def check_direct_reads(guest, tmp, count, size, path, low, high, median=None):
    work = ["--rt", "--times", count, "rw", "pread", count, size, path, "direct"]
    run = layers(guest, tmp, work)
    rows = sorted(ops(run, "pread"), key=lambda r: r["time_ns"])
    own = run.work[0]["calls"]["pread"]["times_ns"]
    assert len(rows) == len(own) == count
    for row, told in zip(rows, own):
        check_read(row, told, low, high)
    assert not median or statistics.median(r["device_ns"] for r in rows) <= median * MS, rows


def test_null_block_device(exact, exact_tmp, null_disk):
    check_direct_reads(exact, exact_tmp, 30, 4096, null_disk, 5, 8)


def test_direct_reads_are_device(exact, exact_tmp, null_disk):
    """64 KiB each: the cell is within 10 % of issue to complete, as the kernel's tracepoints have it."""
    major, minor = map(int, exact.read_file("/sys/block/nullb0/dev").decode().split(":"))
    rows, trace_out = f"{exact_tmp}/rows", f"{exact_tmp}/trace"
    work = ["--rt", "--comm", "direct-reader", "rw", "pread", "16", "65536", null_disk, "direct"]
    argv = [exact.iosonde, "layers", "-o", "json", "-O", rows, "--", exact.workload, *work]
    ok(exact, *kernel_traced(exact_tmp, f"dev == {major << 20 | minor}", trace_out, argv))
    count, device, _ = device_and_sleep(exact.read_file(trace_out).decode())
    row = next(r for r in parse_rows(exact.read_file(rows)) if r["type"] == "call" and r["call"] == "pread")
    assert count == row["count"] == 16 and device >= 16 * CLOCK * 5 * MS
    assert abs(row["device_ns"] - device) <= 0.10 * device, (row, device)
    assert row["device_ns"] >= 0.70 * row["lat_ns"], row


def test_null_block_device_buffered(exact, exact_tmp, null_disk):
    """Through the page cache: a miss waits for the device, a hit doesn't."""
    ok(exact, "sh", "-c", "echo 1 >/proc/sys/vm/drop_caches")
    run = layers(exact, exact_tmp, ["--rt", "--times", 40, "rw", "pread", 40, 4096, null_disk])
    rows = sorted(ops(run, "pread"), key=lambda r: r["time_ns"])
    own = run.work[0]["calls"]["pread"]["times_ns"]
    missed = [(row, told) for row, told in zip(rows, own) if row["device_ns"] or row["wait_ns"]]
    # Read-ahead doubles, so that a few reads wait and the others find their page, some of them just
    # being read ahead.
    cold = [(row, told) for row, told in missed if row["device_ns"]]
    assert 1 <= len(cold) <= len(missed) <= 8 and missed[0] == cold[0], missed
    for row, told in cold:
        # It asks for the next pages, too, before it waits for the first one.
        assert CLOCK * 5 * MS <= row["lat_ns"] <= min(8 * MS, told), row
        assert row["device_ns"] >= 0.9 * row["lat_ns"], row
    assert all(row["lat_ns"] <= 8 * MS for row, _ in missed), missed


def test_delayed_disk(exact, exact_tmp, delayed_disk):
    """A device without requests of its own: each read is that of the device asked."""
    check_direct_reads(exact, exact_tmp, 20, 4096, delayed_disk, *DELAYED, 60)


def test_delayed_disk_with_requests(exact, exact_tmp, null_disk, delayed_disk):
    """On one with: counted once, from the outermost bio. 50 ms and the 5 ms below."""
    ok(exact, "dmsetup", "remove", "slow")
    try:
        low, high = DELAYED
        path = delay(exact, null_disk, 100)
        check_direct_reads(exact, exact_tmp, 20, 4096, path, low + 5, high + 5, 65)
    finally:
        ok(exact, "dmsetup", "remove", "slow")
        delay(exact, "/dev/ram0", 100)


def test_delayed_filesystem(exact, exact_tmp, delayed_disk):
    files = ext4_on(exact, delayed_disk, "/mnt/slow")
    try:
        path = f"{files}/data"
        ok(exact, exact.workload, "--silent", "make", path, 1 << 20)
        check_direct_reads(exact, exact_tmp, 20, 16384, path, *DELAYED, 60)
    finally:
        gone(exact, "umount", files)


def test_throttled_disk(host, tmp):
    """The host lets so many requests through in a second: their time is the device's."""
    count = 2 * THROTTLED_IOPS
    run = layers(host, tmp, ["rw", "pread", count, 4096, "/dev/vdc", "direct"])
    row = call_row(run, "pread")
    # A tenth of a second's worth comes at once; what the program does meanwhile isn't waited for.
    all_ns = count / THROTTLED_IOPS * 1e9
    meanwhile = row["cpu_ns"] + row["runq_ns"]
    assert 0.6 * all_ns - meanwhile <= row["device_ns"] <= 1.2 * all_ns, row
    assert row["device_ns"] >= 0.9 * (row["lat_ns"] - row["cpu_ns"] - row["runq_ns"]), row


def test_neighbours_journal_commit(host, tmp, slow_files):
    """Two files, one journal: what an fsync of one waits for is called by its name."""
    mine, other = f"{slow_files}/mine", f"{slow_files}/other"
    for path in (mine, other):
        ok(host, host.workload, "--silent", "make", path, 1 << 18)
    neighbour = [host.workload, "--go", "--silent", "rw", "fsync", "60", "4096", other]
    with started(host, neighbour) as process:
        wait_ready(host, process.pid)
        process.signal(signal.SIGUSR1)
        run = layers(host, tmp, ["rw", "fsync", 12, 4096, mine])
    row = call_row(run, "fsync")
    named = [w for w in run.of("wait") if w["call"] == "fsync"]
    assert any("journal commit" in w["reason"] for w in named), named
    # Each takes at least the data's 50 ms; what isn't in the device is explained by a name.
    assert row["lat_ns"] >= 12 * DELAYED[0] * MS
    assert row["device_ns"] + row["queue_ns"] + row["wait_ns"] >= 0.9 * row["lat_ns"], row
    assert sum(w["wait_ns"] for w in named) <= row["wait_ns"]


@pytest.fixture(scope="module")
def delayed_files(exact, delayed_disk):
    where = ext4_on(exact, delayed_disk, "/mnt/slow")
    for name in ("one", "two"):
        ok(exact, exact.workload, "--silent", "make", f"{where}/{name}", 1 << 18)
    return where


def test_slow_reads_of_two_threads(exact, exact_tmp, delayed_files):
    """fileslower: 50 ms each, at a minimum of 10 there and of 100 not, however they interleave."""
    reads = [
        f"{exact.workload} --silent rw pread {count} 4096 {delayed_files}/{name} direct &"
        for name, count in (("one", 8), ("two", 5))
    ]
    argv = ["sh", "-c", " ".join([*reads, "wait"])]
    rows = trace(exact, exact_tmp, "fileslower", ["10"], argv).of("slow")
    seen = sorted((r["path"], r["rw"], r["bytes"]) for r in rows)
    assert seen == [(f"{delayed_files}/one", "read", 4096)] * 8 + [
        (f"{delayed_files}/two", "read", 4096)
    ] * 5
    assert all(DELAYED[0] * MS <= r["lat_ns"] <= DELAYED[1] * MS for r in rows), rows
    assert len({r["tid"] for r in rows}) == 2
    run = trace(exact, exact_tmp, "fileslower", ["100"], argv)
    assert not run.of("slow") and run.summary["filtered"] >= 13
