# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""execsnoop against a program that becomes others in every way there is, and fails to."""

import base64
import os
import signal

import pytest
from conftest import GUESTS
from refusals import check_part
from tracer import read_run, started, text_of, trace, wait_attached

pytestmark = pytest.mark.usefixtures("rung")

ROOM, ROOM_FAILED = 16 * 1024, 8 * 1024


def args_of(row):
    if "args_raw" in row:
        return base64.b64decode(row["args_raw"], validate=True).rstrip(b"\0").split(b"\0")
    return [a.encode() for a in row["args"]]


def passed(op):
    return bytes.fromhex(op["path"]).split(b"\0")[:-1]


class Execs:
    def __init__(self, run):
        self.run = run
        (self.work,) = run.work
        self.ops = self.work["opens"]
        rows = sorted(run.of("exec"), key=lambda r: r["time_ns"])
        self.first, self.rows = rows[0], rows[1:]

    def pairs(self):
        """One child at a time."""
        return list(zip(self.ops, self.rows, strict=True))

    def wrong(self, check):
        return [(op["id"], row) for op, row in self.pairs() if not check(op, row)]

    def row(self, which):
        (row,) = [row for op, row in self.pairs() if op["id"] == which]
        return row


def run_execs(host, tmp, name, options):
    where = f"{tmp}/{name}"
    host.run(["mkdir", where])
    return Execs(trace(host, tmp, "execsnoop", options, [host.workload, "execs", where]))


@pytest.fixture(scope="module")
def execs(host, rung, module_tmp):
    return run_execs(host, module_tmp, f"execs-{rung}", ["--max-args", "300"])


def test_the_command_itself(host, execs):
    assert args_of(execs.first)[:2] == [host.workload.encode(), b"execs"]
    assert execs.first["pid"] == execs.work["pid"] and execs.first["ret"] == 0


def test_one_row_for_each(host, execs):
    assert [r["call"] for r in execs.rows] == [o["call"] for o in execs.ops]
    wanted = "plain script 200 4k fexecve execveat thread enoent 200-enoent 4k-enoent"
    assert {o["id"] for o in execs.ops} >= set(wanted.split())
    check_part(host, execs.work, "ia32")


def test_result(execs):
    assert not execs.wrong(lambda op, row: (row["ret"], row["err"]) == (op["ret"], op["err"]))
    met = {o["err"] for o in execs.ops}
    assert met == {None, "ENOENT", "EACCES", "ENOEXEC", "ENOTDIR"}


def test_arguments(execs):
    """All of them, whole, unless the row says that it is not."""

    def right(op, row):
        want, seen = passed(op), args_of(row)
        if not op["id"].startswith("cut"):
            return seen == want and row["args_cut"] is False
        room = ROOM_FAILED if op["ret"] else ROOM
        kept = sum(len(arg) + 1 for arg in seen)
        whole = seen[:-1] == want[: len(seen) - 1] and want[len(seen) - 1].startswith(seen[-1])
        return row["args_cut"] is True and whole and kept >= room - 1

    assert not execs.wrong(right)
    assert len(args_of(execs.row("200"))) == 200 == len(args_of(execs.row("200-enoent")))
    assert len(args_of(execs.row("4k"))[2]) == 4096 == len(args_of(execs.row("4k-enoent"))[2])


def test_who(execs):
    """An exec from a second thread enters on its id and leaves on the process's."""

    def right(op, row):
        who = (row["pid"], row["ppid"], row["uid"])
        return who == (op["pid"], execs.work["pid"], op["uid"])

    assert not execs.wrong(right)
    assert execs.row("thread")["tid"] == execs.row("thread")["pid"]


def test_command_name(host, execs):
    """The new one, where there is one."""
    own = os.path.basename(host.workload)

    def right(op, row):
        if "fd" in op["id"] or op["id"] == "fexecve":
            return True  # a number on some kernels, the file's name on others
        return row["comm"] == ("script" if op["id"] == "script" else own)

    assert not execs.wrong(right)


def test_binary_and_directory(execs):
    """Of a script, its interpreter; of a failed call, the file that it asked for."""

    def right(op, row):
        exe = text_of(row, "exe")
        return exe == bytes.fromhex(op["full"])

    assert not execs.wrong(right)
    assert {row["cwd"] for row in execs.rows} == {os.path.dirname(execs.row("script")["path"])}


def test_file_as_passed(host, execs):
    assert execs.row("plain")["path"] == host.workload
    assert execs.row("script")["path"].endswith("/script")
    assert execs.row("enoent")["path"] == "/nonexistent/program"
    assert execs.row("execveat-enoent")["path"] == "nonexistent"
    assert execs.row("fexecve")["path"].startswith("/dev/fd/")


