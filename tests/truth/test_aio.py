# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""libaio: what is submitted by one call and done beside it, in every command about file I/O."""

from collections import Counter

import pytest
from blind import what_is_blind
from conftest import GUESTS, KERNELS
from fileops import FIGURES, files, path_of, sums, tables
from tracer import check_summary, parse_rows

ENOUGH_ON = ("running", "5.10", "sid")  # another would show the same, but for the functions it has

ALL_OPS = ["--ops", "read,write,open,fsync,getattr"]
FIELDS = ("route", "rw", "fd", "asked_bytes", "offset", "ret", "bytes", "err")


@pytest.fixture
def no_functions(host):
    """What a kernel without fentry and kprobes offers."""
    usual = host.environment
    host.environment = {**usual, "IOSONDE_WITHOUT": "fentry,kprobes"}
    yield
    host.environment = usual


def wanted(ops):
    """Those that are done together end in any order."""
    return Counter((o.route, o.rw, o.fd, o.asked, o.offset, o.ret, o.bytes, o.err, o.path) for o in ops)


def shown(rows):
    return Counter((*(r[f] for f in FIELDS), path_of(r)) for r in rows)


def by_calls(run):
    return "of libaio that no call collects" in run.summary["blind"]


@pytest.mark.enough_on(*KERNELS)
@pytest.mark.usefixtures("rung")
def test_each_operation(host, tmp):
    """Buffered, direct, vectors, short, beyond the end, refused by io_submit, failed when done."""
    seen = files(host, tmp, "rwsnoop", [], "aio")
    assert seen.ops and shown(seen.rows) == wanted(seen.ops)
    how = {(r["route"], r["ret"]): set((r["how"] or "").split("|")) for r in seen.rows}
    assert "dsync" in how["aio write", 7] and "append" in how["aio write", 5]
    assert "direct" in how["aio read", 4096] and "direct" in how["aio read", -22]
    ended = [r for r in seen.rows if r["err"] != "EBADF"]
    assert {"collected" in (r["how"] or "") for r in ended} == {by_calls(seen.run)}
    assert all(r["lat_ns"] > 0 and r["comm"] == "workload" for r in seen.rows)
    assert {r["pid"] for r in seen.rows} == {r["tid"] for r in seen.rows} == {seen.work["pid"]}


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
@pytest.mark.usefixtures("no_functions")
def test_each_operation_by_calls_alone(host, tmp):
    test_each_operation(host, tmp)


def test_not_collected(request, host, tmp):
    """Where its end is seen by functions it is shown, and elsewhere the run says what is missing."""
    seen = files(host, tmp, "rwsnoop", [], "aio_uncollected")
    says = what_is_blind(request, "calls" if by_calls(seen.run) else "functions")
    assert len(seen.ops) == 1 and (says is None or host.name not in GUESTS)
    if says:
        assert says in seen.run.summary["blind"] and not seen.rows
    else:
        assert shown(seen.rows) == wanted(seen.ops)


def test_sums(host, tmp):
    """filetop's and rwsnoop's groups, which are counted by the programs, and dirtop's."""
    seen = files(host, tmp, "filetop", ["-a", "-i", "100"], "aio")
    rows = [r for r in seen.run.of("file") if r["tid"] == seen.work["pid"]]
    want = sums(seen.ops, lambda op: op.path)
    got = tables(rows, path_of, FIGURES)
    assert {k: got[k] for k in want} == {k: {n: v for n, v in w.items() if n in FIGURES} for k, w in want.items()}
    by = ["--by", "route,ret", "--columns", "route,ret,count"]
    seen = files(host, tmp, "rwsnoop", by, "aio")
    groups = {(r["route"], r["ret"]): r["count"] for r in seen.run.of("group") if "aio" in r["route"]}
    assert groups == Counter((o.route, o.ret) for o in seen.ops)
    where = f"{tmp}/aio"
    seen = files(host, tmp, "dirtop", ["-D", where, "-i", "100"], "aio")
    (row,) = [r for r in seen.run.of("dir") if path_of(r, "dir") == where.encode()]
    inside = sums([o for o in seen.ops if o.path], lambda op: 0)[0]
    assert {n: row[n] for n in FIGURES} == {n: inside.get(n, 0) for n in FIGURES}


def test_syncs_and_totals_by_filesystem(host, tmp):
    """fsslower has fsync, too, and fsdist in the same run counts as many of each."""
    out = f"{tmp}/dist.jsonl"
    dist = [host.iosonde, "fsdist", *ALL_OPS, "-P", "-o", "json", "-O", out, "--"]
    seen = files(host, tmp, "fsslower", ["0", *ALL_OPS], "aio_syncs", before=dist)
    mine = [r for r in seen.run.of("slow") if (r["route"] or "").startswith("aio")]
    assert [(r["route"], r["op"], r["bytes"], path_of(r)) for r in mine] == [
        ("aio write", "write", 100, seen.path("aio")),
        ("aio fsync", "fsync", 0, seen.path("aio")),
        ("aio fdsync", "fsync", 0, seen.path("aio")),
    ]
    rows = parse_rows(host.read_file(out))
    check_summary(rows, "fsdist")
    pid = seen.work["pid"]
    totals = {r["op"]: r["count"] for r in rows if r["type"] == "fs_total" and r["pid"] == pid}
    assert totals == Counter(r["op"] for r in seen.run.of("slow") if r["pid"] == pid)


def test_slow_ones(host, tmp):
    seen = files(host, tmp, "fileslower", ["-m", "0"], "aio")
    assert shown(seen.run.of("slow")) == wanted(o for o in seen.ops if o.path)
