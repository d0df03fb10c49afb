# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""biotop: each process's requests and bytes per disk and direction, with their latency."""

import contextlib

import pytest
from conftest import GUESTS
from disks import MS, disk, ext4_on, mapped, never_told, null_block, ok, scratch, stat
from program_table import parse_table
from tracer import best_of, read_run, started, trace, trace_running, wait_attached

KIB = 1024


def row_of(run, **key):
    rows = [r for r in run.of("process") if all(r[k] == v for k, v in key.items())]
    assert len(rows) == 1, run.of("process")
    return rows[0]


def test_each_process(host, tmp):
    """Named with -p, two processes have a row each, of all that they did."""
    path, name, _ = scratch(host, tmp)
    count = host.few(2000)

    def experiment():
        run = trace_running(
            host,
            tmp,
            "biotop",
            lambda pids: ["-i", "60", "-D", name, "-p", ",".join(map(str, pids))],
            [
                ["disk", path, f"{count}*read 4096 0 4096 1000"],
                ["disk", path, f"{count}*read 8192 0 8192 500", "10*write 4096 0 4096"],
            ],
            lost=None,
        )
        kept, reads = never_told(host, run), 0
        one, two = (w["pid"] for w in run.work)
        for pid, size, what, n in (
            (one, 4096, "read", count),
            (two, 8192, "read", count),
            (two, 4096, "write", 10),
        ):
            row = row_of(run, pid=pid, op=what)
            assert (row["comm"], row["disk"]) == ("workload", name)
            assert row["ios"] >= n - kept and row["bytes"] >= (n - kept) * size, row
            if what == "read":
                assert row["ios"] <= n and row["bytes"] == row["ios"] * size, row
                reads += row["ios"]
            assert row["avg_ns"] == row["total_ns"] // row["ios"]
            assert row["min_ns"] <= row["p50_ns"] <= row["p99_ns"] <= row["max_ns"]
        assert 2 * count - kept <= reads <= 2 * count
        assert sum(r["ios"] for r in run.of("process")) == run.summary["shown"]

    best_of(5, experiment)


@pytest.mark.only_on(*GUESTS)
def test_latency(host, tmp):
    """5 ms of the disk; with dm-delay above it, a row for each of the two devices."""
    with null_block(host, completion_nsec=5 * MS, irqmode=2) as null:
        with mapped(host, "slow", f"0 {1 << 20} delay {null} 0 50", "dm-delay") as (path, dm):

            def experiment():
                run = disk(host, tmp, "biotop", ["-i", "60"], ["20*read 4096 0 4096"], path)
                upper, lower = row_of(run, disk=dm), row_of(run, disk="nullb0")
                assert upper["ios"] == lower["ios"] == 20 and upper["pid"] == lower["pid"]
                assert 5 * MS <= lower["min_ns"] <= 8 * MS, lower
                assert 55 * MS <= upper["min_ns"] <= 63 * MS, upper

            best_of(3, experiment)