@pytest.mark.enough_on("running")
def test_twenty_arguments(host, tmp):
    """By default; what is beyond ends in "...", in text too."""
    run = run_execs(host, tmp, "json", [])
    row = run.row("200")
    assert len(row["args"]) == 20 and row["args_cut"] is True
    assert run.row("plain")["args_cut"] is False
    argv = [host.workload, *(f"arg{i}" for i in range(30))]
    argv[1:2] = ["args"]
    result = host.run([host.iosonde, "execsnoop", "--", *argv])
    assert result.returncode == 0, str(result)
    assert result.stdout.decode().rstrip().endswith("args " + " ".join(argv[2:20]) + " ..."), (
        result.stdout
    )


@pytest.mark.enough_on("running")
def test_quotes(host):
    argv = [host.workload, "args", "two words", "", 'q"b\\']
    result = host.run([host.iosonde, "execsnoop", "-q", "--", *argv])
    line = result.stdout.decode().rstrip().splitlines()[-1]
    # the backslash that quotes is itself shown as text shows backslashes
    assert line.count('"') == 11 and '"two words" ""' in line, line


def test_failed_line_and_parent(host, tmp):
    run = run_execs(host, tmp, "failed", ["-x"])
    # the command's own start was no failure
    rows = [run.first, *run.rows]
    failed = [o for o in run.ops if o["ret"] < 0]
    assert [(r["err"], r["call"]) for r in rows] == [(o["err"], o["call"]) for o in failed]
    assert run.run.summary["filtered"] == 1 + len(run.ops) - len(failed)
    script = '"$0" args find-this; "$0" args other; sh -c \'"$0" args find-this-too; true\' "$0"'
    argv = ["sh", "-c", script, host.workload]
    rows = trace(host, tmp, "execsnoop", ["-l", " find-this"], argv).of("exec")
    assert [r["args"][-1] for r in rows if r["args"][0] == host.workload] == [
        "find-this",
        "find-this-too",
    ]
    rows = trace(host, tmp, "execsnoop", ["-n", "workloa?"], argv).of("exec")
    assert [r["args"][1] for r in rows] == ["args"] * 3, rows


def test_children_of(host, tmp):
    """-P takes a parent that is there already: of its children, not of theirs."""
    script = "kill -STOP $$; sh -c ': ; /nonexistent/b; true'; /nonexistent/a; true"
    rows = f"{tmp}/rows"
    with started(host, ["sh", "-c", script]) as job:
        argv = [host.iosonde, "execsnoop", "-P", str(job.pid), "-o", "json", "-O", rows]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            job.signal(signal.SIGCONT)
            job.wait()
            sonde.signal(signal.SIGINT)
            result = sonde.wait()
    run = read_run(host, "execsnoop", result, rows)
    assert [r["args"][0] for r in run.of("exec")] == ["sh", "/nonexistent/a"]
    assert all(r["ppid"] == job.pid for r in run.of("exec"))


def test_from_64_to_32_bit_and_back(host, tmp):
    """It enters as one number and leaves as another."""
    target = f"{tmp}/made-by-32-bit"
    argv = [host.workload, "exec", host.workload32, target, host.workload, "args", "last"]
    rows = trace(host, tmp, "execsnoop", ["-e"], argv).of("exec")
    assert [r["args"] for r in rows] == [argv, argv[2:], argv[4:]]
    assert [r["exe"] for r in rows] == [host.workload, host.workload32, host.workload]
    assert len({r["pid"] for r in rows}) == 1


@pytest.mark.only_on(*GUESTS)
def test_started_by_the_kernel(host, rung, tmp):
    """What core_pattern names: no call was made, and no process of ours is its parent."""
    pattern = "/proc/sys/kernel/core_pattern"
    usual, rows = host.read_file(pattern), f"{tmp}/rows"
    host.write_file(pattern, f"|{host.workload} --silent args %p".encode())
    argv = [host.iosonde, "execsnoop", "-o", "json", "-O", rows, "-n", "workload"]
    try:
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            died = host.run([host.workload, "signal", "11"])
            sonde.signal(signal.SIGINT)
            result = sonde.wait()
    finally:
        host.write_file(pattern, usual)
    assert died.returncode in (-11, 139), str(died)
    run = read_run(host, "execsnoop", result, rows)
    (row,) = [r for r in run.of("exec") if r["call"] == "kernel"]
    assert (row["err"], row["uid"], row["path"]) == (None, 0, host.workload), row
    assert row["args"][:-1] == [host.workload, "--silent", "args"], row
