# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""filelife against a program that knows each file it makes, and how each comes to its end.

On every rung of its ladder that a kernel has: how the inode behind a name is found.
"""

import contextlib
import re
import subprocess

import pytest
from blind import what_is_blind
from steps import Done, steps
from tracer import text_of, trace

OLD = ("fentry", "kprobes", "ext4")
LADDERS = {
    "running": ("ctime", "ext4"),
    "5.10": OLD,
    "6.1": OLD,
    "6.12": OLD,
    "sid": ("fentry", "kprobes", "ctime", "ext4"),
}
WITHOUT = {
    "fentry": "kprobes",
    "kprobes": "fentry",
    "ctime": "fentry,kprobes,task_storage,rdonly_cast,tp_btf_exact",
    "ext4": "fentry,kprobes,life_unlink_ctime",
}
HOOKS = {
    "fentry": "fentry/security_inode_unlink",
    "kprobes": "kprobe/security_inode_unlink",
    "ctime": "tp_btf/ctime_ns_xchg",
    "ext4": "tp_btf/ext4_unlink_enter",
}

# Each call with the file that dies by it: reason and name. None: nobody dies.
CALLS = (
    # made before the long sleep, to die in old age
    ("open renamed wc", None),
    ("open target wc", None),
    ("open swapped wc", None),
    ("mkdir d", None),
    ("open touched wc", None),
    ("sleep 2000", None),
    ("unlink touched", ("unlinked", "touched")),
    # failures
    ("unlink touched", None),
    ("unlink d", None),
    ("rmdir d/x", None),
    # links
    ("open a wc", None),
    ("link a b", None),
    ("unlink a", None),
    ("unlink b", ("last link", "b")),
    ("open k wc", None),
    ("link k l", None),
    ("rename k l", None),  # the same file: nothing happens
    ("unlink l", None),
    ("unlink k", ("last link", "k")),
    # renaming
    ("rename renamed moved", None),
    ("renameat2 moved target noreplace", None),
    ("unlink moved", ("unlinked", "moved")),
    ("open over wc", None),
    ("rename over target", ("renamed over", "target")),
    ("open young wc", None),
    ("renameat2 young swapped exchange", None),
    ("unlink swapped", ("unlinked", "swapped")),
    ("unlink young", ("unlinked", "young")),
    ("renameat2 target d/target", None),
    ("unlink d/target", ("unlinked", "d/target")),
    # a name, and perhaps an inode's number, used again
    ("open again wc", None),
    ("unlink again", ("unlinked", "again")),
    ("open again wc", None),
    ("unlink again", ("unlinked", "again")),
    # still open
    ("open open wc", None),
    ("unlink open", ("unlinked", "open")),
    ("close", None),
    # without a name, with one given later
    ("open . rwt", None),
    ("close", ("temporary closed", None)),
    ("open . rwt", None),
    ("linkfd named", None),
    ("close", None),
    ("unlink named", ("unlinked", "named")),
    # nodes
    ("mknod node", None),
    ("unlink node", ("unlinked", "node")),
    ("mknodat fifo", None),
    ("unlink fifo", ("unlinked", "fifo")),
    # relative to a directory
    ("dirfd d", None),
    ("open below wc", None),
    ("unlinkat below", ("unlinked", "d/below")),
    ("cwd", None),
    ("rmdir d", None),
    # many that were never born
    ("10000*creat nowhere/x", None),
    ("creat survivor", None),
    ("unlink survivor", ("unlinked", "survivor")),
    ("unlink before", None),  # made before the run
    ("open . rwt", ("temporary closed", None)),  # at exit
)
URING = (
    ("uring-open u wc", None),
    ("uring-unlink u", ("unlinked", "u")),
    ("open v wc", None),
    ("uring-open w wc", None),
    ("uring-rename v w", ("renamed over", "w")),
    ("uring-unlink missing", None),
    ("unlink w", ("unlinked", "w")),
    ("uring-open x wc", None),
    ("unlink x", ("unlinked", "x")),
)
ELSEWHERE = (
    ("open a wc", None),
    ("unlink a", ("unlinked", "a")),
    ("open b wc", None),
    ("link b c", None),
    ("unlink b", None),
    ("unlink c", ("last link", "c")),
    ("open d wc", None),
    ("open e wc", None),
    ("rename d e", ("renamed over", "e")),
    ("open f wc", None),
    ("renameat2 e f exchange", None),
    ("unlink e", ("unlinked", "e")),
    ("unlink f", ("unlinked", "f")),
    ("mknod n", None),
    ("unlink n", ("unlinked", "n")),
)
TEMPORARY = (("open . rwt", None), ("close", ("temporary closed", None)))


@pytest.fixture(scope="module", params=tuple(WITHOUT))
def ladder(host, request):
    host.environment = {"IOSONDE_WITHOUT": WITHOUT[request.param]}
    yield request.param
    host.environment = {}


def life(host, tmp, where, calls, *options):
    words = [step for step, _ in calls]
    return trace(host, tmp, "filelife", list(options), steps(host, where, *words))


def path_of(row):
    return (text_of(row, "path") or b"").decode()


def deaths(run, where):
    """(reason, name): of a file without a name, no name."""
    rows = run.of("life")
    for row in rows:
        assert path_of(row).startswith(f"{where}/"), row
        assert path_of(row).endswith(" (deleted)") == (row["reason"] == "temporary closed"), row
    named = lambda r: None if r["reason"] == "temporary closed" else path_of(r)[len(where) + 1 :]  # noqa: E731
    return [(r["reason"], named(r)) for r in rows]


def wanted(calls, done):
    refused = {step for step, err in done.err.items() if err == "ENOSYS"}
    return [want for step, want in calls if want and step not in refused]


@contextlib.contextmanager
def mounted(host, kind, at, *options):
    host.run(["mkdir", "-p", at])
    result = host.run(["mount", "-t", kind, *options, "none", at])
    if result.returncode:
        host.run(["modprobe", kind])
        result = host.run(["mount", "-t", kind, *options, "none", at])
    assert result.returncode == 0, str(result)
    try:
        yield at
    finally:
        assert host.run(["umount", at]).returncode == 0


@pytest.fixture(scope="module")
def lives(host, ladder, module_tmp):
    where = f"{module_tmp}/lives-{ladder}"
    host.run(["mkdir", where])
    host.write_file(f"{where}/before", b"")
    return where, life(host, module_tmp, where, CALLS, "--verbose")


def named(run, name):
    return [r for r in run.of("life") if path_of(r).endswith(f"/{name}")]


def test_rung(lives, ladder):
    assert f"inodes of names: {HOOKS[ladder]}" in lives[1].result.err


def test_who_dies_how(lives):
    where, run = lives
    assert deaths(run, where) == wanted(CALLS, Done(run))


PREEMPT = "/sys/kernel/debug/sched/preempt"


def lacking(params, kernel):
    """One kernel that can be told to preempt is enough."""
    return "preempt" in params and kernel != "6.12"


@pytest.fixture
def told(host, preempt):
    before = re.search(r"\((\w+)\)", host.read_file(PREEMPT).decode())[1]
    assert before != preempt and not host.run(["sh", "-c", f"echo {preempt} >{PREEMPT}"]).returncode
    environment, host.environment = host.environment, {}  # another test's rung
    yield
    host.environment = environment
    host.run(["sh", "-c", f"echo {before} >{PREEMPT}"])


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("preempt", ["full"])
def test_nothing_is_skipped_where_the_kernel_preempts(host, tmp):
    """Programs at fentry would be, so others are chosen: of six busy threads' files each one dies."""
    one = f"{host.workload} --silent steps 'chdir {tmp}' '200*open $i-% wc' '200*unlink $i-%'"
    script = f'for i in 1 2 3 4 5 6; do sh -c "{one}" & done; wait'
    run = trace(host, tmp, "filelife", ["--verbose"], ["sh", "-c", script])
    assert f"inodes of names: {HOOKS['kprobes']}" in run.result.err
    assert len([r for r in run.of("life") if r["reason"] == "unlinked"]) == 1200


