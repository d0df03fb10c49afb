# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Names that mislead: on mounts attached nowhere, of another namespace, cut, or by a descriptor."""

import pytest
from tracer import text_of, trace

pytestmark = pytest.mark.usefixtures("rung")

LETTER = "é"


class Names:
    def __init__(self, host, where, command, options, kind):
        host.run(["mkdir", "-p", where])
        self.run = trace(host, where, command, options, [host.workload, "names", where])
        (self.work,) = self.run.work
        self.opens = [o for o in self.work["opens"] if o["call"] == "openat"]
        self.mounts = [o for o in self.work["opens"] if o["call"] == "mount"]
        self.rows = sorted(self.run.of(kind), key=lambda r: r["time_ns"])


@pytest.fixture(scope="module")
def opens(host, rung, module_tmp):
    return Names(host, f"{module_tmp}/opens-{rung}", "opensnoop", ["-F"], "open")


def is_named(row, start):
    return (text_of(row, "path") or b"")[:200] == start


def listed(names):
    """Each open of the list with its row: the program opens other things, too, to get there."""
    rows = iter(names.rows)
    for op in names.opens:
        start = bytes.fromhex(op["path"])[:200]
        yield op, next(r for r in rows if r["ret"] == op["ret"] and is_named(r, start))


def full_of(op):
    return bytes.fromhex(op["full"]) if "full" in op else None


def test_mounts_that_are_attached_nowhere(opens):
    """As getcwd() says it: "(unreachable)/leaf", not "/leaf" as if it were in the root."""
    wrong = [
        (op["id"], full_of(op), row["full"])
        for op, row in listed(opens)
        if full_of(op) and text_of(row, "full") != full_of(op)
    ]
    assert not wrong
    told = {op["id"] for op in opens.opens if "full" in op and full_of(op).startswith(b"(unr")}
    assert told == {"open_tree", "fsmount", "lazy"}


def test_mount_namespace(opens):
    """The same name in two namespaces is two files, and the column tells."""
    inside, outside = opens.work["mntns_inside"], opens.work["mntns_outside"]
    by_id = {op["id"]: row for op, row in listed(opens)}
    assert by_id["outside"]["full"] == by_id["inside"]["full"]
    assert (by_id["outside"]["mntns"], by_id["inside"]["mntns"]) == (outside, inside)
    assert inside != outside


def test_cut_names(opens):
    """No letter is cut in two, and what was cut says so: JSON has no complaint about it."""
    by_id = {op["id"]: row for op, row in listed(opens)}
    assert by_id["letters"]["path"] == LETTER * 236
    assert by_id["more-letters"]["path"] == LETTER * 2047 + "…"
    assert by_id["fits"]["path"] == LETTER * 127 + "x"
    assert by_id["comm"]["comm"] == LETTER * 7 + "…"
    assert not [k for row in by_id.values() for k in row if k.endswith("_raw")]


def test_cut_names_of_the_ledger(host, tmp):
    """It keeps 255 bytes of the name that a failed open passed."""
    names = Names(host, tmp, "layers", ["--slow", "0"], "op")
    paths = [r["path"] for r in names.rows if r["err"]]
    assert LETTER * 127 + "…" in paths and LETTER * 127 + "x" in paths
    assert not [r for r in names.rows if "path_raw" in r or "comm_raw" in r]
    assert {r["mntns"] for r in names.rows} >= {
        names.work["mntns_inside"],
        names.work["mntns_outside"],
    }


def test_targets_of_mounts(host, tmp):
    """As passed, and beside it what that stood for before the call."""
    names = Names(host, tmp, "mountsnoop", ["--where", 'name == "mount" && fstype == "tmpfs"'], "mount")
    rows = iter(names.rows)
    for op in names.mounts:
        passed = bytes.fromhex(op["path"]).decode()
        row = next(r for r in rows if r["target"] == passed)
        assert text_of(row, "resolved") == full_of(op), (op["id"], row)
    assert {op["id"] for op in names.mounts} >= {"fd", "fd-below", "thread-fd", "relative"}
