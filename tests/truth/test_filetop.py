# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""filetop's sums against those of a program that knows each of its reads and writes."""

import re
import signal

import pytest
from blind import what_is_blind
from conftest import ENDS
from fileops import ASKED, FIGURES, files, path_of, sums, tables
from steps import steps
from tracer import started, trace, wait_attached, wait_ready

pytestmark = pytest.mark.usefixtures("rung")

ONE_TABLE = ["-i", "100"]  # of the whole run


def own_rows(seen):
    """Without the row of the result, which goes to the test's own file or pipe."""
    return [r for r in seen.run.of("file") if r["tid"] == seen.work["pid"]]


def by_path(seen, figures):
    want = sums(seen.ops, lambda op: op.path)
    out = tables(own_rows(seen), path_of, figures)
    return {k: v for k, v in out.items() if k in want}, {
        k: {n: v for n, v in row.items() if n in figures} for k, row in want.items()
    }


def test_every_route(host, tmp):
    """All files, what was asked for and what came, whatever the route."""
    seen = files(host, tmp, "filetop", ["-a", "-e", *ONE_TABLE], "routes")
    got, want = by_path(seen, (*FIGURES, *ASKED))
    assert got == want
    assert want[None]["errors"] == 1  # no such descriptor
    assert want[seen.path("data")]["errors"] == 2  # EBADF, and EAGAIN of RWF_NOWAIT
    kinds = {path_of(r): r["kind"] for r in own_rows(seen)}
    assert kinds[seen.path("data")] == "reg" and kinds[b"/dev/null"] == "chr"
    assert {k.split(b":")[0]: v for k, v in kinds.items() if k}[b"socket"] == "sock"


@pytest.mark.only_on("5.10")
@pytest.mark.usefixtures("by_calls")
def test_every_route_by_calls_alone(host, tmp):
    test_every_route(host, tmp)


@pytest.mark.enough_on(*ENDS)
def test_regular_files_only(host, tmp):
    seen = files(host, tmp, "filetop", ONE_TABLE, "routes")
    rows = own_rows(seen)
    assert {r["kind"] for r in rows} == {"reg"}
    paths = {path_of(r) for r in rows}
    assert paths >= {seen.path("data"), seen.path("copy")} and b"/dev/null" not in paths
    regular = [o for o in seen.ops if o.path and o.path.startswith(seen.where.encode() + b"/")]
    assert seen.run.summary["shown"] >= len(regular)
    assert seen.run.summary["filtered"] > 0


def test_returned_not_asked(host, tmp):
    seen = files(host, tmp, "filetop", ["-e", *ONE_TABLE], "sizes")
    rows = {path_of(r): r for r in own_rows(seen)}
    big, ten = rows[seen.path("big")], rows[seen.path("ten")]
    assert (big["writes"], big["write_bytes"], big["reads"]) == (256, 1 << 20, 0)
    assert (ten["reads"], ten["read_bytes"]) == (100, 1000)
    assert ten["read_asked_bytes"] == 100 << 20


@pytest.mark.only_on("running")  # what is added up is the engine's
def test_by_command(host, tmp):
    """Threads and files in one row, of those that --where leaves."""
    added_up = ["--by", "comm,type", "--where", "path ~ '*/data' || path ~ '*/copy'"]
    seen = files(host, tmp, "filetop", ["-a", *added_up, *ONE_TABLE], "routes")
    paths = [seen.path("data"), seen.path("copy")]
    want = sums([op for op in seen.ops if op.path in paths], lambda op: "all")["all"]
    (row,) = seen.run.of("file")
    assert {n: row[n] for n in FIGURES} == {n: want.get(n, 0) for n in FIGURES}
    assert row["comm"] == "workload" and row["kind"] == "reg" and not {"pid", "path"} & row.keys()


def names_of(seen):
    """{name: writes and bytes}, of the row that has it; two rows may."""
    rows = sorted(
        (path_of(r).removeprefix(seen.where.encode() + b"/").decode(), r["reads"], r["writes"],
         r["read_bytes"] + r["write_bytes"])
        for r in own_rows(seen)
    )
    return [r for r in rows if not r[0].startswith("/")]


