# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""dcstat, dcsnoop: names that are looked for among those in memory, where that is known in advance."""

import contextlib
import json
import signal

from conftest import GUESTS
from disks import MKFS_EXT4, mapped, ok
from fileops import path_of
from steps import steps
from test_fs import on
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


SLOW_MS = 20
NAMES = (  # a call, and what is looked for by it: M missing, R found, N found not to exist
    ("fstatat a/b/c/f", ["M a", "M a/b", "M a/b/c", "M a/b/c/f"]),
    ("fstatat a/b/c/f", ["R a", "R a/b", "R a/b/c", "R a/b/c/f"]),
    (f"{N}*fstatat none-%", [f"M none-{i}" for i in range(N)]),
    (f"{N}*open none-% r", [f"N none-{i}" for i in range(N)]),
    ("creat new", ["M new"]),
    ("rename new newer", ["R new", "M newer"]),
    ("unlink newer", ["R newer"]),
    ("fstatat nowhere/x", ["M nowhere"]),
    ("fstatat m/b/none", ["R m", "R m/b", "M m/b/none"]),  # on another filesystem
)


@contextlib.contextmanager
def slow_ext4(host, where):
    """A filesystem with a directory a/b/c, on a disk each of whose reads takes SLOW_MS."""
    ok(host, *MKFS_EXT4, "/dev/vdb", "64M")
    table = f"0 {64 << 11} delay /dev/vdb 0 {SLOW_MS} /dev/vdb 0 0"
    with mapped(host, "slow", table, "dm-delay") as (path, _):
        with on(host, "ext4", where, device=path):
            ok(host, "mkdir", "-p", f"{where}/a/b/c")
            host.write_file(f"{where}/a/b/c/f", b"")
        # what the journal holds of it stays in memory as long as that is mounted
        with on(host, "ext4", where, device=path), on(host, "tmpfs", f"{where}/m"):
            ok(host, "mkdir", f"{where}/m/b")
            yield


def test_names_are_shown(host, tmp):
    """Each by its absolute path, in order; of what was missing how long the filesystem took."""
    where = f"{tmp}/slow"
    with slow_ext4(host, where), contextlib.ExitStack() as stack:
        argv = steps(host, where, *(call for call, _ in NAMES))
        job = stack.enter_context(started(host, [argv[0], "--go", *argv[1:]]))
        wait_ready(host, job.pid)
        sondes = []
        for out, options in (f"{tmp}/all", ["-a"]), (f"{tmp}/missing", []):
            words = [host.iosonde, "dcsnoop", *options, "-o", "json", "-O", out, "-p", str(job.pid)]
            sondes.append((stack.enter_context(started(host, words)), out))
            wait_attached(host, sondes[-1][0].pid)
        ok(host, "sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches")
        job.signal(signal.SIGUSR1)
        done = job.wait()
        assert done.returncode == 0, str(done)
        every, missing = (read_run(host, "dcsnoop", s.wait(), out) for s, out in sondes)
    rows = every.of("dcache")
    inside = [r for r in rows if path_of(r).startswith(f"{where}/".encode())]
    shown = [f"{r['kind']} {r['path'].removeprefix(where)[1:]}" for r in inside]
    assert shown == [name for _, names in NAMES for name in names], shown
    assert {(r["pid"], r["tid"], r["comm"]) for r in rows} == {(job.pid, job.pid, "workload")}
    assert all((r["lat_ns"] is not None) == (r["kind"] == "M") for r in rows), rows
    for before, r in zip(rows, rows[1:]):
        assert r["kind"] != "M" or 0 < r["lat_ns"] <= r["time_ns"] - before["time_ns"], (before, r)
    read = [r["lat_ns"] for r in inside[1:4]]  # from a directory that nobody has looked into
    assert min(read) >= (SLOW_MS - 5) * 1e6, read
    also = [r["path"] for r in missing.of("dcache")]
    assert also == [r["path"] for r in rows if r["kind"] == "M"], also
    assert missing.summary["filtered"] == len(rows) - len(also), missing.summary
    assert every.summary["lost"] == missing.summary["lost"] == 0, (every.summary, missing.summary)
