# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Programs in trouble (tests/workload/incident.c) under `layers -p`, and what it says of them."""

from tracer import check_ledger, trace_running

MS = 500


def incident(host, tmp, kind, *args, ms=MS, be=(), options=()):
    """The run, its verdict and what the victim says, who alone is watched, unless @options say more."""
    work = [*be, "incident", kind, str(ms), *args]
    run = trace_running(host, tmp, "layers", lambda pids: [*options, "-p", pids[0]], [work], lost=None)
    check_ledger(run)
    (row,) = run.of("verdict")
    return run, row, run.work[0]


def blamed(run, call, cell):
    return {r["who"]: r["lat_ns"] for r in run.of("because") if (r["call"], r["cell"]) == (call, cell)}


def check_culprit(run, verdict, work, kind):
    """The verdict names it, and most of what is held against others is its doing."""
    who = f"{kind} {work['culprit']}"
    assert verdict["who"] == who and who in verdict["said"], (verdict, work)
    known = blamed(run, verdict["call"], verdict["cell"])
    assert known[who] >= 0.6 * sum(known.values()), known
    return known[who]
