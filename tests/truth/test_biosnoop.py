# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""biosnoop: a row per request and owner, with the owner's bytes; nothing twice, nothing unseen."""

from contextlib import ExitStack

import pytest
from conftest import GUESTS
from conftest import ENDS
from disks import MS, disk, ext4_on, fast_disk, mapped, null_block, ok, scratch, scsi_debug, stat
from tracer import best_of, read_run, started, trace, wait_attached


def requests(run, name, **more):
    """Rows of that disk in the order of completion, without the pages of programs."""
    rows = [r for r in run.of("request") if r["disk"] == name and "ahead" not in r["kind"]]
    return [r for r in rows if all(r[k] == v for k, v in more.items())]


def op(row):
    return row["kind"].split("|")[0]


def test_each_request(host, tmp):
    """Sector, bytes, kind, pattern, process: as the program made them."""
    path, name, first = scratch(host, tmp)
    steps = [
        "4*read 4096 0 4096",
        "3*read 8192 1048576 65536",
        "2*write 16384 2097152 16384",
    ]

    def experiment():
        run = disk(host, tmp, "biosnoop", ["-D", name], steps, path)
        pid = run.work[0]["pid"]
        rows = [r for r in requests(run, name, pid=pid) if r["sector"] >= first]
        rows = [r for r in rows if r["sector"] < first + (16 << 11) and "meta" not in r["kind"]]
        got = [(op(r), r["sector"] - first, r["bytes"], r["pattern"]) for r in rows]
        assert got == [
            ("read", 0, 4096, "random"),
            *[("read", 8 * i, 4096, "sequential") for i in (1, 2, 3)],
            *[("read", 2048 + 128 * i, 8192, "random") for i in range(3)],
            ("write", 4096, 16384, "random"),
            ("write", 4128, 16384, "sequential"),
        ], got
        for r in rows:
            assert r["comm"] == "workload" and r["tid"] == pid and r["err"] is None
            assert r["request_bytes"] == r["bytes"] and r["bios"] == 1 and r["upper"] is None
            assert r["lat_ns"] > 0 and r["queue_ns"] > 0 and r["cgroup"]
        assert len({r["req"] for r in rows}) == len(rows)

    best_of(5, experiment)


def test_same_sector_twice_in_flight(host, tmp):
    path, name, first = scratch(host, tmp)

    def experiment():
        run = disk(host, tmp, "biosnoop", ["-D", name], ["20*pair 4096 0 65536"], path)
        rows = [r for r in requests(run, name) if r["bytes"] == 4096]
        for i in range(20):
            both = [r for r in rows if r["sector"] == first + 128 * i]
            assert len(both) == 2 and both[0]["req"] != both[1]["req"], both
            assert both[0]["tid"] != both[1]["tid"] and both[0]["pid"] == both[1]["pid"]

    best_of(5, experiment)


@pytest.mark.enough_on("running")
def test_filters(host, tmp):
    """What a minimum, a pattern, or --where leaves out is counted as filtered."""
    path, name, _ = scratch(host, tmp)
    steps = ["10*read 4096 0 4096"]

    def experiment():
        run = disk(host, tmp, "biosnoop", ["-D", name, "10s"], steps, path)
        assert not run.of("request") and run.summary["filtered"] >= 10
        run = disk(host, tmp, "biosnoop", ["-D", name, "--pattern", "seq"], steps, path)
        assert len(requests(run, name)) == 9 and run.summary["filtered"] >= 1
        run = disk(host, tmp, "biosnoop", ["-x", "-D", name], steps, path)
        assert not run.of("request") and run.summary["filtered"] >= 10
        run = disk(host, tmp, "biosnoop", ["--where", "kind ~ 'write*'"], steps, path)
        assert not requests(run, name)
        run = disk(host, tmp, "biosnoop", ["-D", name, "--by", "pid,disk"], steps, path)
        (row,) = run.of("group")
        assert row["disk"] == name and row["count"] >= 10

    best_of(5, experiment)


