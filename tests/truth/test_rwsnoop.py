# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""rwsnoop against a program that knows each of its reads and writes: file, route, size, result."""

import re
from collections import Counter, defaultdict

import pytest
from conftest import ENDS
from fileops import files, path_of
from steps import steps
from tracer import check_summary, parse_rows, trace

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(scope="module")
def routes(host, rung, module_tmp):
    return files(host, module_tmp, "rwsnoop", [], "routes")


@pytest.fixture(scope="module")
def identity(host, rung, module_tmp):
    return files(host, module_tmp, "rwsnoop", [], "identity")


def wrong(seen, check):
    assert len(seen.ops) == len(seen.rows)
    return [(op, row) for op, row in zip(seen.ops, seen.rows) if not check(op, row)]


def test_every_route_once(routes):
    assert [(r["route"], r["rw"]) for r in routes.rows] == [(o.route, o.rw) for o in routes.ops]
    wanted = "read write pread pwrite readv writev preadv pwritev preadv2 pwritev2 sendfile splice"
    seen = {r["route"] for r in routes.rows}
    assert seen >= {*wanted.split(), "copy_file_range"}
    if "uring_refused" not in routes.work:
        kinds = ("read", "write", "readv", "writev", "read_fixed", "write_fixed")
        assert seen >= {f"io_uring {k}" for k in kinds}


def test_descriptor(routes):
    def right(op, row):
        # Before 5.18 requests of io_uring forget it.
        return row["fd"] == op.fd or (row["fd"] is None and "uring" in op.route)

    assert not wrong(routes, right)


def test_asked_and_got(routes):
    def right(op, row):
        return (row["asked_bytes"], row["ret"], row["bytes"]) == (op.asked, op.ret, op.bytes)

    assert not wrong(routes, right)


def test_error(routes):
    assert not wrong(routes, lambda op, row: row["err"] == op.err)
    assert {o.err for o in routes.ops} >= {None, "EBADF", "EISDIR", "EFAULT", "ENOSPC", "EAGAIN"}


def test_offset(routes):
    assert not wrong(routes, lambda op, row: row["offset"] == op.offset)


def test_path(routes):
    assert not wrong(routes, lambda op, row: path_of(row) == op.path)


def test_circumstances(routes):
    how = {(r["route"], r["rw"], r["ret"]): (r["how"] or "").split("|") for r in routes.rows}
    assert how["pread", "read", 4096] == ["direct"]
    assert how["write", "write", 5] == ["append"]
    assert how["preadv2", "read", -11] == ["nowait"]
    if "uring_refused" not in routes.work:
        assert "fixed-file" in how["io_uring write", "write", 27]


def test_filesystem(routes):
    fs = {path_of(r): r["fs"] for r in routes.rows}
    assert fs[b"/dev/null"] == "devtmpfs"
    assert fs[None] in (None, "")
    names = {path.split(b":")[0]: kind for path, kind in fs.items() if path}
    assert names[b"pipe"] == "pipefs" and names[b"socket"] == "sockfs"
    assert fs[routes.path("data")] == "ext4"


def test_hard_links_renames_and_deleted_files(identity):
    """Each row has the path that the file had then, by the name that it was opened by."""
    assert not wrong(identity, lambda op, row: path_of(row) == op.path)
    paths = [path_of(r) for r in identity.rows]
    for name in ("h1", "h2", "r1", "r2", "d2/x", "del (deleted)", "onto/f", "merged/up"):
        if name != "merged/up" or "overlay_refused" not in identity.work:
            assert identity.path(name) in paths, name


