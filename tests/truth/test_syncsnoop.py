# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""syncsnoop against a program that makes sure of its data in every way there is, once each."""

from collections import Counter

import pytest
from tracer import text_of, trace

pytestmark = pytest.mark.usefixtures("rung")


def is_uring(op):
    return op["call"].startswith("io_uring")


class Syncs:
    def __init__(self, run):
        self.run = run
        (self.work,) = run.work
        self.rows = sorted(run.of("sync"), key=lambda r: r["time_ns"])
        self.ops = self.work["opens"]

    def pairs(self):
        """Calls are made one after the other, in children too, and io_uring's are waited for."""
        return list(zip(self.ops, self.rows, strict=True))

    def wrong(self, check):
        return [(op, row) for op, row in self.pairs() if not check(op, row)]


@pytest.fixture(scope="module")
def syncs(host, rung, module_tmp):
    where = f"{module_tmp}/syncs-{rung}"
    host.run(["mkdir", where])
    return Syncs(trace(host, module_tmp, "syncsnoop", [], [host.workload, "syncs", where]))


def test_each_once(syncs):
    """And none of the ordinary writes."""
    seen = Counter(r["call"] for r in syncs.rows)
    assert seen == Counter(o["call"] for o in syncs.ops)
    wanted = "sync fsync fdatasync msync sync_file_range syncfs write pwritev2".split()
    assert seen.keys() >= set(wanted)
    if "uring_refused" not in syncs.work:
        assert seen["io_uring fsync"] == 1 and seen["io_uring fdatasync"] == 2
        assert seen["io_uring write"] == 3


def test_result(syncs):
    assert not syncs.wrong(lambda op, row: (row["ret"], row["err"]) == (op["ret"], op["err"]))
    assert {o["err"] for o in syncs.ops} >= {None, "EBADF", "EINVAL", "EFAULT", "ENOMEM"}


def test_how(syncs):
    """What made a write synchronous, and the flags of the calls that have some."""
    assert not syncs.wrong(lambda op, row: (row["how"] or "") == op["id"])
    seen = {row["how"] for row in syncs.rows}
    assert seen >= {"O_SYNC", "O_DSYNC", "RWF_SYNC", "RWF_DSYNC", "MS_SYNC", "WRITE|WAIT_AFTER"}
    if syncs.ops[0]["uid"] == 0:
        assert "sync mount" in seen


def test_bytes(syncs):
    assert not syncs.wrong(lambda op, row: row["bytes"] == op["flags"])
    written = {row["bytes"] for row in syncs.rows if "write" in row["call"]}
    assert written >= {512, 256, 300, 100, None}


def test_path(syncs):
    """The file's; of a mapping only where the kernel tells which file is mapped."""
    blind = "msync" in (syncs.run.summary.get("blind") or "")

    def right(op, row):
        if op["call"] == "msync" and blind:
            return row["path"] is None
        want = None if op["match"] == "any" else bytes.fromhex(op["full"])
        return text_of(row, "path") == want

    assert not syncs.wrong(right)


def test_latency(syncs):
    """No more than what the program itself measured, and not nothing."""
    lat = Counter()
    for row in syncs.rows:
        assert row["lat_ns"] > 0
        lat[row["call"]] += row["lat_ns"]
    for call, tally in syncs.work["calls"].items():
        assert lat[call] <= tally["total_ns"], call


def test_who(syncs):
    def right(op, row):
        return (row["pid"], row["uid"], row["comm"]) == (op["pid"], op["uid"], "workload")

    assert not syncs.wrong(right)


def test_failed_only(host, tmp):
    where = f"{tmp}/syncs"
    host.run(["mkdir", where])
    run = trace(host, tmp, "syncsnoop", ["-x", "--kstack"], [host.workload, "syncs", where])
    ops = run.work[0]["opens"]
    failed = Counter((o["call"], o["err"]) for o in ops if o["ret"] < 0)
    assert Counter((r["call"], r["err"]) for r in run.of("sync")) == failed
    assert run.summary["filtered"] == len(ops) - sum(failed.values())
    calls = [r for r in run.of("sync") if not is_uring(r)]
    assert all(any("syscall" in frame for frame in row["kstack"]) for row in calls)