@pytest.mark.only_on("running", "6.12")  # nothing in it depends on the kernel
def test_any_rate(host, tmp):
    """As fast as the machine can: what is shown and what is lost is what the disk has done."""
    count = 5_000 if host.emulated else 50_000
    with fast_disk(host) as own:
        path = own or scratch(host, tmp)[0]
        name = path.rpartition("/")[2] if own else scratch(host, tmp)[1]
        work = f"{host.workload} disk {path} '{count}*read 4096 0 4096 2000'"
        asleep = f"kill -STOP $PPID; {work}; kill -CONT $PPID"
        for script, buffer in ((work, "16M"), (asleep, "4K")):
            before = stat(host, name)[0]
            options = ["-D", name, "--buffer", buffer]
            run = trace(host, tmp, "biosnoop", options, ["sh", "-c", script], lost=None, timeout=60)
            done = stat(host, name)[0] - before if own else count
            seen = run.summary
            assert done == count and seen["shown"] + seen["lost"] == done, (done, seen)
            assert len(run.of("request")) == seen["shown"]
            assert (seen["lost_ring"] > 0) == (script != work), (script, seen)
            # a virtual machine's kernel keeps some ends to itself, but for zram's, which have none
            assert seen["lost"] == seen["lost_ring"] + (0 if own else seen["lost_end"]), seen
        if host.emulated:
            run = trace(host, tmp, "biolatency", ["--disk", name], ["sh", "-c", work])
            assert run.summary["shown"] == count  # lost: none


@pytest.mark.only_on("6.12")  # nothing in it depends on the kernel
def test_not_waited_for(host, tmp):
    """An attempt that may not wait for a free request, and finds none, is no I/O."""
    slow = {"completion_nsec": 900 * MS, "irqmode": 2, "hw_queue_depth": 1, "submit_queues": 1}
    with null_block(host, **slow) as path:
        be = f"{host.workload} disk {path}"
        script = f"{be} 'read 4096 0' & sleep 0.3; {be} '20*nowait 4096 65536'; wait"
        run = trace(host, tmp, "biosnoop", ["-D", "nullb0"], ["sh", "-c", script])
        refused = [w["calls"]["nowait"]["errors"] for w in run.work if "nowait" in w["calls"]]
        assert refused == [{"EAGAIN": 20}]
        assert [(r["sector"], r["err"]) for r in requests(run, "nullb0")] == [(0, None)]


@pytest.mark.enough_on(*ENDS)
def test_lingers(host, tmp):
    """A program's end isn't its children's: with --linger their I/O is seen, too."""
    path, name, _ = scratch(host, tmp)
    child = f"{host.workload} --silent disk {path} '30*read 4096 0 4096' &"

    def experiment():
        argv = ["/bin/sh", "-c", f"(sleep 0.7; {child}) & exit 0"]
        run = trace(host, tmp, "biosnoop", ["--linger", "4"], argv, lost=None)
        assert 4.0e9 <= run.summary["elapsed_ns"] <= 8e9
        assert len([r for r in requests(run, name) if r["comm"] == "workload"]) >= 30
        run = trace(host, tmp, "biosnoop", [], argv, lost=None)
        assert run.summary["elapsed_ns"] < 1.5e9 * (3 if host.emulated else 1)
        assert len([r for r in requests(run, name) if r["comm"] == "workload"]) < 30
        return run

    best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
def test_kinds(host, tmp):
    """Flushes, writes that go to the medium, discards and zeroes are called by their names."""
    steps = ["write 4096 0", "sync", "dwrite 4096 65536", "discard 65536 1048576"]
    steps += ["zeroout 65536 2097152", "read 4096 0"]
    run = disk(host, tmp, "biosnoop", ["-D", "vdb"], steps, "/dev/vdb")
    assert not any(w["errors"] for w in run.work[0]["calls"].values()), run.work
    kinds = [r["kind"] for r in run.of("request")]
    assert "flush" in kinds and any(k.startswith("discard") for k in kinds), kinds
    assert any(k.startswith("write-zeroes") for k in kinds), kinds
    (wipe,) = [r for r in run.of("request") if r["kind"].startswith("discard")]
    assert (wipe["sector"], wipe["bytes"], wipe["pattern"]) == (2048, 65536, None)
    for r in run.of("request"):
        if r["kind"] == "flush":
            assert r["bytes"] == 0 and r["lat_ns"] > 0 and r["pid"] == run.work[0]["pid"]


