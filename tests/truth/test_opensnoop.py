# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""opensnoop against a program that knows each of its opens: which call, name, place and outcome."""

import os
import signal

import pytest
from conftest import ENDS
from refusals import check_part
from tracer import (
    expected_calls,
    proc_status,
    read_run,
    started,
    text_of,
    trace,
    trace_running,
    wait_attached,
)

pytestmark = pytest.mark.usefixtures("rung")

FLAG_NAMES = {
    "O_CREAT": os.O_CREAT,
    "O_EXCL": os.O_EXCL,
    "O_NOCTTY": os.O_NOCTTY,
    "O_TRUNC": os.O_TRUNC,
    "O_APPEND": os.O_APPEND,
    "O_NONBLOCK": os.O_NONBLOCK,
    "O_DIRECTORY": os.O_DIRECTORY,
    "O_NOFOLLOW": os.O_NOFOLLOW,
    "O_NOATIME": os.O_NOATIME,
    "O_CLOEXEC": os.O_CLOEXEC,
    "O_PATH": os.O_PATH,
    "O_TMPFILE": os.O_TMPFILE & ~os.O_DIRECTORY,
}


def flag_names(value):
    names = {("O_RDONLY", "O_WRONLY", "O_RDWR")[value & 3]}
    names |= {name for name, bit in FLAG_NAMES.items() if value & bit}
    # O_TMPFILE contains O_DIRECTORY's bit: saying it twice is a matter of taste.
    return names - {"O_DIRECTORY"} if "O_TMPFILE" in names else names


def row_flags(row):
    names = set(row["flags"].split("|"))
    return names - {"O_DIRECTORY"} if "O_TMPFILE" in names else names


def is_uring(name):
    return "uring" in name


class Opens:
    def __init__(self, run):
        self.run = run
        (self.work,) = run.work
        self.ops = [o for o in self.work["opens"] if not is_uring(o["call"])]
        self.uring_ops = [o for o in self.work["opens"] if is_uring(o["call"])]
        self.rows = [r for r in run.of("open") if not is_uring(r["call"])]
        self.uring_rows = [r for r in run.of("open") if is_uring(r["call"])]

    def pairs(self):
        """Each open with its row: a thread's rows come in its own order."""
        for tid in {o["tid"] for o in self.ops}:
            ops = [o for o in self.ops if o["tid"] == tid]
            rows = sorted((r for r in self.rows if r["tid"] == tid), key=lambda r: r["time_ns"])
            yield from zip(ops, rows)

    def wrong(self, check):
        return [(op["id"], row) for op, row in self.pairs() if not check(op, row)]


@pytest.fixture(scope="module")
def opens(host, rung, module_tmp):
    where = f"{module_tmp}/opens-{rung}"
    host.run(["mkdir", where])
    run = trace(host, module_tmp, "opensnoop", ["-F"], [host.workload, "opens", where])
    return Opens(run)


def test_one_row_for_each_open(host, opens):
    """The traced program is static: it opens nothing but what it lists."""
    per_thread = lambda rows: sorted((r["tid"], r["call"]) for r in rows)  # noqa: E731
    assert per_thread(opens.rows) == per_thread(opens.ops)
    assert len(opens.ops) > 120
    check_part(host, opens.work, "ia32")


def test_result(opens):
    def right(op, row):
        if op["ret"] < 0:
            return row["err"] == op["err"] and row["fd"] is None and row["ret"] == op["ret"]
        return row["err"] is None and row["fd"] == op["ret"] == row["ret"]

    assert not opens.wrong(right)


def test_every_wanted_error_was_met(opens):
    met = {o["err"] for o in opens.ops if o["err"]}
    wanted = "ENOENT EEXIST ELOOP ENAMETOOLONG ENOTDIR EISDIR EFAULT EBADF ENXIO EMFILE EXDEV"
    assert met >= set(wanted.split())
    if opens.ops[0]["uid"] == 0:
        assert met >= {"EACCES", "EPERM", "ESTALE"}