def test_born_before_the_run(lives):
    """Known to have died, but not how old it was: left out, and counted."""
    assert lives[1].summary["filtered"] == 1


def test_age(host, lives):
    """touch, sleep 2, rm: 2.0 s, by the program's own clock."""
    _, run = lives
    slept = run.work[0]["calls"]["sleep"]["total_ns"]
    (row,) = named(run, "touched")
    assert 2e9 <= slept <= row["age_ns"] <= slept + 50e6 * host.slower, row


def test_age_belongs_to_the_inode(lives):
    """Renamed, swapped or replaced: the age is that of the file, whatever it is called."""
    _, run = lives
    old, young = 2_000_000_000, 1_900_000_000
    assert named(run, "moved")[0]["age_ns"] > old
    assert named(run, "target")[0]["age_ns"] > old  # the one that was replaced
    assert named(run, "d/target")[0]["age_ns"] < young  # the one that replaced it
    assert named(run, "young")[0]["age_ns"] > old  # the two have changed their names
    assert named(run, "swapped")[0]["age_ns"] < young
    assert all(r["age_ns"] < young for r in named(run, "again")) and len(named(run, "again")) == 2
    assert all(r["age_ns"] < young for r in run.of("life") if r["reason"] == "temporary closed")


def test_who(lives):
    _, run = lives
    pid = run.work[0]["pid"]
    for row in run.of("life"):
        assert (row["pid"], row["comm"]) == (pid, "workload"), row
        assert (row["creator_pid"], row["creator"]) == (pid, "workload"), row


