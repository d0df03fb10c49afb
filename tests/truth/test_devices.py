# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Devices whose latency is known in advance: it must stand in the ledger's device cell.

Only in guests, where devices can be made at will. Their emulated processors add some time of their
own to each request, never take any away.
"""

import signal

import pytest
from conftest import GUESTS
from guest import THROTTLED_IOPS
from tracer import best_of, call_row, check_ledger, plain_call, started, trace, wait_ready

ONLY_ON = GUESTS
MS = 1_000_000


def layers(host, tmp, work, **more):
    argv = [host.workload, *map(str, work)]
    run = trace(host, tmp, "layers", ["--slow", "0"], argv, timeout=120, **more)
    check_ledger(run)
    return run


def ops(run, call):
    return [r for r in run.of("op") if plain_call(r["call"]) == call]


def ok(host, *argv, input=None):
    done = host.run([str(a) for a in argv], input=input)
    assert done.returncode == 0, str(done)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def null_disk(host):
    """Completes each request by a timer, 5 ms after it got it."""
    host.modprobe("null_blk", "completion_nsec=5000000", "irqmode=2", "nr_devices=1", "gb=1")
    yield "/dev/nullb0"
    host.run(["rmmod", "null_blk"])


@pytest.fixture(scope="module")
def slow_disk(host):
    """dm-delay on half of the scratch disk: 50 ms on each request, ahead of the disk below."""
    for module in ("dm-mod", "dm-delay"):
        host.modprobe(module)
    sectors = 512 << 11
    ok(host, "dmsetup", "create", "slow", input=f"0 {sectors} delay /dev/vdb 0 50\n".encode())
    # No udev there.
    ok(host, "dmsetup", "mknodes")
    yield "/dev/mapper/slow"
    host.run(["dmsetup", "remove", "slow"])


@pytest.fixture
def slow_files(host, slow_disk):
    """ext4 on it."""
    ok(host, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", slow_disk)
    ok(host, "mkdir", "-p", "/mnt/slow")
    ok(host, "mount", slow_disk, "/mnt/slow")
    yield "/mnt/slow"
    ok(host, "umount", "/mnt/slow")


def check_reads(host, tmp, count, size, path, low, high, part=0.9):
    """Direct reads that take from low to high ms at the device, by iosonde and by the clock.

    The host may halt the emulated processor at any time, which lengthens some reads, for the
    program's own clock as well: a part of them must be within high in the best of three tries.
    """

    def experiment():
        work = ["--rt", "--times", count, "rw", "pread", count, size, path, "direct"]
        run = layers(host, tmp, work)
        rows = sorted(ops(run, "pread"), key=lambda r: r["time_ns"])
        own = run.work[0]["calls"]["pread"]["times_ns"]
        assert len(rows) == len(own) == count
        for row, told in zip(rows, own):
            # From issue to the moment it sleeps the thread is still at work for the request.
            assert low * MS - row["cpu_ns"] <= row["device_ns"] <= told, (row, told)
            assert row["unknown_ns"] == 0, row
        device = sorted(r["device_ns"] for r in rows)
        assert device[int(part * count)] <= high * MS, device

    best_of(3, experiment)


def test_null_block_device(host, tmp, null_disk):
    check_reads(host, tmp, 30, 4096, null_disk, 5, 8)


def test_null_block_device_buffered(host, tmp, null_disk):
    """Through the page cache: a miss waits for the device, a hit doesn't."""
    ok(host, "sh", "-c", "echo 1 >/proc/sys/vm/drop_caches")
    run = layers(host, tmp, ["--rt", "rw", "pread", 40, 4096, null_disk])
    missed = [r for r in ops(run, "pread") if r["device_ns"] + r["wait_ns"] >= 2 * MS]
    hits = [r for r in ops(run, "pread") if r["device_ns"] == r["queue_ns"] == 0]
    # Read-ahead doubles, so that a few reads wait and the others find their page.
    assert 1 <= len(missed) <= 8 and len(hits) >= 32, run.of("op")
    assert missed[0]["device_ns"] >= 5 * MS - missed[0]["cpu_ns"], missed


def test_delayed_disk(host, tmp, slow_disk):
    """A device without requests of its own, on one with: counted once, from the outermost bio."""
    check_reads(host, tmp, 20, 4096, slow_disk, 49, 65, part=0.5)


def test_delayed_filesystem(host, tmp, slow_files):
    path = f"{slow_files}/data"
    ok(host, host.workload, "--silent", "make", path, 1 << 20)
    check_reads(host, tmp, 20, 16384, path, 49, 65, part=0.5)


def test_throttled_disk(host, tmp):
    """The host lets so many requests through in a second: their time is the device's."""
    count = 2 * THROTTLED_IOPS
    run = layers(host, tmp, ["rw", "pread", count, 4096, "/dev/vdc", "direct"])
    row = call_row(run, "pread")
    # A tenth of a second's worth comes at once; what the program does meanwhile isn't waited for.
    all_ns = count / THROTTLED_IOPS * 1e9
    assert 0.6 * all_ns <= row["device_ns"] <= 1.2 * all_ns, row
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
    assert row["lat_ns"] >= 12 * 50 * MS
    assert row["device_ns"] + row["queue_ns"] + row["wait_ns"] >= 0.9 * row["lat_ns"], row
    assert sum(w["wait_ns"] for w in named) <= row["wait_ns"]