def test_path_as_passed(opens):
    def right(op, row):
        path = text_of(row, "path")
        if op["id"] == "unterminated":
            return True  # there is no name: nothing can be promised
        if "path" not in op:
            return not path
        want = bytes.fromhex(op["path"])
        return path[: len(want)] == want if op["cut"] else path == want

    assert not opens.wrong(right)


def test_full_path(opens):
    def right(op, row):
        full = text_of(row, "full")
        if op["match"] == "any":
            return True
        want = bytes.fromhex(op["full"])
        if op["match"] == "exact":
            return full == want
        if op["match"] == "prefix":
            return full is not None and full.startswith(want)
        return full.startswith("…/".encode()) and full.endswith(want)

    assert not opens.wrong(right)


def test_deleted_is_marked(opens):
    marked = [
        text_of(row, "full")
        for op, row in opens.pairs()
        if op["id"] in ("deleted-cwd", "deleted-file")
    ]
    assert len(marked) == 2 and all(b"deleted" in full for full in marked), marked


def test_flags_and_mode(opens):
    def right(op, row):
        if op["flags"] is None:
            return True
        mode = None if op["mode"] is None else f"{op['mode']:04o}"
        return row_flags(row) == flag_names(op["flags"]) and row["mode"] == mode

    assert not opens.wrong(right)


def test_who(opens):
    def right(op, row):
        return (row["pid"], row["uid"], row["comm"]) == (op["pid"], op["uid"], "workload")

    assert not opens.wrong(right)


def test_io_uring(host, opens, tmp):
    """Seen rightly, or known not to be: then --verbose says so, and no half-right row is there."""
    if "uring_refused" in opens.work:
        assert not opens.uring_rows
        return
    if not opens.uring_rows:
        rows = f"{tmp}/verbose.jsonl"
        argv = [host.iosonde, "opensnoop", "--verbose", "-o", "json", "-O", rows]
        said = host.run([*argv, "--", host.workload, "exit", "0"])
        assert "io_uring" in said.err, said.err
        return
    key = lambda path, ret: (path, ret)  # noqa: E731
    want = sorted(key(bytes.fromhex(o["path"]), o["ret"]) for o in opens.uring_ops)
    assert sorted(key(text_of(r, "path"), r["ret"]) for r in opens.uring_rows) == want
    full = sorted(bytes.fromhex(o["full"]) for o in opens.uring_ops)
    assert sorted(text_of(r, "full") for r in opens.uring_rows) == full
    pids = {o["pid"] for o in opens.uring_ops}
    assert {r["pid"] for r in opens.uring_rows} == pids


def test_times_follow_the_clock(opens):
    times = [r["time_ns"] for r in opens.rows]
    assert all(0 <= t < 60e9 for t in times)
    assert len(set(times)) > len(times) / 2


def test_32_bit_program(host, tmp):
    """exec from 64 to 32 bit and back: each program's opens, by the right names."""
    target = f"{tmp}/made-by-32-bit"
    argv = [host.workload, "exec", host.workload32, target, host.workload, "burst", "3", target]
    run = trace(host, tmp, "opensnoop", ["-F"], argv)
    seen = [(r["comm"], r["call"], r["err"], text_of(r, "path").decode()) for r in run.of("open")]
    name = os.path.basename(host.workload32)[:15]
    assert seen == [
        (name, "open", None, target),
        (name, "openat", None, target),
        (name, "open", "ENOENT", "/nonexistent/ia32"),
        *[("workload", "openat", None, target)] * 3,
    ]
    assert len({r["pid"] for r in run.of("open")}) == 1


@pytest.mark.enough_on(*ENDS)
def test_failed_only(host, tmp):
    where = f"{tmp}/opens"
    host.run(["mkdir", where])
    run = trace(host, tmp, "opensnoop", ["-x", "-F"], [host.workload, "opens", where])
    got = Opens(run)
    failed = [o for o in got.ops if o["ret"] < 0]
    assert len(got.rows) == len(failed)
    assert sorted(r["err"] for r in got.rows) == sorted(o["err"] for o in failed)
    hidden = len(got.ops) - len(failed)
    # Opens by io_uring that were seen and succeeded are filtered too.
    assert hidden <= run.summary["filtered"] <= hidden + len(got.uring_ops)