@pytest.fixture(scope="module")
def identity(host, rung, module_tmp):
    return files(host, module_tmp, "filetop", ONE_TABLE, "identity")


def test_one_row_per_file_whatever_its_name(identity):
    names = names_of(identity)
    assert [n for n in names if n[0][0] in "hrd"] == [
        ("d2/x", 0, 2, 3),
        ("del (deleted)", 0, 2, 15),
        ("h1", 0, 2, 8),
        ("r2", 0, 2, 10),
    ]


def test_bind_mount(identity):
    assert ("from/f", 0, 2, 19) in names_of(identity)


def test_same_number_on_two_filesystems(identity):
    names = names_of(identity)
    assert ("t1/a", 0, 1, 16) in names and ("t2/a", 0, 1, 17) in names
    rows = [r for r in own_rows(identity) if path_of(r).endswith((b"t1/a", b"t2/a"))]
    assert [r["ino"] for r in rows] and identity.work["ino1"] == identity.work["ino2"]
    assert len({r["ino"] for r in rows}) == 1 and len({r["dev"] for r in rows}) == 2


def test_overlay(identity):
    """The same file through the overlay and below it is one; after copy-up it is another."""
    if "overlay_refused" in identity.work:
        pytest.skip("no overlayfs")
    names = [n for n in names_of(identity) if n[0].startswith(("merged", "upper", "lower"))]
    assert names == [
        ("merged/low", 0, 1, 15),
        ("merged/low", 2, 0, 27),
        ("merged/up", 0, 2, 23),
    ]


def test_each_call_through_an_overlay_is_one(host, tmp):
    """It calls the same functions again, for the files below."""
    seen = files(host, tmp, "filetop", ["-a", "-e", *ONE_TABLE], "stacked")
    if "overlay_refused" in seen.work:
        pytest.skip("no overlayfs")
    got, want = by_path(seen, (*FIGURES, *ASKED))
    assert got == want


def fifo_reads(host, tmp, work, ms=3):
    run = trace(host, tmp, "filetop", ["-a", *ONE_TABLE], [host.workload, work, str(ms)])
    rows = [r for r in run.of("file") if r["kind"] == "fifo" and r["reads"]]
    calls = run.work[0]["calls"]["read"]["calls"]
    return calls, [(r["reads"], r["errors"], r["read_bytes"]) for r in rows]


def test_a_call_that_is_entered_again_is_one(host, tmp):
    assert fifo_reads(host, tmp, "restart") == (1, [(1, 0, 1)])


def test_interrupted_calls(host, tmp):
    calls, rows = fifo_reads(host, tmp, "eintr")
    assert calls > 1 and rows == [(calls, calls - 1, 1)]  # a signal may come between two calls


def test_killed_in_a_read(host, tmp):
    assert fifo_reads(host, tmp, "kill", 100) == (1, [(1, 1, 0)])


def test_descriptor_taken_away(request, host, rung, tmp):
    """Another file gets it while the read waits: the read is counted, and it is said what isn't known."""
    run = trace(host, tmp, "filetop", ["-a", *ONE_TABLE], [host.workload, "steal", "50"])
    assert what_is_blind(request, rung) in run.summary["blind"]
    assert sum(r["reads"] for r in run.of("file") if r["read_bytes"] == 1) == 1


def test_below_a_directory(host, tmp):
    options = ["-D", "{where}/a", *ONE_TABLE]
    seen = files(host, tmp, "filetop", options, "tree", dirs=("d", "a", "data", "data2"))
    assert names_of(seen) == [
        ("a/b/e/f", 0, 1, 40),
        ("a/b/f", 0, 1, 20),
        ("a/f", 0, 1, 10),
        ("a/m/f", 0, 1, 80),
    ]
    assert len(seen.run.of("file")) == 4


@pytest.mark.enough_on(*ENDS)
@pytest.mark.parametrize("option, none", [("--read-only", "writes"), ("--write-only", "reads")])
def test_one_direction(host, tmp, option, none):
    seen = files(host, tmp, "filetop", [option, *ONE_TABLE], "routes")
    rows = own_rows(seen)
    assert rows and sum(r[none] for r in rows) == 0
    assert seen.run.summary["filtered"] > 0


