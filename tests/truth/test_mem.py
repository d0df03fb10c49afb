# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""drsnoop, oomkill: beside the account that a memory cgroup of our own keeps."""

import time

import pytest
from tracer import best_of, trace

pytestmark = pytest.mark.usefixtures("rung")
MIB = 1 << 20


class Group:
    """A memory cgroup: of v2, or of v1 where memory has a hierarchy of its own."""

    def __init__(self, host, name, mib):
        self.host = host
        mounts = [m.split()[1:4] for m in host.read_file("/proc/mounts").decode().splitlines()]
        v1 = [m[0] for m in mounts if m[1] == "cgroup" and "memory" in m[2].split(",")]
        v2 = [m[0] for m in mounts if m[1] == "cgroup2"]
        self.v1 = bool(v1)
        self.root = (v1 or v2)[0]
        self.path = f"{self.root}/{name}-{time.monotonic_ns()}"
        if not self.v1:
            self.shell(f"echo +memory >{self.root}/cgroup.subtree_control")
        self.shell(f"mkdir {self.path}")
        limit = "memory.limit_in_bytes" if self.v1 else "memory.max"
        self.shell(f"echo {mib * MIB} >{self.path}/{limit}")

    def shell(self, script):
        result = self.host.run(["sh", "-c", script])
        assert result.returncode == 0, str(result)

    @property
    def name(self):
        return self.path.removeprefix(self.root)

    def inner(self, name):
        """A cgroup below, without a limit of its own: who is in it meets the one above."""
        if not self.v1:
            self.shell(f"echo +memory >{self.path}/cgroup.subtree_control")
        self.shell(f"mkdir {self.path}/{name}")
        return f"{self.path}/{name}"

    def book(self, file, key):
        lines = self.host.read_file(file if file[0] == "/" else f"{self.path}/{file}").decode().splitlines()
        return {k: int(v) for k, v in (x.split() for x in lines)}.get(key)

    def kills(self, inner):
        """Of the victim's cgroup: v1 doesn't add them up."""
        return self.book(f"{inner}/{'memory.oom_control' if self.v1 else 'memory.events'}", "oom_kill")

    def remove(self):
        self.shell(f"rmdir {self.path}/*/ 2>/dev/null; rmdir {self.path}")


@pytest.fixture
def group(host):
    made = []

    def make(name, mib):
        made.append(Group(host, name, mib))
        return made[-1]

    yield make
    for g in made:
        g.remove()


def test_oom_of_a_cgroup(host, tmp, group):
    """One row: who wanted memory, who is killed, each with its cgroup; whose limit, how much, what was held.

    A victim that is slow to go on an emulated CPU may not be the last: then the kernel kills the parent, too,
    and the experiment is made anew.
    """

    def experiment():
        g = group("oom", 40)
        inner = g.inner("in")
        argv = [host.workload, "--cgroup", inner, "oom", "24", "32"]
        run = trace(host, tmp, "oomkill", [], argv)
        assert len(run.work) == len(run.of("oom")) == g.kills(inner) == 1, (run.work, run.of("oom"))
        (work,), (row,) = run.work, run.of("oom")
        assert work["signal"] == 9, work
        assert (row["trigger_pid"], row["pid"]) == (work["trigger"], work["victim"]), (row, work)
        assert (row["trigger"], row["comm"], row["reason"]) == ("workload", "workload", "memcg"), row
        assert row["cgroup"] == row["trigger_cgroup"] == f"{g.name}/in", row
        assert row["limit"] == g.name and row["pages"] == 40 * MIB // 4096, row
        assert row["adj"] == 1000 and row["state"] is None, row
        # kept per CPU, and added up now and then; what the program has besides may be a huge page
        assert -300 <= row["anon_pages"] - work["hog_pages"] <= 512 + 300, (row, work)
        assert row["rss"] == row["anon_pages"] + row["file_pages"] + row["shmem_pages"] and row["pgtables_bytes"] > 0, row

    best_of(3, experiment)


def test_reclaim_of_a_cgroup(host, tmp, group):
    """What the thread freed is what the cgroup's account says; the cgroup above that is full pays."""
    g = group("reclaim", 16)
    inner = g.inner("in")
    argv = [host.workload, "--cgroup", inner, "reclaim", f"{tmp}/hole", "64"]
    run = trace(host, tmp, "drsnoop", [], argv)
    rows, (work,) = run.of("reclaim"), run.work
    assert rows and {r["kind"] for r in rows} == {"memcg"}, rows[:3]
    assert {(r["pid"], r["comm"], r["cgroup"]) for r in rows} == {(work["pid"], "workload", g.name)}
    assert all(r["lat_ns"] > 0 and r["order"] < 10 for r in rows)
    freed = sum(r["pages"] for r in rows)
    # what was read and has no room any more, but for the edge of the limit
    assert freed >= work["pages"] - 16 * MIB // 4096 - 64, (freed, work)
    booked = None if g.v1 else g.book("memory.stat", "pgsteal_direct") or g.book("memory.stat", "pgsteal")
    if booked is None:  # what is read ahead may go before it is used, and come again
        assert freed <= 2 * work["pages"], (freed, work)
    else:  # objects of caches count as pages to the thread, and not to the cgroup
        assert booked <= freed <= booked + 512, (freed, booked)
    short = trace(host, tmp, "drsnoop", ["-m", "100000"], argv)
    assert not short.of("reclaim") and short.summary["filtered"] > 0