def test_io_uring(host, ladder, tmp):
    run = life(host, tmp, tmp, URING)
    assert deaths(run, tmp) == wanted(URING, Done(run))
    assert {r["pid"] for r in run.of("life")} <= {run.work[0]["pid"]}


def test_all(host, ladder, tmp):
    """-a: also what was there before, without an age."""
    host.write_file(f"{tmp}/before", b"")
    host.write_file(f"{tmp}/over", b"")
    calls = (("unlink before", 1), ("open a wc", 0), ("rename a over", 1), ("unlink over", 1))
    run = life(host, tmp, tmp, calls, "-a")
    assert deaths(run, tmp) == [
        ("unlinked", "before"),
        ("renamed over", "over"),
        ("unlinked", "over"),
    ]
    assert [r["age_ns"] is None for r in run.of("life")] == [True, True, False]
    assert [r["creator_pid"] is None for r in run.of("life")] == [True, True, False]


def test_creator_is_another(host, ladder, tmp):
    """The maker and the one who removes are told apart."""
    table = f"{tmp}/table"
    script = f'"$0" --comm maker --silent steps "chdir {tmp}" "open a wc"; exec "$0" --comm remover --silent steps "unlink {tmp}/a"'
    argv = [host.iosonde, "filelife", "-C", "-O", table, "--columns", "+comm", "--"]
    done = host.run([*argv, "sh", "-c", script, host.workload])
    assert done.returncode == 0, str(done)
    head, row = (line.split() for line in host.read_file(table).decode().splitlines())
    assert (row[head.index("COMM")], row[head.index("CREATOR")]) == ("remover", "maker")
    assert row[head.index("PID")] != row[head.index("CREATOR_PID")]


def test_overlay(host, ladder, tmp):
    """One row for each file, though it dies in two filesystems."""
    where = f"{tmp}/merged"
    host.run(["mkdir", f"{tmp}/lower", f"{tmp}/upper", f"{tmp}/work"])
    dirs = f"lowerdir={tmp}/lower,upperdir={tmp}/upper,workdir={tmp}/work"
    with mounted(host, "overlay", where, "-o", dirs):
        run = life(host, tmp, where, ELSEWHERE)
    assert deaths(run, where) == wanted(ELSEWHERE, Done(run))
    assert run.summary["generated"] == len(run.of("life"))


def check(run, where, calls, says):
    """The truth, or that the output declares that it can't be seen."""
    if says:
        assert not run.of("life") and says in run.summary["blind"]
    else:
        assert deaths(run, where) == wanted(calls, Done(run))


def test_tmpfs(host, ladder, tmp, request):
    with mounted(host, "tmpfs", f"{tmp}/t") as where:
        run = life(host, tmp, where, ELSEWHERE)
    check(run, where, ELSEWHERE, what_is_blind(request, ladder))


def test_temporary_on_tmpfs(host, ladder, tmp, request):
    with mounted(host, "tmpfs", f"{tmp}/t") as where:
        run = life(host, tmp, where, TEMPORARY)
    check(run, where, TEMPORARY, what_is_blind(request, ladder))


@contextlib.contextmanager
def fuse_mounted(host, tmp, here):
    """A filesystem that a process answers for: nothing of it is on the disk's own."""
    at, image = f"{tmp}/f", f"{tmp}/image"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", here / "image", "4M"], check=True)
    host.put(here / "image", image)
    host.run(["modprobe", "fuse"])
    host.run(["mkdir", at])
    result = host.run(["fuse2fs", image, at, "-o", "rw,fakeroot"])
    assert result.returncode == 0, str(result)
    try:
        yield at
    finally:
        assert host.run(["umount", at]).returncode == 0


# Names of one file are files of their own to a server that knows paths only.
ON_FUSE = tuple(c for c in ELSEWHERE if c[0].split()[-1] not in ("b", "c") and "b wc" not in c[0])


def test_fuse(host, ladder, tmp, tmp_path, request):
    """By a change of its time an inode is found where FUSE asked the server just then: not always."""
    with fuse_mounted(host, tmp, tmp_path) as where:
        run = life(host, tmp, where, ON_FUSE)
    says, seen, died = what_is_blind(request, ladder), deaths(run, where), wanted(ON_FUSE, Done(run))
    if says:
        assert says in run.summary["blind"] and set(seen) < set(died)
    else:
        assert seen == died