@pytest.mark.enough_on(*ENDS)
def test_both_directions_are_too_much(host):
    done = host.run([host.iosonde, "filetop", "--read-only", "--write-only", "--", "true"])
    assert done.returncode == 2 and "--read-only" in done.err, str(done)


@pytest.mark.enough_on(*ENDS)
def test_no_such_directory(host):
    done = host.run([host.iosonde, "filetop", "-D", "/nonexistent/x", "--", "true"])
    assert done.returncode == 2 and "/nonexistent/x" in done.err, str(done)


def test_a_million_writes(host, tmp):
    """At full speed, none lost; and each interval tells about itself alone."""
    count, path = host.few(1_000_000), f"{tmp}/million"
    host.run([host.workload, "--silent", "make", path, "4096"])
    run = trace(host, tmp, "filetop", [], [host.workload, "rw", "write", count, "1", path])
    rows = [r for r in run.of("file") if path_of(r) == path.encode()]
    assert sum(r["writes"] for r in rows) == sum(r["write_bytes"] for r in rows) == count


@pytest.mark.enough_on(*ENDS)
def test_more_files_than_a_cpu_keeps_at_hand(host, tmp):
    """In turn, and again two intervals later: no sum is lost on its way, or counted twice."""
    names = [f"f{i}" for i in range(40)]
    turn = [step for name in names for step in (f"open {name} wc", "7*write 10", "close")]
    work = steps(host, tmp, *turn, *turn, "sleep 500", *turn)
    run = trace(host, tmp, "filetop", ["-i", "200ms", "--top", "1000"], work)
    pid = run.work[0]["pid"]
    rows = [r for r in run.of("file") if r["tid"] == pid and path_of(r).startswith(tmp.encode() + b"/f")]
    want = {f"{tmp}/{n}".encode(): {"writes": 21, "write_bytes": 210} for n in names}
    assert tables(rows, path_of, ("writes", "write_bytes")) == want
    assert len({r["time_ns"] for r in rows}) > 1


def memlock_of(host, pid):
    """What the kernel charges for the maps of a process, each once."""
    total, seen = 0, set()
    for name in host.run(["ls", f"/proc/{pid}/fdinfo"]).stdout.split():
        info = host.run(["cat", f"/proc/{pid}/fdinfo/{name.decode()}"]).stdout.decode()
        ids = re.search(r"map_id:\s+(\d+)", info)
        if ids and ids[1] not in seen:
            seen.add(ids[1])
            total += int(re.search(r"memlock:\s+(\d+)", info)[1])
    return total


@pytest.mark.enough_on(*ENDS)
def test_memory(host, tmp):
    """At most a quarter of the 43 MB that the same tool of libbpf-tools takes."""
    with started(host, [host.workload, "--go", "rw", "write", "1", "1", "/dev/null"]) as job:
        wait_ready(host, job.pid)
        argv = [host.iosonde, "filetop", "-o", "json", "-O", f"{tmp}/rows", "-p", str(job.pid)]
        with started(host, argv) as sonde:
            wait_attached(host, sonde.pid)
            taken = memlock_of(host, sonde.pid)
            sonde.signal(signal.SIGINT)
            assert sonde.wait().returncode == 0
    assert 1 << 20 < taken <= 43_000_000 // 4, taken


@pytest.mark.enough_on("running")
def test_terminal(host, tmp):
    """Refreshed in place under the time and the load; with -C the tables stay."""
    work = [host.workload, "tick", "100", "10", "/dev/null"]
    for options, cleared in (([], True), (["-C"], False)):
        argv = [host.iosonde, "filetop", "-a", "-i", "300ms", *options, "--", *work]
        seen = host.run_pty(argv, columns=100)
        assert seen.returncode == 0, str(seen)
        assert len(re.findall(rb"load average", seen.stdout)) >= 2, str(seen)
        assert (b"\x1b[J" in seen.stdout) == cleared, str(seen)
