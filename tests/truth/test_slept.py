# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Calls that wait: what was asked for, whatever happens to the name meanwhile, and one call each."""

import pytest
from tracer import trace

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def fifo(host, tmp):
    host.run(["mkfifo", f"{tmp}/fifo"])
    return f"{tmp}/fifo"


def opens(host, tmp, way, fifo, options=()):
    return trace(host, tmp, "opensnoop", list(options), [host.workload, "slept", way, fifo])


@pytest.mark.parametrize("options", [[], ["-F"]])
def test_name_is_overwritten(host, tmp, fifo, options):
    run = opens(host, tmp, "overwrite", fifo, options)
    assert [(r["path"], r["err"]) for r in run.of("open")] == [(fifo, None)] * 2
    if options:
        assert [r["full"] for r in run.of("open")] == [fifo] * 2


@pytest.mark.parametrize(
    "way, errors", [("restart", []), ("eintr", ["EINTR"]), ("kill", ["EINTR"])]
)
def test_interrupted_open(host, tmp, fifo, way, errors):
    """An error only where the program saw it, or nobody sees anything any more."""
    run = opens(host, tmp, way, fifo)
    got = [] if way == "kill" else [None, None]
    assert sorted((r["err"] for r in run.of("open")), key=str) == sorted(errors + got, key=str)
    assert {r["path"] for r in run.of("open")} == {fifo}
    failed = opens(host, tmp, way, fifo, ["-x"])
    assert [r["err"] for r in failed.of("open")] == errors


@pytest.mark.parametrize("work, call", [("restart 3", "read"), ("slept nanosleep", "nanosleep")])
def test_goes_on_as_one_call(host, tmp, work, call):
    """After a signal's handler, or a stop, where another call (restart_syscall) goes on with it."""
    run = trace(host, tmp, "syscount", [], [host.workload, *work.split()])
    (row,) = [r for r in run.of("syscall") if r["call"] == call]
    known = run.work[0]["calls"][call]
    assert (row["count"], row["errors"]) == (known["calls"], 0) == (1, 0)
    assert 0.9 * known["total_ns"] < row["total_ns"] <= known["total_ns"]


def test_interrupted_and_made_again(host, tmp):
    run = trace(host, tmp, "syscount", [], [host.workload, "eintr", "3"])
    (row,) = [r for r in run.of("syscall") if r["call"] == "read"]
    errors = run.work[0]["calls"]["read"]["errors"]["EINTR"]
    assert (row["count"], row["errors"]) == (errors + 1, errors)
