# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Operations of libaio and io_uring in the ledger: counts, bytes, errors and the book's sums are exact."""

import pytest
from conftest import GUESTS
from disks import MS, null_block
from tracer import CELLS, check_ledger, text_of, trace

ENOUGH_ON = ("running", "5.10", "sid")
KINDS = ("libaio", "io_uring")
SIZE = 4096

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(scope="module")
def data(host, module_tmp):
    """1 MiB that is on the disk."""
    path = f"{module_tmp}/data"
    done = host.run([host.workload, "--silent", "make", path, str(1 << 20)])
    assert done.returncode == 0, str(done)
    return path


def layers(host, tmp, kind, op, n, depth, path, *how):
    """The run, its one row of operations, and what the program saw of them."""
    work = ["async", kind, op, n, depth, SIZE, path, *how]
    run = trace(host, tmp, "layers", [], [host.workload, *map(str, work)])
    check_ledger(run)
    assert "async_refused" not in run.work[0], run.work
    own = run.work[0]["calls"][f"{kind} {op}"]
    (row,) = run.of("async")
    assert (row["kind"], row["op"]) == (kind, op) and own["calls"] == n
    check_row(run, row, own)
    (file,) = run.of("async_file")
    assert text_of(file, "path") == str(path).encode()
    assert {k: file[k] for k in ("count", "bytes", "lat_ns", *CELLS)} == {
        k: row[k] for k in ("count", "bytes", "lat_ns", *CELLS)
    }
    return run, row, own


def check_row(run, row, own):
    assert row["count"] == own["calls"] == run.summary["async_operations"], row
    assert row["bytes"] == own["bytes"] and row["errors"] == sum(own["errors"].values()), row
    assert run.summary["lost"] == 0 and row["cpu_ns"] == row["runq_ns"] == 0, (row, run.summary)
    # Each began after the program's stamp, and was collected before its next one.
    collecting = row["collected"] * (row["collect_ns"] or 0)
    assert 0 < row["max_ns"] <= row["lat_ns"] and row["lat_ns"] + collecting <= own["total_ns"], (row, own)
    assert row["span_ns"] <= run.work[0]["span_ns"], row
    assert row["depth"] == pytest.approx(row["lat_ns"] / row["span_ns"], abs=0.001), row


@pytest.mark.parametrize("kind", KINDS)
def test_direct_reads(host, tmp, data, kind):
    run, row, own = layers(host, tmp, kind, "read", host.few(1000), 4, data, "direct")
    assert row["errors"] == 0 and row["depth"] <= 4, row
    # Nearly all of that is the requests', and what comes after them until the program is told.
    assert row["device_ns"] > 0 and (row["unknown_ns"] == 0 or host.name not in GUESTS), row
    assert row["collected"] == row["count"] or kind == "io_uring", row
    # The running kernel leaves out some completions of requests.
    ends = ("told",) if kind == "io_uring" else ("told", "request", "collected")
    assert row["ends"] in ends and (row["ends"] != "collected" or host.name not in GUESTS), row


@pytest.mark.parametrize("kind", KINDS)
def test_errors(host, tmp, data, kind):
    run, row, own = layers(host, tmp, kind, "read", 40, 4, data, "direct", "bad")
    assert row["errors"] == 10 and own["errors"] == {"EINVAL": 10}, (row, own)


@pytest.mark.parametrize("kind", KINDS)
def test_syncs(host, tmp, data, kind):
    run, row, own = layers(host, tmp, kind, "fsync", 4, 1, data)
    assert row["errors"] == 0 and row["depth"] <= 1, row


def test_workers(host, tmp, data):
    """Reads of the page cache that a worker is asked to do."""
    run, row, own = layers(host, tmp, "io_uring", "read", 40, 4, data, "worker")
    assert row["workers"] == 40 and row["device_ns"] == row["queue_ns"] == 0, row


def test_none(host, tmp, data):
    run = trace(host, tmp, "layers", [], [host.workload, "rw", "read", "10", "512", data])
    assert run.summary["async_operations"] == 0 and not run.of("async") and not run.of("async_file")


@pytest.mark.only_on(*GUESTS)
@pytest.mark.parametrize("kind", KINDS)
def test_device_of_known_latency(host, tmp, kind):
    """Each read takes 20 ms there; four at a time, and the program does nothing but wait for them."""
    n = 60
    with null_block(host, completion_nsec=20 * MS, irqmode=2) as disk:
        run, row, own = layers(host, tmp, kind, "read", n, 4, disk, "direct")
    assert n * 19.6 * MS <= row["device_ns"] <= row["lat_ns"], row
    assert row["unknown_ns"] == 0 and 2 < row["depth"] <= 4, row
    (verdict,) = run.of("verdict")
    call = "io_getevents" if kind == "libaio" else "io_uring_enter"
    assert (verdict["call"], verdict["async_cell"]) == (call, "device"), verdict
    assert text_of(verdict, "path") == disk.encode() and verdict["depth"] == row["depth"], verdict
    assert f"It waited there for {n} operations" in verdict["said"], verdict
