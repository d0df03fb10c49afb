# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""shmsnoop: a row per call, with the arguments and the result that the program had."""

import errno

import pytest
from tracer import trace

pytestmark = pytest.mark.usefixtures("rung")
KEY, SIZE = 0x10500DE, 12345
COMMANDS = {0: "IPC_RMID", 11: "SHM_LOCK", 99: "99"}
GET_FLAGS = {0o1000: "IPC_CREAT|", 0o3000: "IPC_CREAT|IPC_EXCL|", 0: ""}
AT_FLAGS = {0: "0x0", 0o10000: "SHM_RDONLY"}


def text_of(work):
    """The call as shmsnoop writes it."""
    a, b, c, ret = (work[k] for k in ("a", "b", "c", "ret"))
    mode = c & 0o777
    words = {
        "shmget": f"{a:#x}, {b}, {GET_FLAGS.get(c - mode)}0{mode:03o}",
        "shmat": f"{a}, {b:#x}, {AT_FLAGS.get(c)}",
        "shmdt": f"{a:#x}",
        "shmctl": f"{a}, {COMMANDS.get(b)}, {c:#x}",
    }[work["workload"]]
    result = f"{ret:#x}" if work["workload"] == "shmat" and ret >= 0 else str(ret)
    return f"{work['workload']}({words}) = {result}"


def check_meaning(row, work):
    name, ret = work["workload"], work["ret"]
    assert row["name"] == name and row["ret"] == ret, (row, work)
    assert row["err"] == (errno.errorcode[-ret] if ret < 0 else None), (row, work)
    get = name == "shmget"
    assert (row["key"], row["size_bytes"]) == ((work["a"], work["b"]) if get else (None, None)), row
    known = {"shmget": ret if ret >= 0 else None, "shmdt": None}.get(name, work["a"])
    assert row["id"] == known, (row, work)
    where = {"shmat": ret if ret >= 0 else work["b"], "shmdt": work["a"]}.get(name)
    assert row["address"] == where, (row, work)


def test_each_call(host, tmp):
    """Ten times one segment, then whatever can be done with one, and fail; in the end by 32-bit calls."""
    run = trace(host, tmp, "shmsnoop", [], [host.workload, "shm"])
    rows = run.of("shm")
    assert [r["call"] for r in rows] == [text_of(w) for w in run.work]
    for row, work in zip(rows, run.work, strict=True):
        check_meaning(row, work)
    assert {(r["comm"], r["pid"] == r["tid"]) for r in rows} == {("workload", True)}
    assert len([r for r in rows if r["key"] == KEY and r["size_bytes"] == SIZE and r["ret"] >= 0]) == 10


def test_failures_alone(host, tmp):
    run = trace(host, tmp, "shmsnoop", ["-x"], [host.workload, "shm"])
    failed = [w for w in run.work if w["ret"] < 0]
    assert [r["call"] for r in run.of("shm")] == [text_of(w) for w in failed]
    assert run.summary["filtered"] == len(run.work) - len(failed)
