# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""mountsnoop against a program that makes mounts in a namespace of its own, by every call."""

import pytest
from conftest import ENDS
from refusals import check_part
from tracer import text_of, trace

pytestmark = pytest.mark.usefixtures("rung")


class Mounts:
    def __init__(self, run):
        self.run = run
        self.ops = run.work[0]["opens"]
        self.rows = sorted(run.of("mount"), key=lambda r: r["time_ns"])

    def pairs(self):
        return list(zip(self.ops, self.rows, strict=True))

    def row(self, which):
        (row,) = [row for op, row in self.pairs() if op["id"] == which]
        return row


def mounts_in(host, tmp, name, options):
    where = f"{tmp}/{name}"
    host.run(["mkdir", where])
    return Mounts(trace(host, tmp, "mountsnoop", options, [host.workload, "mounts", where]))


@pytest.fixture(scope="module")
def mounts(host, rung, module_tmp):
    return mounts_in(host, module_tmp, f"mounts-{rung}", [])


def expected(op):
    call = bytes.fromhex(op["path"])
    if op["id"] == "binary":
        call = call.replace(b"\1", b"\0")  # the workload has no way to print a NUL
    return call + b" = %d" % op["ret"]


def test_each_call_with_all_arguments(host, mounts):
    """Nothing cut in silence: 4 KB of options are whole, and what is longer has dots behind it."""
    wrong = [(op["id"], row) for op, row in mounts.pairs() if text_of(row, "call") != expected(op)]
    assert not wrong
    seen = {row["name"] for row in mounts.rows}
    wanted = "mount umount2 fsopen fsconfig fsmount move_mount open_tree fspick mount_setattr"
    assert seen >= set(wanted.split())
    check_part(host, mounts.run.work[0], "ia32")
    assert len(mounts.row("4k")["data"]) == 4095 == len(mounts.row("4k")["source"])


def test_result(mounts):
    assert not [1 for op, r in mounts.pairs() if (r["ret"], r["err"]) != (op["ret"], op["err"])]
    assert mounts.row("detach")["ret"] == 0 and mounts.row("eperm")["err"] == "EPERM"
    assert mounts.row("fuse.sshfs")["err"] is not None
    assert mounts.row("fuse.sshfs")["fs"] == "fuse.sshfs"
    assert mounts.row("move_mount")["ret"] == 0 and mounts.row("fsmount")["ret"] > 0


def test_namespace(mounts):
    for op, row in mounts.pairs():
        assert row["mntns"] == op["flags"], row
    assert len({row["mntns"] for row in mounts.rows}) == 2


def test_who(mounts):
    for op, row in mounts.pairs():
        who = (row["pid"], row["tid"], row["uid"], row["comm"])
        assert who == (op["pid"], op["tid"], op["uid"], "workload"), row
        assert row["pcomm"] == "workload" or op["id"] == "outside", row
    outside = mounts.row("outside")["pid"]
    assert mounts.row("private")["ppid"] == outside


@pytest.mark.enough_on(*ENDS)
def test_failed_in_text(host, tmp):
    """-x, in text, with stacks: one line for each, whatever its arguments contain."""
    where = f"{tmp}/failed"
    host.run(["mkdir", where])
    argv = [host.iosonde, "mountsnoop", "-x", "--", host.workload, "mounts", where]
    result = host.run(argv)
    assert result.returncode == 0, str(result)
    lines = [x for x in result.stdout.decode().splitlines() if not x.startswith("{")]
    assert "umount2(\"line\\nfeed\", MNT_FORCE|0x40000000) = " in result.stdout.decode()
    run = mounts_in(host, tmp, "json", ["-x", "--kstack"])
    failed = [o for o in run.ops if o["ret"] < 0]
    assert len(run.rows) == len(failed) == len(lines) - 1
    assert run.run.summary["filtered"] == len(run.ops) - len(failed)
    for op, row in zip(failed, run.rows, strict=True):
        assert text_of(row, "call") == expected(op)
        assert any("syscall" in frame for frame in row["kstack"]), row


def test_only_one_namespace(host, tmp):
    """--mntns of the tester's own: what happens in the other one isn't shown."""
    run = mounts_in(host, tmp, "own", ["--mntns", str(host.pid)])
    assert [row["call"] for row in run.rows] == ['umount2("nothing", 0x0) = -2']
