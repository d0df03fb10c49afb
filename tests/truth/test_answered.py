# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Calls that never run, for a seccomp filter answers them: the kernel reports an end and no entry."""

from collections import Counter, defaultdict

import pytest
from tracer import call_row, trace

pytestmark = pytest.mark.usefixtures("rung")

ERRORS = {"errno": "EPERM", "trap": "ENOSYS", "notify": None}
# What each command shows of one way, in how many rows.
SHOWN = {
    "opensnoop": {"open": 1, "openat": 1},
    "statsnoop": {"statx": 1, "fstatat": 1},
    "rwsnoop": {"read": 1, "write": 1, "pread": 1, "pwrite": 1, "sendfile": 2},
    "filegone": {"unlink": 1, "unlinkat": 1, "renameat2": 1},
    "syncsnoop": {"fsync": 1},
    "mountsnoop": {"mount": 1},
    "execsnoop": {"execve": 1},
}


@pytest.fixture
def place(host, tmp):
    host.write_file(f"{tmp}/plain", bytes(4096))
    return tmp


def by_way(run):
    """The rows of each way's thread."""
    (work,) = run.work
    tids = {o["tid"]: o["id"] for o in work["opens"]}
    rows = defaultdict(list)
    for row in run.rows:
        if row.get("tid") in tids:
            rows[tids[row["tid"]]].append(row)
    return rows


@pytest.mark.parametrize("command", SHOWN)
def test_a_row_with_its_error(host, place, command):
    """Of every call, and no success where there was none."""
    run = trace(host, place, command, [], [host.workload, "refused", place])
    rows = by_way(run)
    for way, err in ERRORS.items():
        assert [r["err"] for r in rows[way]] == [err] * sum(SHOWN[command].values()), rows[way]
    assert all(r["ret"] < 0 for r in rows["trap"] if "ret" in r)
    if command == "rwsnoop":
        assert all("answered" in r["how"].split("|") for way in rows.values() for r in way)
        assert all(r["path"] == f"{place}/plain" for way in rows.values() for r in way)
        assert {(r["route"], r["bytes"]) for r in rows["trap"]} == {
            (call, 0) for call in SHOWN[command]
        }
    if command == "statsnoop":  # the name is empty, and was never read
        paths = {r["path"] for way in rows.values() for r in way if r["call"] == "fstatat"}
        assert paths == {f"{place}/plain"}


def test_counted_by_call(host, place):
    run = trace(host, place, "syscount", [], [host.workload, "refused", place])
    rows = {r["call"]: (r["count"], r["errors"]) for r in run.of("syscall")}
    calls = ["open", "unlink", "pread64", "pwrite64", "sendfile", "fsync", "statx", "mount"]
    assert {c: rows[c] for c in calls} == dict.fromkeys(calls, (3, 2))
    assert rows["execve"] == (3, 2) and rows["clone3" if "clone3" in rows else "clone"] == (3, 0)


def test_in_the_ledger(host, place):
    run = trace(host, place, "layers", [], [host.workload, "refused", place])
    for call in ("open", "pread", "pwrite", "read", "sendfile", "fsync"):
        row = call_row(run, call)
        assert (row["count"], row["errors"]) == (3, 2), row
        # the result of the supervisor is what the program takes for bytes
        assert row["bytes"] == (0 if call == "open" else 1), row


def test_sums(host, by_calls, place):
    run = trace(host, place, "filetop", ["-i", "60"], [host.workload, "refused", place])
    total = Counter()
    for r in run.of("file"):
        if r["path"] == f"{place}/plain":
            for key in ("reads", "writes", "errors", "read_bytes", "write_bytes"):
                total[key] += r[key]
    want = {"reads": 9, "writes": 9, "errors": 12, "read_bytes": 3, "write_bytes": 3}
    assert total == want


def test_killed_by_a_filter(host, place):
    """The kernel reports the end of the call, as of one that is trapped; on 5.10 nothing at all."""
    run = trace(host, place, "opensnoop", [], [host.workload, "refused", place, "kill"])
    rows = [r for r in run.of("open") if r["pid"] != run.work[0]["pid"]]
    assert [r["err"] for r in rows] in ([], ["ENOSYS"] * 2), rows
    run = trace(host, place, "filetop", ["-i", "60"], [host.workload, "refused", place, "kill"])
    assert all(r["read_bytes"] + r["write_bytes"] == 0 for r in run.of("file"))