@pytest.mark.enough_on(*ENDS)
@pytest.mark.parametrize("flags, bit", [("O_CREAT", os.O_CREAT), ("O_NOFOLLOW", os.O_NOFOLLOW)])
def test_only_with_flags(host, tmp, flags, bit):
    where = f"{tmp}/opens"
    host.run(["mkdir", where])
    run = trace(host, tmp, "opensnoop", ["-f", flags], [host.workload, "opens", where])
    got = Opens(run)
    wanted = [o for o in got.ops if o["flags"] is not None and o["flags"] & bit]
    assert len(got.rows) == len(wanted) > 0
    assert all(flags in r["flags"].split("|") for r in got.rows)


def test_kernel_stack(host, tmp):
    run = trace(host, tmp, "opensnoop", ["--kstack"], [host.workload, "burst", "3", "/dev/null"])
    rows = run.of("open")
    assert len(rows) == 3
    for row in rows:
        assert any("syscall" in frame for frame in row["kstack"]), row
        assert all(frame and not frame.startswith("0x") for frame in row["kstack"]), row


def test_user_stack(host, tmp):
    """While the process lives its symbols can be found: the last of its opens may come too
    late for that.
    """
    argv = [host.workload, "tick", "300", "4", "/dev/null"]
    rows = trace(host, tmp, "opensnoop", ["--ustack"], argv).of("open")
    assert len(rows) == 4
    for row in rows[:3]:
        names = [frame.split("+")[0] for frame in row["ustack"]]
        # The library's stub has no frame of its own, so its caller may be missing.
        assert {"cmd_tick", "main"} <= set(names), row
    assert all(len(row["ustack"]) >= 3 for row in rows)


def test_opens_before_attach_are_not_made_up(host, tmp):
    """Attached in the middle of a run: what was opened before isn't there, what follows is."""
    run = trace_running(
        host,
        tmp,
        "opensnoop",
        lambda pids: ["-p", pids[0]],
        [["burst", "500", "/dev/null"]],
    )
    assert len(run.of("open")) == 500 == run.summary["generated"]
    assert {r["pid"] for r in run.of("open")} == {run.work[0]["pid"]}


def test_open_that_blocks(host, tmp):
    """A fifo's open ends when the other side comes; one that a signal ends is a failure."""
    fifo = f"{tmp}/fifo"
    host.run(["mkfifo", fifo])
    script = f'timeout 1 cat "{fifo}" >/dev/null; : <>"{fifo}"; true'
    run = trace(host, tmp, "opensnoop", ["--where", 'path ~ "*fifo"'], ["sh", "-c", script])
    errors = [r["err"] for r in run.of("open")]
    # cat is killed inside its open, which may end as EINTR or not at all; the other one succeeds.
    assert errors in ([None], ["EINTR", None], ["ERESTARTSYS", None]), run.rows


def test_interrupted_at_once(host, tmp):
    """SIGINT right after the start ends the run with a summary of what there was."""
    rows = f"{tmp}/rows"
    with started(host, [host.workload, "--go", "burst", "5", "/dev/null"]) as job:
        argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "-p", str(job.pid)]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            assert proc_status(host, sonde.pid)["State"][0] in "SR"
            sonde.signal(signal.SIGINT)
            result = sonde.wait(10)
    assert result.returncode == 0, str(result)
    assert read_run(host, "opensnoop", result, rows).summary["generated"] == 0


def test_counts_match_the_burst(host, tmp):
    run = trace(host, tmp, "opensnoop", [], [host.workload, "burst", "20000", "/dev/null", "4"])
    calls, _, _ = expected_calls(run)
    assert len(run.of("open")) == calls["openat"] == 20000
    fds = {r["fd"] for r in run.of("open")}
    assert len(fds) <= 8 and all(r["ret"] == r["fd"] for r in run.of("open"))
