# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""drsnoop, oomkill: beside the account that a memory cgroup of our own keeps."""

import time

import pytest
from conftest import GUESTS
from tracer import best_of, check_pairs, trace

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

    def check(self):
        """--check, and the cgroup's own books where iosonde can be told of it."""
        return ["--check"] if self.v1 else ["--check", "--cgroup", self.path]

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
        run = trace(host, tmp, "oomkill", g.check(), argv)
        pairs = {k: (r["ours"], r["state"]) for k, r in check_pairs(run).items()}
        assert set(pairs.values()) == {(1, "same")} and len(pairs) == 2 - g.v1, run.of("check")
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
    run = trace(host, tmp, "drsnoop", g.check(), argv)
    pairs = check_pairs(run)
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
        own = pairs["memory.stat pgsteal_direct"]
        assert own["state"] == "not compared" or (own["ours"], own["kernel"]) == (freed, booked), own
    # newer kernels have in the machine's counter what a cgroup's limit has cost
    assert pairs["vmstat pgsteal_direct"]["ours"] in (0, freed), pairs
    assert pairs["vmstat allocstall*"]["ours"] == 0, pairs
    short = trace(host, tmp, "drsnoop", ["-m", "100000"], argv)
    assert not short.of("reclaim") and short.summary["filtered"] > 0


# The machine wants to keep nearly all of what is free: who reads a file has to free pages, of the
# machine or, where that is asked for, of its node. Two of them, so that kswapd, which does it for them
# as long as it finds a CPU, finds none.
SHORT_OF_MEMORY = """
old=$(cat /proc/sys/vm/min_free_kbytes)
free=$(sed -n 's/MemFree: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)
ratio=$(cat /proc/sys/vm/min_unmapped_ratio)
renice -n 19 -p $(cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/ (kswapd0).*//p') >/dev/null
trap "cd /proc/sys/vm; echo $old >min_free_kbytes; echo 0 >zone_reclaim_mode; echo $ratio >min_unmapped_ratio" EXIT
echo $3 >/proc/sys/vm/zone_reclaim_mode
echo 0 >/proc/sys/vm/min_unmapped_ratio
echo $((free - 8192)) >/proc/sys/vm/min_free_kbytes
"$1" reclaim "$2" 48 &
"$1" reclaim "$2.2" 48
wait
"""


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
@pytest.mark.parametrize("kind", ["direct", "node"])
def test_reclaim_of_the_machine(host, tmp, kind):
    """Each that the kernel counts, of whomever; each page that it took. A quick kswapd costs a try."""
    mode = "1" if kind == "node" else "0"
    argv = ["sh", "-c", SHORT_OF_MEMORY, "sh", host.workload, f"{tmp}/hole", mode]

    def experiment():
        run = trace(host, tmp, "drsnoop", ["--check"], argv)
        rows, pairs, work = run.of("reclaim"), check_pairs(run), run.work
        of_kind = [r for r in rows if r["kind"] == kind]
        assert {w["pid"] for w in work} & {r["pid"] for r in of_kind}, rows[:3]
        assert all(r["lat_ns"] > 0 and r["order"] < 12 for r in rows), rows[:3]
        stalls, stolen = pairs["vmstat allocstall*"], pairs["vmstat pgsteal_direct"]
        assert stalls["ours"] == sum(r["kind"] == "direct" for r in rows), stalls
        assert stolen["ours"] == sum(r["pages"] for r in rows) > 0, stolen
        assert stalls["state"] == "same" and stolen["state"] in ("same", "explained"), pairs
        assert stolen["off"] <= 512, stolen

    best_of(3, experiment)
