# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""biolatency: every request counted once, totals that hold, latencies known in advance."""

import re
from collections import Counter

import pytest
from conftest import GUESTS
from disks import MS, disk, disk_once, mapped, never_told, null_block, ok, scratch, stat
from tracer import best_of, read_run, started, wait_attached

US = 1000


def buckets(run, **key):
    rows = [r for r in run.of("latency") if all(r[k] == v for k, v in key.items())]
    return {(r["low_ns"], r["high_ns"]): r["count"] for r in rows}


def total(run, **key):
    (row,) = [r for r in run.of("latency_total") if all(r[k] == v for k, v in key.items())]
    return row


def check_totals(run):
    """Each key's buckets and totals belong together."""
    keys = {(r["disk"], r["kind"]) for r in run.of("latency")}
    assert keys == {(r["disk"], r["kind"]) for r in run.of("latency_total")}
    for name, kind in keys:
        rows, sums = buckets(run, disk=name, kind=kind), total(run, disk=name, kind=kind)
        assert sum(rows.values()) == sums["count"]
        assert sums["avg_ns"] == sums["total_ns"] // sums["count"]
        lowest, highest = min(rows), max(rows)
        assert lowest[0] <= sums["min_ns"] <= lowest[1]
        assert highest[0] <= sums["max_ns"] <= highest[1]
        order = [sums[k] for k in ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")]
        assert order == sorted(order)
        assert sum(low * n for (low, _), n in rows.items()) <= sums["total_ns"]
        assert sum(high * n for (_, high), n in rows.items()) >= sums["total_ns"]


def only(host, name):
    """Where the disk is ours alone; elsewhere the program's own pages may have to be read, too."""
    return ["--disk", name] if host.emulated else []


def test_counts(host, tmp):
    """As many as were read, in buckets of whole microseconds, in all or by disk and kind."""
    path, name, _ = scratch(host, tmp)
    count = host.few(4000)
    steps = [f"{count}*read 4096 0 4096 1000"]

    def experiment():
        run = disk_once(host, tmp, "biolatency", only(host, name), steps, path)
        check_totals(run)
        assert total(run)["count"] == run.summary["shown"] == count - never_told(host, run)
        for low, high in buckets(run):
            assert (low == 0 and high == 2 * US - 1) or (
                high + 1 == 2 * low and (low // US).bit_count() == 1 and low % US == 0
            )

    best_of(5, experiment)

    def by_kind():
        options = ["-D", "-F", "-Q", *only(host, name)]
        run = disk_once(host, tmp, "biolatency", options, [*steps, "write 4096 0"], path)
        check_totals(run)
        reads = [r for r in run.of("latency_total") if r["kind"] in ("read", "read|sync")]
        assert [(r["disk"], r["count"]) for r in reads] == [(name, count - never_told(host, run))]
        writes = [r for r in run.of("latency_total") if r["kind"].startswith("write|sync")]
        assert writes and {r["disk"] for r in writes} == {name}

    best_of(5, by_kind)


@pytest.mark.enough_on("running")
def test_views(host, tmp):
    """One run of reads for each way to show it: the same number in slots of another width."""
    path, name, _ = scratch(host, tmp)
    steps = ["64*read 4096 0 4096"]

    def slots(*options):
        run = disk(host, tmp, "biolatency", [*options, "--disk", name], steps, path)
        assert sum(buckets(run).values()) == 64
        return buckets(run)

    def experiment():
        assert all((high - low) <= low / 8 + 1 for low, high in slots("--fine"))
        assert all(low % (20 * US) == 0 for low, _ in slots("--linear", "20us"))
        assert all(low % MS == 0 and (high + 1) % (2 * MS) == 0 for low, high in slots("-m"))

    best_of(5, experiment)


def test_by_process_and_cgroup(host, tmp):
    """Everything of the one that reads; its cgroup is that of whoever starts it."""
    path, name, _ = scratch(host, tmp)
    lines = ok(host, "cat", "/proc/self/cgroup").splitlines()
    (group,) = [x.removeprefix("0::") for x in lines if x.startswith("0::")]

    def experiment():
        run = disk(host, tmp, "biolatency", ["-P", "--disk", name], ["64*read 4096 0 4096"], path)
        (work,) = run.work
        row = total(run, pid=work["pid"], comm="workload")
        assert row["count"] == 64 == sum(buckets(run, pid=work["pid"], comm="workload").values())
        assert row["cgroup"] is None and row["disk"] is None
        run = disk(host, tmp, "biolatency", ["-G", "--disk", name], ["64*read 4096 0 4096"], path)
        assert total(run, cgroup=group)["count"] >= 64 and total(run, cgroup=group)["pid"] is None

    best_of(5, experiment)


@pytest.mark.enough_on("running")
def test_text_and_csv(host, tmp):
    path, name, _ = scratch(host, tmp)
    best_of(5, lambda: check_text(host, path, name))


def check_text(host, path, name):
    argv = ["--disk", name, "--", host.workload, "--silent", "disk", path, "50*read 4096 0 4096"]
    done = host.run([host.iosonde, "biolatency", "-D", "-e", *argv])
    assert done.returncode == 0, str(done)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == f"disk {name}" and lines[1].split() == ["USECS", "COUNT", "DISTRIBUTION"]
    bars = [re.fullmatch(r" *(\d+) -> (\d+) +(\d+) \|(\**) *\|", x) for x in lines[2:]]
    bars = [m.groups() for m in bars if m]
    assert sum(int(n) for _, _, n, _ in bars) == 50
    assert [(int(a), int(b)) for a, b, _, _ in bars] == [
        (2**i if i else 0, 2 ** (i + 1) - 1) for i in range(len(bars))
    ]
    most = max(int(n) for _, _, n, _ in bars)
    for _, _, n, stars in bars:
        assert abs(len(stars) - 40 * int(n) / most) <= 1 and bool(stars) == bool(int(n))
    assert lines[-2].split()[:3] == ["DISK", "KIND", "COUNT"] and lines[-1].split()[0] == name
    done = host.run([host.iosonde, "biolatency", "-o", "csv", *argv])
    head, *rows = done.stdout.decode().splitlines()
    assert head == "time_ns,low_ns,high_ns,count,share_percent"
    assert sum(int(r.split(",")[3]) for r in rows) == 50


@pytest.mark.enough_on("running")
def test_intervals_and_refusals(host, tmp):
    path, name, _ = scratch(host, tmp)
    for count in (2000, 8000, 32_000):  # an interval is 50 ms, and disks differ
        steps = [f"{host.few(count)}*read 4096 0 4096 1000"]
        run = disk_once(host, tmp, "biolatency", ["-i", "0.05", "--disk", name], steps, path)
        assert sum(buckets_all(run).values()) == host.few(count) - never_told(host, run)
        if len({r["interval"] for r in run.of("latency_total")}) >= 2:
            break
    else:
        pytest.fail("one interval for all")
    for words, text in (
        (["--disk", "nosuch"], '"nosuch" is not a disk'),
        (["-d", "vda"], "not a duration"),
        (["--linger", "1"], "--linger is counted from the end of a command"),
    ):
        done = host.run([host.iosonde, "biolatency", *words])
        assert done.returncode == 2 and text in done.err, str(done)


def buckets_all(run):
    sums = Counter()
    for r in run.of("latency"):
        sums[r["low_ns"]] += r["count"]
    return sums


@pytest.fixture(scope="module")
def slow(host):
    """Completes each request by a timer, 5 ms after it got it."""
    with null_block(host, completion_nsec=5 * MS, irqmode=2) as path:
        yield path


@pytest.mark.only_on(*GUESTS)
def test_known_latency(host, tmp, slow):
    """5 ms each. The emulated processor and its interrupts add to some, and take nothing away."""
    count = 300

    def experiment():
        run = disk(host, tmp, "biolatency", [], [f"{count}*read 4096 0 4096"], slow, be=["--rt"])
        sums, rows = total(run), buckets(run)
        assert sums["count"] == count == sum(rows.values()), rows
        assert 5 * MS <= sums["min_ns"] <= 8 * MS and min(rows) == (4096 * US, 8192 * US - 1), rows
        # the host halts the emulated processor at will
        assert rows[4096 * US, 8192 * US - 1] >= 0.3 * count, rows

    best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
def test_stacked_time_counts_once(host, tmp, slow):
    """dm-delay's 50 ms over the disk's 5: 55 in all, once; with -D each device by its name."""
    with mapped(host, "slow", f"0 {1 << 20} delay {slow} 0 50", "dm-delay") as (path, dm):
        steps = ["20*read 4096 0 4096"]

        def experiment():
            run = disk(host, tmp, "biolatency", [], steps, path)
            assert total(run)["count"] == 20 and run.summary["filtered"] == 20
            assert 55 * MS <= total(run)["min_ns"] <= 63 * MS, total(run)
            run = disk(host, tmp, "biolatency", ["-D"], steps, path)
            assert {r["disk"] for r in run.of("latency_total")} == {dm, "nullb0"}
            upper, lower = total(run, disk=dm), total(run, disk="nullb0")
            assert upper["count"] == lower["count"] == 20
            assert 47 * MS <= upper["min_ns"] - lower["min_ns"] <= 58 * MS, (upper, lower)
            assert 5 * MS <= lower["min_ns"] <= 8 * MS, lower

        best_of(3, experiment)


@pytest.mark.only_on(*GUESTS)
def test_everybody(host, tmp):
    """Without a target: as many as the disk itself says that it completed. Nothing is lost."""
    count = host.few(40_000)
    with null_block(host, irqmode=0) as path:
        rows = f"{tmp}/rows"
        argv = [host.iosonde, "biolatency", "-o", "json", "-O", rows, "--disk", "nullb0"]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            before = stat(host, "nullb0")
            ok(host, host.workload, "--silent", "disk", path, f"{count}*read 4096 0 4096 5000")
            after = stat(host, "nullb0")
            sonde.signal(2)
            result = sonde.wait(60)
        assert result.returncode == 0, str(result)
        run = read_run(host, "biolatency", result, rows)
    assert run.summary["lost"] == 0 and after[0] - before[0] >= count
    assert total(run)["count"] == after[0] - before[0] + after[2] - before[2]


@pytest.mark.only_on(*GUESTS)
def test_devices_without_requests(host, tmp):
    """brd and zram complete bios: they have latencies, too."""
    host.modprobe("brd", "rd_nr=1", "rd_size=16384")
    run = disk(host, tmp, "biolatency", ["-D"], ["100*read 4096 0 4096"], "/dev/ram0")
    assert total(run, disk="ram0")["count"] == 100 and total(run)["min_ns"] > 0
    host.run(["rmmod", "brd"])
    host.modprobe("zram")
    ok(host, "sh", "-c", "echo 16M >/sys/block/zram0/disksize")
    run = disk(host, tmp, "biolatency", ["-D"], ["100*write 4096 0 4096"], "/dev/zram0")
    assert total(run, disk="zram0")["count"] == 100
    host.run(["rmmod", "zram"])