@pytest.mark.only_on(*GUESTS)
def test_owners_of_a_merged_request(host, tmp):
    """Two programs' neighbouring reads become one request: a row each, with its own bytes."""
    slow = {"completion_nsec": 900 * MS, "irqmode": 2, "hw_queue_depth": 1, "submit_queues": 1}
    with null_block(host, **slow) as path:
        queue = "/sys/block/nullb0/queue"
        ok(host, "sh", "-c", f"echo mq-deadline >{queue}/scheduler; echo 16 >{queue}/nr_requests")
        be = f"{host.workload} --silent"
        # one is served and one stands ready: the next two wait in the scheduler, and meet
        script = (
            f"{be} disk {path} 'read 4096 0' & {be} disk {path} 'read 4096 524288' & sleep 0.3;"
            f"{be} --comm one disk {path} 'read 4096 1048576' &"
            f"{be} --comm two disk {path} 'read 8192 1052672' & wait"
        )

        def experiment():
            options = ["-D", "nullb0"]
            run = trace(host, tmp, "biosnoop", options, ["/bin/sh", "-c", script], timeout=60)
            rows = [r for r in requests(run, "nullb0") if r["request_bytes"] == 12288]
            assert sorted((r["comm"], r["bytes"]) for r in rows) == [("one", 4096), ("two", 8192)]
            assert rows[0]["req"] == rows[1]["req"] and rows[0]["pid"] != rows[1]["pid"]
            assert {r["sector"] for r in rows} == {2048}
            alone = ["-D", "nullb0", "-n", "one"]
            run = trace(host, tmp, "biosnoop", alone, ["/bin/sh", "-c", script], timeout=60)
            (row,) = requests(run, "nullb0")
            assert (row["comm"], row["bytes"], row["request_bytes"]) == ("one", 4096, 12288)

        best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
@pytest.mark.parametrize("sectors, cut", [(900, 0), (1200, 1)])
def test_request_of_many_bios(host, tmp, sectors, cut):
    """Each sector is a bio of its own: 1,024 and the last are looked at, and what is beyond is said."""
    with scsi_debug(host) as (path, name):
        size = sectors * 512
        run = disk(host, tmp, "biosnoop", ["-D", name], [f"batch {size} 0"], path)
        call = run.work[0]["calls"]["batch"]
        assert call["bytes"] == size, call
        rows = requests(run, name)
        assert [r["request_bytes"] for r in rows] == [size], "not one request"
        assert sum(r["bytes"] for r in rows) == min(sectors, 1025) * 512, rows
        assert run.summary.get("cut_chains", 0) == cut, run.summary


@pytest.mark.only_on(*GUESTS)
def test_stacked(host, tmp):
    """The owner is found on the disk below, though a kernel worker submits there."""
    with ExitStack() as stack:
        null = stack.enter_context(null_block(host, completion_nsec=5 * MS, irqmode=2))
        table = f"0 {1 << 20} delay {null} 0 50"
        path, dm = stack.enter_context(mapped(host, "slow", table, "dm-delay"))

        def experiment():
            run = disk(host, tmp, "biosnoop", [], ["10*read 4096 0 4096"], path)
            pid = run.work[0]["pid"]
            upper, lower = requests(run, dm), requests(run, "nullb0")
            assert len(upper) == len(lower) == 10
            assert {r["pid"] for r in upper + lower} == {pid}
            assert {r["upper"] for r in lower} == {dm} and {r["upper"] for r in upper} == {None}
            assert min(r["lat_ns"] for r in upper) >= 55 * MS
            assert any(r["lat_ns"] <= 63 * MS for r in upper), upper
            assert all(5 * MS <= r["lat_ns"] for r in lower)
            assert any(r["lat_ns"] <= 8 * MS for r in lower), lower

        best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
