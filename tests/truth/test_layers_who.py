# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whose doing it was: programs in trouble by the doing of one other process, whose name is known."""

import pytest
from incidents import blamed, check_culprit, incident
from tracer import best_of, check_ledger, text_of, trace

pytestmark = pytest.mark.usefixtures("rung")


def test_starved_by_a_hog(host, tmp):
    """It computes, and so does another on its CPU, which goes first."""

    def experiment():
        run, verdict, work = incident(host, tmp, "hog")
        assert (verdict["call"], verdict["cell"]) == ("user", "runq"), verdict
        assert "It is short of CPU." in verdict["said"] and verdict["advice"], verdict
        ns = check_culprit(run, verdict, work, "hog")
        # not more than it ran by the kernel's account
        assert ns <= 1.02 * work["run_ns"] + 2e6 * host.slower, (ns, work)

    best_of(3, experiment)


def test_slow_pipe_writer(host, tmp):
    def experiment():
        run, verdict, work = incident(host, tmp, "writer")
        assert (verdict["call"], verdict["cell"]) == ("read", "wait"), verdict
        assert verdict["reason"] == "pipe: nothing to read", verdict
        assert text_of(verdict, "path").startswith(b"pipe:"), verdict
        assert "Nothing is wrong" not in verdict["said"], verdict
        check_culprit(run, verdict, work, "writer")

    best_of(3, experiment)


@pytest.mark.enough_on("running")
def test_full_pipe(host, tmp):
    def experiment():
        run, verdict, work = incident(host, tmp, "reader")
        assert (verdict["call"], verdict["cell"]) == ("write", "wait"), verdict
        assert verdict["reason"] == "pipe: full", verdict
        check_culprit(run, verdict, work, "reader")

    best_of(3, experiment)


def test_inode_lock(host, tmp):
    """Another one's long writes to the same file hold its lock."""
    path = f"{tmp}/held"

    def experiment():
        run, verdict, work = incident(host, tmp, "holder", path)
        assert (verdict["call"], verdict["cell"]) == ("pwrite", "wait"), verdict
        assert verdict["reason"] == "inode lock" and text_of(verdict, "path") == path.encode(), verdict
        check_culprit(run, verdict, work, "holder")

    try:
        best_of(3, experiment)
    finally:
        host.run(["rm", "-f", path])


def test_a_sleep_is_a_timers_doing(host, tmp):
    """And nobody is held against it who isn't."""
    run = trace(host, tmp, "layers", [], [host.workload, "--rt", "sleepers", "1", "30"])
    check_ledger(run)
    call = next(r["call"] for r in run.of("time") if r["call"].endswith("nanosleep"))
    known = blamed(run, call, "wait")
    assert known["timer"] >= 0.95 * sum(known.values()) >= 0.9 * 5 * 30e6, run.of("because")


@pytest.mark.enough_on("running")
def test_who_is_no_target_any_more(host, tmp):
    """A thread that loses the name that was asked for while it computes isn't watched in its next call."""
    work = [host.workload, "--silent", "--comm", "watched", "renamed", "400"]
    run = trace(host, tmp, "layers", ["-n", "watched"], work, lost=None)
    check_ledger(run)
    assert run.summary["watched_ns"] < run.summary["elapsed_ns"] - 350e6, (run.summary, run.of("time"))
    asleep = sum(r["wait_ns"] for r in run.of("time"))
    assert asleep < 300e6, run.of("time")