def test_who(host, tmp):
    """The kernel's own priority, and a user that has no name."""
    work = [host.workload, "--uid", "54321", "pipe", "1", "1"]
    run = trace(host, tmp, "rwsnoop", [], ["nice", "-n", "5", *work])
    rows = [r for r in run.of("rw") if r["comm"] == "workload"]
    assert len(rows) == 3
    # 120 is nice 0; the tests themselves may run at another
    own = int(host.run(["nice"]).stdout)
    prio = 120 + min(own + 5, 19)
    assert {(r["prio"], r["uid"], r["pid"]) for r in rows} == {(prio, 54321, run.work[0]["pid"])}
    assert len({r["tid"] for r in rows}) == 2
    text = host.run([host.iosonde, "rwsnoop", "--", *work])
    assert re.search(r"^ +\S+ +\d+ workload +\d+ 54321 ", text.stdout.decode(), re.M), str(text)


@pytest.mark.enough_on(*ENDS)
def test_three_hundred(host, tmp):
    seen = files(host, tmp, "rwsnoop", [], "300")
    rows = seen.rows
    assert len(rows) == 304
    assert not wrong(seen, lambda op, row: (row["fd"], row["ret"]) == (op.fd, op.ret))
    nine = [r for r in rows if r["fd"] == 9]
    assert len(nine) == 300 and {(r["ret"], path_of(r)) for r in nine} == {(7, seen.path("nine"))}
    assert [r["err"] for r in rows if r["err"]] == ["EBADF", "ENOSPC"]


@pytest.mark.enough_on(*ENDS)
def test_most_frequent(host, tmp):
    run = trace(host, tmp, "rwsnoop", ["-c", "-i", "60"], [host.workload, "files", "300", tmp])
    top = run.of("group")
    assert (top[0]["fd"], top[0]["ret"], top[0]["count"]) == (9, 7, 300)
    assert (top[0]["fs"], top[0]["comm"], top[0]["uid"]) == ("ext4", "workload", 0)
    assert [r["rank"] for r in top] == list(range(1, len(top) + 1)) and len(top) <= 10
    assert sum(r["count"] for r in top) == 305  # and the result's


def test_counted_by_the_programs(host, tmp):
    """Groups without latencies are counted where calls return: each is there, whatever its route."""
    names = ("route", "rw", "fd", "ret", "bytes", "err")
    keys = ",".join(names)
    seen = files(host, tmp, "rwsnoop", ["--by", keys, "--columns", f"{keys},count"], "routes")

    def key(route, rw, fd, *rest):  # before 5.18 requests of io_uring forget their descriptor
        return route, rw, None if "uring" in route else fd, *rest

    want = Counter(key(o.route, o.rw, o.fd, o.ret, o.bytes, o.err) for o in seen.ops)
    found = Counter()
    for row in seen.run.of("group"):
        assert set(row) == {"type", *names, "count"}
        found[key(*(row[n] for n in names))] += row["count"]
    assert not want - found
    assert sum((found - want).values()) == 1  # the result's
    assert "closed the descriptor during the call" in seen.run.summary["blind"]


@pytest.mark.only_on("5.10")
@pytest.mark.usefixtures("by_calls")
def test_counted_by_calls_alone(host, tmp):
    test_counted_by_the_programs(host, tmp)


@pytest.mark.enough_on(*ENDS)
def test_more_groups_than_a_cpu_keeps_at_hand(host, tmp):
    """In turn, and again two intervals later: no count is lost on its way, or counted twice."""
    turn = [f"7*write {size}" for size in range(1, 41)]
    work = steps(host, tmp, "open f wc", *turn, *turn, "sleep 500", *turn)
    by = ["--by", "pid,ret", "--columns", "pid,ret,count", "-i", "200ms"]
    run = trace(host, tmp, "rwsnoop", [*by, "--where", "rw == write && fs != pipefs"], work)
    pid, counts = run.work[0]["pid"], defaultdict(int)
    for row in run.of("group"):
        counts[row["ret"]] += row["count"] * (row["pid"] == pid)
    assert {size: counts[size] for size in range(1, 41)} == dict.fromkeys(range(1, 41), 21)