@pytest.mark.only_on("running", "5.10")  # what is added up is the engine's
def test_added_up(host, tmp):
    """Two processes' reads in one row, with the latencies of both, and their writes in another."""
    path, name, _ = scratch(host, tmp)
    steps = ["disk", path, "50*read 4096 0 4096", "5*write 65536 0 65536"]

    def experiment():
        def options(pids):
            return ["-i", "60", "-D", name, "-p", ",".join(map(str, pids)), *more]

        more = ["--by", "op", "--where", f"pid > 1 && disk == '{name}'", "-s", "op"]
        run = trace_running(host, tmp, "biotop", options, [steps, steps])
        rows = run.of("process")
        got = [(r["op"], r["ios"], r["bytes"]) for r in rows]
        assert got == [("read", 100, 100 * 4096), ("write", 10, 10 * 65536)]
        assert all(r["min_ns"] <= r["p50_ns"] <= r["p99_ns"] <= r["max_ns"] for r in rows)
        assert all(r["avg_ns"] == r["total_ns"] // r["ios"] for r in rows)
        assert run.summary["shown"] == 110 and not {"pid", "comm", "disk"} & rows[0].keys()

    best_of(5, experiment)
    for columns, why in (
        (["--by", "bytes"], "doesn't tell"),
        (["--by", "op", "--columns", "pid,bytes"], "have no 'pid'"),
        (["--by", "op", "-s", "comm"], "have no 'comm'"),
        (["--by", "op,nothing"], "no column 'nothing'"),
    ):
        done = host.run([host.iosonde, "biotop", *columns])
        assert done.returncode and why in done.stderr.decode(), str(done)


@pytest.mark.enough_on("running")
def test_order_and_top(host, tmp):
    path, name, _ = scratch(host, tmp)
    steps = ["50*read 4096 0 4096", "5*write 65536 0 65536"]

    def experiment():
        options = ["-i", "60", "-D", name, "-s", "bytes", "-r", "1"]
        run = disk(host, tmp, "biotop", options, steps, path)
        assert [r["op"] for r in run.of("process")] == ["write"], run.of("process")
        run = disk(host, tmp, "biotop", options[:4], steps, path)
        assert run.of("process")[0]["op"] == "read" and run.of("process")[0]["ios"] == 50

    best_of(5, experiment)


@contextlib.contextmanager
def filesystem(host, tmp):
    """A directory whose files nobody else writes to: on a guest's second disk."""
    if host.name not in GUESTS:
        yield tmp
        return
    where = ext4_on(host, "/dev/vdb", "/mnt/vdb")
    try:
        yield where
    finally:
        ok(host, "umount", where)


def test_by_file(host, tmp):
    """Three write at once and are gone before anything is flushed: a row for each and its file."""
    sizes = {1: 256, 2: 512, 3: 768}  # KiB

    def experiment(where):
        ok(host, "rm", "-f", *[f"{where}/private{i}" for i in sizes])
        writers = [
            f": >{where}/private{i}; {host.workload} --silent --comm writer{i} "
            f"rw pwrite {n // 4} 4096 {where}/private{i} &"
            for i, n in sizes.items()
        ]
        script = " ".join([*writers, f"wait; sync -f {where}"])
        run = trace(host, tmp, "biotop", ["-F", "-i", "60"], ["sh", "-c", script])
        rows = [r for r in run.of("process") if r["op"] == "write"]
        for i, n in sizes.items():
            (row,) = [r for r in rows if r["file"] == f"{where}/private{i}"]
            assert row["bytes"] == n * KIB and row["behalf"] == f"writer{i}", row
            assert (row["pid"], row["comm"]) == (row["behalf_pid"], row["behalf"]), row
            assert row["method"] == "range" and row["ino"] and row["ios"] > 0, row
            assert row["disk"] == "vdb" or host.name not in GUESTS, row
        assert len({r["behalf_pid"] for r in rows if r["file"]}) == len(sizes)
        assert sum(r["ios"] for r in run.of("process")) == run.summary["shown"]
        if host.name in GUESTS:
            return  # the grouping is the same everywhere
        rows = trace(host, tmp, "biosnoop", ["--by", "file,behalf"], ["sh", "-c", script])
        pairs = {(r["file"], r["behalf"]) for r in rows.of("group")}
        assert {(f"{where}/private{i}", f"writer{i}") for i in sizes} <= pairs, pairs
        run = trace(host, tmp, "biotop", ["-i", "60", "--by", "file,behalf"], ["sh", "-c", script])
        rows = [(r["file"], r["behalf"], r["bytes"]) for r in run.of("process") if r["file"]]
        want = [(f"{where}/private{i}", f"writer{i}", n * KIB) for i, n in sizes.items()]
        assert sorted(r for r in rows if r[0].startswith(where)) == want
        assert sum(r["ios"] for r in run.of("process")) == run.summary["shown"]
        assert not {"pid", "op", "disk", "ino"} & run.of("process")[0].keys()

    with filesystem(host, tmp) as where:
        best_of(3, lambda: experiment(where))


@pytest.mark.only_on("5.10", "6.12")  # nothing in it depends on the kernel
def test_many_requests(host, tmp):
    """Commands that only count lose none of them, side by side, whatever their rate."""
    count = host.few(240_000)
    commands = {"biotop": "-D", "biolatency": "--disk", "biopattern": "-D"}
    with null_block(host, irqmode=0) as path, contextlib.ExitStack() as stack:
        sondes = {}
        for command, only in commands.items():
            argv = [host.iosonde, command, "-i", "600", only, "nullb0", "-o", "json"]
            sonde = stack.enter_context(started(host, [*argv, "-O", f"{tmp}/{command}"]))
            wait_attached(host, sonde.pid)
            sondes[command] = sonde
        before = stat(host, "nullb0")
        ok(host, host.workload, "--silent", "disk", path, f"{count}*read 4096 0 4096 5000")
        after = stat(host, "nullb0")
        done, size = after[0] - before[0], after[1] - before[1]
        assert done >= count and size >= 4096 * count
        runs = {}
        for command, sonde in sondes.items():
            sonde.signal(2)
            runs[command] = read_run(host, command, sonde.wait(60), f"{tmp}/{command}")
            assert runs[command].summary["lost"] == 0, runs[command].summary
            assert runs[command].summary["shown"] == done, (runs[command].summary, done)
        rows = runs["biotop"].of("process")
        assert (sum(r["ios"] for r in rows), sum(r["bytes"] for r in rows)) == (done, size)


LRU_HASH = "9"  # BPF_MAP_TYPE_LRU_HASH: attribution's maps are, and what requests and flushes leave behind
LRU_OF_REQUESTS = 3


def map_types(host, argv):
    """Of the maps that a running iosonde holds."""
    with started(host, argv) as sonde:
        wait_attached(host, sonde.pid)
        text = ok(host, "sh", "-c", f"cat /proc/{sonde.pid}/fdinfo/*")
        sonde.signal(2)
        sonde.wait(60)
    return [line.split()[1] for line in text.splitlines() if line.startswith("map_type:")]


@pytest.mark.only_on("running")  # nothing in it depends on the kernel
def test_files_cost_nothing_unasked(host):
    """Without -F none of attribution's programs is loaded, and none of its maps made."""
    for command in ("biotop", "biosnoop"):
        for options, there in ((["-F"], True), ([], False)):
            argv = [host.iosonde, command, *options]
            table = parse_table(ok(host, *argv, "--ebpf"))
            names = [name for name in table if name.startswith(("attr_", "claim_"))]
            assert bool(names) == there and "rq_complete" in table, table
            types = map_types(host, [*argv, "-p", str(host.pid)])
            n = types.count(LRU_HASH)
            assert n > LRU_OF_REQUESTS if there else n == LRU_OF_REQUESTS, types
