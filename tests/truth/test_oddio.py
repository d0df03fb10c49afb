# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""I/O that is asked for in odd ways: too much, written through, of descriptors that are bad."""

import pytest
from tracer import trace

pytestmark = pytest.mark.usefixtures("rung")

MOST = 0x7FFFF000  # MAX_RW_COUNT


@pytest.fixture
def place(host, tmp):
    host.write_file(f"{tmp}/from", b"x" * 4096)
    host.write_file(f"{tmp}/to", b"")
    return tmp


@pytest.fixture
def rows(host, place):
    """With a standard input that no request of the ring may be charged to."""
    command = f"exec {host.workload} oddio {place} < {place}/to"
    run = trace(host, place, "rwsnoop", [], ["sh", "-c", command])
    return run, [r for r in run.of("rw") if r["comm"] == "workload"]


def test_written_through(host, place, rows):
    run, all_rows = rows
    flags = {}
    for row in all_rows:
        if row["route"] in ("write", "read", "pwritev2") and row["path"] == f"{place}/to":
            how = set((row["how"] or "").split("|")) & {"dsync", "sync"}
            flags[row["route"], row["asked_bytes"]] = how
    assert flags == {
        ("write", 1): set(),
        ("write", 2): {"dsync"},
        ("write", 3): {"sync"},
        ("read", 4): set(),
        ("pwritev2", 5): {"dsync"},
    }


def test_requests_of_bad_descriptors(host, place, rows):
    run, all_rows = rows
    if "uring_refused" in run.work[0]:
        pytest.skip("io_uring is refused")
    ring = [r for r in all_rows if r["route"].startswith("io_uring")]
    good = [r for r in ring if r["err"] is None]
    bad = [r for r in ring if r["err"]]
    # 5.10 keeps no descriptor in a request, and begins none with a bad one
    assert [r["path"] for r in good] == [f"{place}/from"] and good[0]["fd"] in (2, None)
    assert all((r["path"], r["err"]) == (None, "EBADF") and r["fd"] in (77, 1) for r in bad), bad


def test_more_than_a_call_does(host, place, rows):
    run, all_rows = rows
    asked = {}
    for row in all_rows:
        asked.setdefault(row["route"], set()).add(row["asked_bytes"])
    for route in ("copy_file_range", "sendfile", "splice", "pread", "preadv"):
        assert asked[route] == {MOST}, route
    table = trace(
        host, place, "filetop", ["-e", "-i", "60"], [host.workload, "oddio", place]
    ).of("file")
    # copy_file_range twice, sendfile; the other reads of the file are of 6 bytes
    (to,) = [r for r in table if r["path"] == f"{place}/to"]
    assert to["write_asked_bytes"] == 3 * MOST + 1 + 2 + 3 + 5
