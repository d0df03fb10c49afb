# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What finds no room in a table is counted in rows "(others)": nothing is lost, every sum is exact.

IOSONDE_ENTRIES makes tables small, so that a few rows fill them; what happens then is the same.
"""

import contextlib

import pytest
from conftest import ENDS
from tracer import call_row, check_ledger, trace

ENOUGH_ON = ENDS  # a full table is one on every kernel

pytestmark = pytest.mark.usefixtures("rung")

FILES, ROOM = 150, 40
OTHERS = "(others)"
WRITE_FILES = f"for i in $(seq {FILES}); do echo x >$0/f$i; done"


@contextlib.contextmanager
def small(host, entries):
    usual = host.environment
    host.environment = {**usual, "IOSONDE_ENTRIES": entries}
    try:
        yield
    finally:
        host.environment = usual


def traced(host, tmp, entries, command, options, script):
    """Runs it with small tables and checks the account: nothing lost, rows sum up to what is shown."""
    with small(host, entries):
        return trace(host, tmp, command, options, ["sh", "-c", script, tmp])


def split(rows, key):
    """The row of the others, which must be one, and the rest."""
    (others,) = [r for r in rows if r[key] == OTHERS]
    return others, [r for r in rows if r is not others]


@pytest.mark.parametrize("room", [1, ROOM])
def test_filetop(host, tmp, room):
    entries = f"filetop_files={room}"
    run = traced(host, tmp, entries, "filetop", ["-i", "100"], WRITE_FILES)
    others, named = split(run.of("file"), "path")
    assert len(named) == room and others["comm"] == OTHERS
    assert others["tid"] is None and others["pid"] is None and others["ino"] is None
    rows = [others, *named]
    assert sum(r["count"] for r in rows) == run.summary["shown"]
    assert sum(r["writes"] for r in rows) == FILES
    assert sum(r["write_bytes"] for r in rows) == 2 * FILES
    assert run.summary["others"] == others["count"] > 0


def test_filetop_in_many_intervals(host, tmp):
    """Each interval has its own others, and room again."""
    script = f"for n in 1 2 3; do {WRITE_FILES}; sleep 0.3; done"
    run = traced(host, tmp, f"filetop_files={ROOM}", "filetop", ["-i", "0.3"], script)
    rows = run.of("file")
    assert sum(r["writes"] for r in rows) == 3 * FILES
    times = {r["time_ns"] for r in rows if r["path"] == OTHERS}
    assert len(times) == len([r for r in rows if r["path"] == OTHERS]) >= 1
    assert any(r["path"] != OTHERS for r in rows if r["time_ns"] > min(times))


def test_filetop_added_up(host, tmp):
    options = ["-i", "100", "--by", "path"]
    run = traced(host, tmp, f"filetop_files={ROOM}", "filetop", options, WRITE_FILES)
    others, named = split(run.of("file"), "path")
    assert others["writes"] + sum(r["writes"] for r in named) == FILES


def test_dirtop(host, tmp):
    script = "for i in $(seq 30); do mkdir $0/d$i; echo x >$0/d$i/f; done"
    run = traced(host, tmp, "dirtop_dirs=10", "dirtop", ["-i", "100"], script)
    others, named = split(run.of("dir"), "dir")
    assert len(named) == 10
    assert others["writes"] + sum(r["writes"] for r in named) == 30
    assert others["count"] + sum(r["count"] for r in named) == run.summary["shown"]


@pytest.mark.parametrize("options, key", [([], "call"), (["-P"], "comm")])
def test_syscount(host, tmp, options, key):
    script = "for i in $(seq 20); do cat /dev/null; done"
    run = traced(host, tmp, "syscounts=4", "syscount", options, script)
    others, named = split(run.of("syscall"), key)
    assert len(named) == 4
    assert others["count"] + sum(r["count"] for r in named) == run.summary["shown"]


def test_rwsnoop_counts(host, tmp):
    """What finds no room is sent row by row instead: the groups are whole."""
    options = ["--by", "comm"]
    run = traced(host, tmp, "folded=2", "rwsnoop", options, WRITE_FILES)
    groups = [r for r in run.rows if r["type"] != "summary"]
    assert sum(r["count"] for r in groups) == run.summary["shown"] > FILES


LEDGER = "layers_table={},layers_others={},layers_files={}"


@pytest.mark.parametrize("others", [64, 1])
def test_layers(host, tmp, others):
    """Calls and verdict have all operations, files those with room; processes, too, if there is more."""
    entries = LEDGER.format(ROOM, others, ROOM)
    run = traced(host, tmp, entries, "layers", [], WRITE_FILES)
    check_ledger(run)
    other, named = split(run.of("file"), "path")
    rows = [other, *named]
    assert call_row(run, "write")["count"] == FILES + 1  # seq writes once
    done = sum(r["count"] for r in run.of("call"))
    assert done == run.summary["shown"] == run.summary["generated"]
    assert sum(r["count"] for r in rows) == sum(r["count"] for r in run.of("process")) == done
    for figure in ("lat_ns", "bytes", "errors"):
        assert sum(r[figure] for r in rows) == sum(r[figure] for r in run.of("call"))
    assert run.summary["others"] == other["count"] > FILES
    if others > 1:
        assert OTHERS not in {r["comm"] for r in run.of("process")}
    else:
        (row,) = [r for r in run.of("process") if r["comm"] == OTHERS]
        assert row["pid"] is None


def test_layers_rows_have_paths(host, tmp):
    """Rows name their files however many there are, and the tables are of all operations."""
    entries = LEDGER.format(ROOM, 64, ROOM)
    run = traced(host, tmp, entries, "layers", ["--slow", "0"], WRITE_FILES)
    paths = {r["path"] for r in run.of("op") if r["call"] == "write"}
    assert paths >= {f"{tmp}/f{i}" for i in range(1, FILES + 1)}
    assert call_row(run, "write")["count"] == FILES + 1


def test_layers_waits(host, tmp):
    """Waits without room of their own are one row per call, and the waits' sum is what it was."""
    work = [host.workload, "pipe", "5", "20"]
    with small(host, "layers_waits=21,layers_stacks=1"):
        run = trace(host, tmp, "layers", [], work)
    rows = run.of("wait")
    assert len({(r["call"], r["reason"]) for r in rows if r["reason"] == OTHERS}) == len(
        [r for r in rows if r["reason"] == OTHERS]
    )
    assert sum(r["wait_ns"] for r in rows) == sum(r["wait_ns"] for r in run.of("call"))


def test_layers_stack_once(host, tmp):
    """Stacks of the same functions stand in one row."""
    run = trace(host, tmp, "layers", [], [host.workload, "pipe", "2", "30"])
    seen = [
        (r["call"], tuple(frame.split("+")[0] for frame in r["stack"])) for r in run.of("wait")
    ]
    assert len(set(seen)) == len(seen) > 0
