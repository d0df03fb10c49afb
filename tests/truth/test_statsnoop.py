# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""statsnoop against a program that knows how it asks about each file, and what the answer is."""

import pytest
from refusals import check_part
from tracer import text_of, trace

pytestmark = pytest.mark.usefixtures("rung")


class Stats:
    def __init__(self, run):
        self.run = run
        (self.work,) = run.work
        self.ops = self.work["opens"]
        self.rows = run.of("stat")

    def pairs(self):
        """Each call with its row: a thread's rows come in its own order."""
        for tid in {o["tid"] for o in self.ops}:
            ops = [o for o in self.ops if o["tid"] == tid]
            rows = sorted((r for r in self.rows if r["tid"] == tid), key=lambda r: r["time_ns"])
            yield from zip(ops, rows, strict=True)

    def wrong(self, check):
        return [(op["id"], row) for op, row in self.pairs() if not check(op, row)]


@pytest.fixture(scope="module")
def stats(host, rung, module_tmp):
    where = f"{module_tmp}/stats-{rung}"
    host.run(["mkdir", where])
    run = trace(host, module_tmp, "statsnoop", ["-F"], [host.workload, "stats", where])
    return Stats(run)


def test_one_row_for_each_call(host, stats):
    """The traced program is static: it asks about nothing but what it lists."""
    per_thread = lambda rows: sorted((r["tid"], r["call"]) for r in rows)  # noqa: E731
    assert per_thread(stats.rows) == per_thread(stats.ops)
    assert len(stats.ops) > 50
    check_part(host, stats.work, "ia32")
    assert {o["call"] for o in stats.ops} >= {"fstat", "fstatat", "statx", "statfs", "fstatfs"}


def test_result(stats):
    """What the call returned is no descriptor: there is a result and an error, and no fd."""
    assert not stats.wrong(lambda op, row: (row["ret"], row["err"]) == (op["ret"], op["err"]))
    assert all(row["ret"] <= 0 and "fd" not in row for row in stats.rows)
    met = {o["err"] for o in stats.ops if o["err"]}
    assert met >= set("ENOENT ELOOP ENOTDIR EBADF EFAULT ENAMETOOLONG".split())


def test_path(stats):
    """As passed; the file's own where a descriptor is all there was."""

    def right(op, row):
        path = text_of(row, "path")
        if "path" not in op:
            return path is None
        want = bytes.fromhex(op["path"])
        return path[: len(want)] == want if op["cut"] else path == want

    assert not stats.wrong(right)


def test_full_path(stats):
    def right(op, row):
        return op["match"] == "any" or text_of(row, "full") == bytes.fromhex(op["full"])

    assert not stats.wrong(right)


def test_process_that_is_gone(stats):
    dying = [(op, row) for op, row in stats.pairs() if op["id"] == "dying"]
    assert len(dying) == 20 == len({op["pid"] for op, _ in dying})
    for op, row in dying:
        assert text_of(row, "path") == bytes.fromhex(op["path"]), row


def test_descriptor_that_was_passed(stats):
    for op, row in stats.pairs():
        by_fd = op["call"] in ("fstat", "fstatfs") or "dirfd" in op["id"]
        if op["id"] == "fstat-minus-one":
            by_fd = False
        if "empty-path" not in op["id"]:
            assert (row["dfd"] is not None) == by_fd, (op["id"], row)


def test_flags(stats):
    names = {
        0x100: "AT_SYMLINK_NOFOLLOW",
        0x1000: "AT_EMPTY_PATH",
        0x4000: "AT_STATX_DONT_SYNC",
    }
    assert not stats.wrong(lambda op, row: row["flags"] == names.get(op["flags"]))


def test_who(stats):
    def right(op, row):
        return (row["pid"], row["uid"], row["comm"]) == (op["pid"], op["uid"], "workload")

    assert not stats.wrong(right)


def test_failed_only(host, tmp):
    """Without -F, too: the path that a row carries by itself."""
    where = f"{tmp}/stats"
    host.run(["mkdir", where])
    options = ["-x", "--columns", "pid,call,err,path"]
    run = trace(host, tmp, "statsnoop", options, [host.workload, "stats", where])
    ops = run.work[0]["opens"]
    failed = [o for o in ops if o["ret"] < 0]
    key = lambda path: path or b""  # noqa: E731
    seen = sorted((r["call"], r["err"], key(text_of(r, "path"))[:4095]) for r in run.of("stat"))
    want = sorted((o["call"], o["err"], bytes.fromhex(o.get("path", ""))) for o in failed)
    assert seen == want
    assert run.summary["filtered"] == len(ops) - len(failed)


def test_kernel_stack(host, tmp):
    argv = ["sh", "-c", "test -e /nonexistent/file; true"]
    run = trace(host, tmp, "statsnoop", ["--kstack", "--where", "err == ENOENT"], argv)
    rows = [r for r in run.of("stat") if r["path"] == "/nonexistent/file"]
    assert len(rows) == 1 and any("syscall" in frame for frame in rows[0]["kstack"]), run.rows