def test_errors(host, tmp):
    """By name, once."""
    with mapped(host, "bad", f"0 {1 << 16} error") as (path, dm):
        run = disk(host, tmp, "biosnoop", ["-D", dm], ["3*read 4096 0 4096"], path)
        assert run.work[0]["calls"]["read"]["errors"] == {"EIO": 3}
        assert [(r["sector"], r["err"]) for r in requests(run, dm)] == [
            (8 * i, "EIO") for i in range(3)
        ]
        run = disk(host, tmp, "biosnoop", ["-x", "-D", dm], ["3*read 4096 0 4096"], path)
        assert len(requests(run, dm)) == 3


@pytest.mark.only_on(*GUESTS)
def test_failing_disk(host, tmp):
    """One whose medium is damaged in a place: tried again inside, reported once."""
    host.modprobe("sd_mod")
    host.modprobe("scsi_debug", "opts=2", "dev_size_mb=8", "max_luns=1", "num_tgts=1")
    try:
        found = ok(host, "sh", "-c", "sleep 1; cd /sys/block; ls -d sd*")
        name = found.split()[0]
        # scsi_debug: sectors 0x1234 to 0x123d can't be read
        run = disk(
            host, tmp, "biosnoop", ["-D", name],
            [f"read 4096 {0x1230 * 512}", "read 4096 0"], f"/dev/{name}",
        )
        rows = [r for r in requests(run, name) if r["pid"] == run.work[0]["pid"]]
        bad = [r for r in rows if r["err"]]
        assert len(bad) == 1 and bad[0]["sector"] == 0x1230 and bad[0]["err"] == "ENODATA", rows
        assert [r["err"] for r in rows if r["sector"] == 0] == [None], rows
    finally:
        host.run(["rmmod", "scsi_debug"])


@pytest.mark.only_on(*GUESTS)
def test_workers_are_nobody(host, tmp):
    """What a kernel worker writes back has no process, and the cgroup that the bio has."""
    ext4_on(host, "/dev/vdb", "/mnt/vdb")
    try:
        rows = f"{tmp}/rows"
        argv = [host.iosonde, "biosnoop", "-o", "json", "-O", rows, "-D", "vdb"]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            ok(host, "sh", "-c", "dd if=/dev/zero of=/mnt/vdb/file bs=64k count=32; sync")
            sonde.signal(2)
            result = sonde.wait(60)
        run = read_run(host, "biosnoop", result, rows)
        writes = [r for r in run.of("request") if op(r) == "write"]
        data = [r for r in writes if "meta" not in r["kind"] and r["bytes"] >= 65536]
        assert sum(r["bytes"] for r in data) >= 2 << 20, writes
        for r in run.of("request"):
            assert not (r["comm"] or "").startswith(("kworker", "jbd2")), r
        assert {(r["pid"], r["comm"]) for r in data} == {(None, None)}, data
        assert all(r["cgroup"] for r in data)
    finally:
        ok(host, "umount", "/mnt/vdb")


@pytest.mark.only_on(*GUESTS)
def test_everything_at_full_rate(host, tmp):
    """Rows and losses together are what the device says that it completed, whatever the buffer."""
    count = host.few(40_000)
    with null_block(host, irqmode=0) as path:
        for buffer in ("4M", "4k"):
            rows = f"{tmp}/rows-{buffer}"
            argv = [host.iosonde, "biosnoop", "-o", "json", "-O", rows, "-D", "nullb0"]
            with started(host, [*argv, "--buffer", buffer]) as sonde:
                wait_attached(host, sonde.pid)
                before = stat(host, "nullb0")
                ok(host, host.workload, "--silent", "disk", path, f"{count}*read 4096 0 4096 5000")
                after = stat(host, "nullb0")
                sonde.signal(2)
                result = sonde.wait(60)
            run = read_run(host, "biosnoop", result, rows)
            done = after[0] - before[0] + after[2] - before[2]
            assert done >= count
            assert len(run.of("request")) + run.summary["lost"] == done, (run.summary, done)
