# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""dcstat: names that are looked for among the dentries in memory, where that is known in advance."""

import contextlib
import json
import signal

from conftest import GUESTS
from disks import ok
from steps import steps
from tracer import parse_rows, read_run, started, wait_attached, wait_ready, wait_until

ONLY_ON = GUESTS  # the running kernel lets no program at its functions: test_doctor.py
FIGURES = ("refs", "slow", "misses", "negative")
N = 100
DEEP = "a/b/c/d/e"
COLD = "cold"  # a job that begins with an empty cache


class Counted:
    """dcstat beside jobs that run one after the other, each of one or more processes that do such calls
    at the same time: what it counted of each, in FIGURES.
    """

    def __init__(self, host, tmp, jobs):
        self.host, self.out = host, f"{tmp}/rows.jsonl"
        argvs = [[steps(host, tmp, *calls) for calls in job if calls != COLD] for job in jobs]
        with contextlib.ExitStack() as stack:
            jobs_here = [[self._waiting(stack, argv) for argv in job] for job in argvs]
            pids = ",".join(str(p.pid) for job in jobs_here for p in job)
            words = [host.iosonde, "dcstat", "-o", "json", "-O", self.out, "-i", "1000", "-p", pids]
            sonde = stack.enter_context(started(host, words))
            wait_attached(host, sonde.pid)
            self.of_job = [self._row(sonde, j, COLD in want) for j, want in zip(jobs_here, jobs)]
            result = sonde.wait()
        self.summary = read_run(host, "dcstat", result, self.out).summary

    def _waiting(self, stack, argv):
        job = stack.enter_context(started(self.host, [argv[0], "--go", *argv[1:]]))
        wait_ready(self.host, job.pid)
        return job

    def _rows(self):
        return [r for r in parse_rows(self.host.read_file(self.out)) if r["type"] == "dcache"]

    def _row(self, sonde, job, cold):
        n = len(self._rows())
        if cold:
            ok(self.host, "sh", "-c", "sync; echo 2 >/proc/sys/vm/drop_caches")
        for process in job:
            process.signal(signal.SIGUSR1)
        for process in job:
            done = process.wait()
            assert done.returncode == 0 and json.loads(done.stdout), str(done)
        if sonde.running():
            sonde.signal(signal.SIGUSR1)  # a report now
        wait_until("the report", lambda: len(self._rows()) > n)
        row = self._rows()[n]
        assert row["misses"] + row["hits"] == row["refs"] >= row["negative"], row
        return [row[f] for f in FIGURES]


def test_known_names(host, tmp):
    """Of each way to look for a name: so many references, misses, negative ones, beyond an idle job's."""
    ok(host, host.workload, "steps", f"chdir {tmp}", f"{N}*mkdir d-%")
    ok(host, "mkdir", "-p", f"{tmp}/{DEEP}")
    many = host.few(200_000)
    twice = lambda call: [2 * [f"{N}*{call}"]]  # noqa: E731
    jobs = {
        "idle": [[]],
        "deep": [[f"{many}*fstatat {DEEP}"]],
        "stat": twice("fstatat stat-%"),
        "open": twice("open open-% r"),
        "unlink": twice("unlink unlink-%"),
        "creat": [[f"{N}*creat creat-%"]],
        "open again": [[f"{N}*open open-% rwc"]],
        "rename": [[f"{N}*rename creat-% to-%"]],
        "two idle": [[], []],
        "cold": [[f"{N}*fstatat {DEEP}"], COLD],
        "race": [*2 * [[f"{N}*fstatat d-%/none"]], COLD],
    }
    counted = Counted(host, tmp, jobs.values())
    of = dict(zip(jobs, counted.of_job))
    one, two = of["idle"], of["two idle"]
    more = {job: [a - b for a, b in zip(figures, one)] for job, figures in of.items()}
    assert more["deep"] == [5 * many, 0, 0, 0], of
    assert more["stat"] == more["open"] == [2 * N, N, N, N], of
    assert more["unlink"] == [2 * N, 2 * N, N, N], of
    assert more["creat"][0::2] == [N, N] and more["creat"][3] == 0, of
    assert more["open again"][0::2] == [N, 0] and more["open again"][3] == N, of  # negative by now
    assert more["rename"] == [2 * N, 2 * N, N, 0], of
    assert more["cold"][0] == 5 * N and 5 <= more["cold"][2] <= 12, of  # and of the way to tmp
    refs, _, misses, negative = (a - b for a, b in zip(of["race"], two))
    assert [refs, negative] == [4 * N, N] and 2 * N <= misses <= 2 * N + 12, of  # one asks for both
    assert counted.summary["shown"] == sum(figures[0] for figures in counted.of_job)
    assert counted.summary["lost"] == 0, counted.summary
