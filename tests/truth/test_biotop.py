# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""biotop: each process's requests and bytes per disk and direction, with their latency."""

from conftest import GUESTS
from disks import MS, disk, mapped, null_block, scratch
from tracer import best_of, trace_running


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
        )
        one, two = (w["pid"] for w in run.work)
        for pid, size, what, n in (
            (one, 4096, "read", count),
            (two, 8192, "read", count),
            (two, 4096, "write", 10),
        ):
            row = row_of(run, pid=pid, dir=what)
            assert (row["comm"], row["disk"]) == ("workload", name)
            assert row["ios"] >= n and row["bytes"] >= n * size, row
            if what == "read":
                assert (row["ios"], row["bytes"]) == (n, n * size), row
            assert row["avg_ns"] == row["total_ns"] // row["ios"]
            assert row["min_ns"] <= row["p50_ns"] <= row["p99_ns"] <= row["max_ns"]
        assert sum(r["ios"] for r in run.of("process")) == run.summary["shown"]

    best_of(5, experiment)


def test_latency(host, tmp):
    """5 ms of the disk; with dm-delay above it, a row for each of the two devices."""
    if host.name not in GUESTS:
        return
    with null_block(host, completion_nsec=5 * MS, irqmode=2) as null:
        with mapped(host, "slow", f"0 {1 << 20} delay {null} 0 50", "dm-delay") as (path, dm):

            def experiment():
                run = disk(host, tmp, "biotop", ["-i", "60"], ["20*read 4096 0 4096"], path)
                upper, lower = row_of(run, disk=dm), row_of(run, disk="nullb0")
                assert upper["ios"] == lower["ios"] == 20 and upper["pid"] == lower["pid"]
                assert 5 * MS <= lower["min_ns"] <= 8 * MS, lower
                assert 55 * MS <= upper["min_ns"] <= 63 * MS, upper

            best_of(3, experiment)


def test_order_and_top(host, tmp):
    path, name, _ = scratch(host, tmp)
    steps = ["50*read 4096 0 4096", "5*write 65536 0 65536"]

    def experiment():
        options = ["-i", "60", "-D", name, "-s", "bytes", "-r", "1"]
        run = disk(host, tmp, "biotop", options, steps, path)
        assert [r["dir"] for r in run.of("process")] == ["write"], run.of("process")
        run = disk(host, tmp, "biotop", options[:4], steps, path)
        assert run.of("process")[0]["dir"] == "read" and run.of("process")[0]["ios"] == 50

    best_of(5, experiment)
