# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""cachestat and cachetop: pages found in memory, brought and dirtied, where that is known in advance."""

import contextlib
import json
import signal

import pytest
from disks import ok
from fileops import path_of
from steps import Done, steps
from test_fs import on
from tracer import read_run, started, wait_attached, wait_ready

BYTES = 65536
MAPPED = 1024  # few enough that no window ahead of a mapping is of huge pages, which are mapped unseen
FIGURES = ("hits", "misses", "dirtied")


def both(host, tmp, argv):
    """The same process by cachestat and by cachetop -F at one time, and in guests by cachetop -F for all
    the system as well. Returns the runs.
    """
    kinds = [("cachestat", []), ("cachetop", ["-F", "-i", "100"])]
    with contextlib.ExitStack() as stack:
        job = stack.enter_context(started(host, [argv[0], "--go", *argv[1:]]))
        wait_ready(host, job.pid)
        sondes = []
        of_job = ["-p", str(job.pid)]
        whole = [(*kinds[1], [])] if host.emulated else []
        for command, options, target in [*((*k, of_job) for k in kinds), *whole]:
            out = f"{tmp}/{len(sondes)}.jsonl"
            words = [host.iosonde, command, "-o", "json", "-O", out, *options, *target]
            sonde = stack.enter_context(started(host, words))
            wait_attached(host, sonde.pid)
            sondes.append((command, sonde, out))
        job.signal(10)
        done = job.wait()
        assert done.returncode == 0, str(done)
        if host.emulated:
            sondes[-1][1].signal(signal.SIGINT)
        runs = [read_run(host, command, sonde.wait(), out) for command, sonde, out in sondes]
    for run in runs:
        run.work = [json.loads(done.stdout)]
        assert run.summary["brought_full"] == 0, run.summary
    assert all(run.summary["lost"] == 0 for run in runs[:2]), [run.summary for run in runs]
    return runs


def figures(run, kind, path=None):
    rows = [r for r in run.of(kind) if path is None or path_of(r) == path.encode()]
    return {f: sum(r[f] for r in rows) for f in FIGURES}


def experiment(pieces, disk, memory):
    """Steps on files of so many pieces of 16 pages, and on one of MAPPED pages."""
    read = f"{pieces}*read {BYTES}"
    return [
        *(f"open {disk}/read r", "drop", "mincore", read, "mincore", "close"),
        *(f"open {disk}/read r", read, "close"),
        *(f"open {disk}/touched r", "drop", "touch", "mincore", "touch", "close"),
        *(f"open {disk}/written rwc", f"{pieces}*write {BYTES}", "fsync", f"pwrite {BYTES}", "close"),
        *(f"open {disk}/alone rwc", f"ftruncate {BYTES}", "pwrite 4096", "touch", "close"),
        *(f"open {disk}/direct ro", "drop", read, "close"),
        *(f"open {memory}/x rwc", f"{pieces}*write {BYTES}", f"pread {BYTES}", "touch", "close"),
    ]


def test_known_pages(host, tmp):
    """Cold, warm, mapped, written, direct, on tmpfs; mincore agrees; both commands' totals are one."""
    pieces = 64 if host.emulated else 1024
    pages = pieces * 16
    with on(host, "tmpfs", f"{tmp}/memory") as memory:
        for name, n in ("read", pages), ("touched", MAPPED), ("direct", pages):
            ok(host, host.workload, "--silent", "make", f"{tmp}/{name}", str(n * 4096))
        stat, top, *whole = both(host, tmp, steps(host, tmp, *experiment(pieces, tmp, memory)))
    done = Done(top)
    there = [r["ret"] for r in done.results if r["id"] == "mincore"]
    assert there == [0, pages, MAPPED], done.results
    of = lambda name: figures(top, "cachetop", f"{tmp}/{name}")  # noqa: E731
    assert of("read") == {"hits": pages, "misses": pages, "dirtied": 0}, top.rows
    assert of("written") == {"hits": 0, "misses": 0, "dirtied": pages + 16}, top.rows
    assert of("touched") == {"hits": MAPPED, "misses": MAPPED, "dirtied": 0}, top.rows
    assert of("alone") == {"hits": 1, "misses": 15, "dirtied": 1}, top.rows  # the first page of 16
    assert of("direct") == dict.fromkeys(FIGURES, 0) == figures(top, "cachetop", f"{memory}/x")
    (written,) = [r for r in top.of("cachetop") if path_of(r) == f"{tmp}/written".encode()]
    assert abs(written["write_hit_percent"] - 100 * 16 / (pages + 16)) < 0.1, written
    for run in whole:  # where programs can be preempted, others' runs are skipped, and counted
        of_all = [figures(run, "cachetop", f"{tmp}/{name}") for name in ("read", "written", "touched")]
        same = of_all == [of("read"), of("written"), of("touched")]
        assert same or run.summary["lost_missed"], (of_all, top.rows)
    assert figures(stat, "cache") == figures(top, "cachetop")
    assert stat.summary["shown"] == top.summary["shown"] == sum(figures(stat, "cache").values())


@pytest.mark.enough_on("running")
def test_who(host, tmp):
    """By process: one that reads a file cold, one that does so when it is there. By cgroup: their sum."""
    ok(host, host.workload, "--silent", "make", f"{tmp}/f", str(64 * BYTES))
    one = [*steps(host, tmp, "open f r", "drop", f"64*read {BYTES}")]
    two = [*steps(host, tmp, "open f r", f"64*read {BYTES}")]
    script = " && ".join(" ".join(f"'{w}'" for w in argv) for argv in (one, two))
    for option, column in ([], "comm"), (["-G"], "cgroup"):
        out = f"{tmp}/who"
        argv = [host.iosonde, "cachetop", "-i", "100", "-o", "json", "-O", out, *option, "--"]
        result = host.run([*argv, "sh", "-c", script])
        assert result.returncode == 0, str(result)
        run = read_run(host, "cachetop", result, out)
        if option:
            assert len({r[column] for r in run.of("cachetop")}) == 1, run.rows
            assert figures(run, "cachetop")["misses"] >= 1024
            continue
        rows = {r["pid"]: r for r in run.of("cachetop")}
        cold, warm = (rows[w["pid"]] for w in run.work)
        assert warm["misses"] < 1024 <= cold["misses"], run.rows  # and what of themselves wasn't there
        assert warm["hits"] >= 1024 and warm["uid"] == 0 and warm["comm"] in ("sh", "workload")