def test_counted_although_a_signal_came(host, tmp):
    """Entered again, failed, killed: each is one call."""
    options = ["--by", "rw,err", "--columns", "rw,err,count", "--where", 'comm == "workload"']
    works = ("restart 3", "eintr 3", "kill 100")
    script = "; ".join(f"{host.workload} {work}" for work in works)
    run = trace(host, tmp, "rwsnoop", options, ["sh", "-c", script])
    reads = {r["err"]: r["count"] for r in run.of("group") if r["rw"] == "read"}
    calls = [w["calls"]["read"]["calls"] for w in run.work]
    assert calls[0] == calls[2] == 1 and calls[1] > 1
    assert reads == {None: 2, "EINTR": calls[1]}  # all but one of those, and the killed one


@pytest.mark.enough_on(*ENDS)
@pytest.mark.parametrize("command, rw", [("readsnoop", "read"), ("writesnoop", "write")])
def test_one_direction(host, tmp, command, rw):
    where = f"{tmp}/routes"
    host.run(["mkdir", where])
    out = f"{tmp}/rows"
    argv = [host.iosonde, command, "-o", "json", "-O", out, "--", host.workload]
    done = host.run([*argv, "files", "routes", where])
    assert done.returncode == 0, str(done)
    rows = parse_rows(host.read_file(out))
    summary = check_summary(rows, "rwsnoop")
    assert {r["rw"] for r in rows[:-1]} == {rw}
    assert summary["filtered"] and summary["shown"] == len(rows) - 1


@pytest.mark.enough_on(*ENDS)
def test_both_directions_are_too_much(host):
    done = host.run([host.iosonde, "rwsnoop", "--reads", "--writes", "--", "true"])
    assert done.returncode == 2 and "--reads" in done.err, str(done)


def test_32_bit_calls(host, tmp):
    path = f"{tmp}/data"
    host.run([host.workload, "--silent", "make", path, "4096"])
    run = trace(host, tmp, "rwsnoop", [], [host.workload, "ia32", "50", path])
    rows = [r for r in run.of("rw") if path_of(r) == path.encode()]
    assert [(r["route"], r["ret"], r["offset"]) for r in rows] == [
        *(("write", 1, i) for i in range(50)),
        *(("read", 1, i) for i in range(50)),
    ]


def test_restarting_signal_is_one_call(host, tmp):
    run = trace(host, tmp, "rwsnoop", [], [host.workload, "restart", "3"])
    (row,) = [r for r in run.of("rw") if r["rw"] == "read"]
    assert (row["ret"], row["err"], row["how"]) == (1, None, "restarted")
    assert row["lat_ns"] >= 90_000_000


def test_interrupted_calls(host, tmp):
    run = trace(host, tmp, "rwsnoop", [], [host.workload, "eintr", "3"])
    rows = [r for r in run.of("rw") if r["rw"] == "read"]
    assert [r["err"] for r in rows] == ["EINTR"] * 3 + [None]


def test_killed_in_a_read(host, tmp):
    run = trace(host, tmp, "rwsnoop", [], [host.workload, "kill", "100"])
    rows = [r for r in run.of("rw") if r["rw"] == "read"]
    assert [(r["pid"], r["err"], r["how"]) for r in rows] == [
        (run.work[0]["child"], "EINTR", "killed")
    ]


def test_kernel_stack(host, tmp):
    options = ["--kstack", "--where", 'path == "/dev/null"']
    run = trace(host, tmp, "rwsnoop", options, [host.workload, "rw", "write", "3", "1", "/dev/null"])
    rows = run.of("rw")
    assert len(rows) == 3
    for row in rows:
        assert any("syscall" in frame for frame in row["kstack"]), row


def test_descriptor_taken_away(host, tmp):
    """Another file gets the descriptor while the read waits: the row names the first, and says so."""
    run = trace(host, tmp, "rwsnoop", [], [host.workload, "steal", "50"])
    (row,) = [r for r in run.of("rw") if r["rw"] == "read"]
    assert path_of(row).startswith(b"pipe:[") and row["how"] == "fd-changed", row
