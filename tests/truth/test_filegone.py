# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""filegone against a program whose every removed and changed name is known."""

import pytest
from steps import Done, steps
from tracer import text_of, trace

pytestmark = pytest.mark.usefixtures("rung")

LONG = "/".join(["d" * 200] * 3)

# Each call with its row: action, flags, path and new path. None: a call that removes nothing.
CALLS = (
    ("3*open f% wc", None),
    ("mkdir d", None),
    ("unlink f0", ("unlink", None, "f0", None)),
    ("unlink f0", ("unlink", None, "f0", None)),  # ENOENT
    ("unlinkat ./f1", ("unlink", None, "./f1", None)),
    ("unlink d", ("unlink", None, "d", None)),  # EISDIR
    ("rmdir f2", ("rmdir", None, "f2", None)),  # ENOTDIR
    ("rename f2 g", ("rename", None, "f2", "g")),
    ("renameat g d/h", ("rename", None, "g", "d/h")),
    ("rmdir d", ("rmdir", None, "d", None)),  # ENOTEMPTY
    ("open i wc", None),
    ("renameat2 i d/h noreplace", ("rename", "NOREPLACE", "i", "d/h")),  # EEXIST
    ("renameat2 i d/h exchange", ("rename", "EXCHANGE", "i", "d/h")),
    ("renameat2 i d/h", ("rename", None, "i", "d/h")),
    ("renameat2 i j exchange,noreplace", ("rename", "NOREPLACE|EXCHANGE", "i", "j")),  # EINVAL
    ("rename missing k", ("rename", None, "missing", "k")),
    ("dirfd d", None),
    ("unlinkat h", ("unlink", None, "d:h", None)),
    ("open l wc", None),
    ("renameat l m", ("rename", None, "d:l", "d:m")),
    ("open n wc", None),
    ("renameat2 m n noreplace", ("rename", "NOREPLACE", "d:m", "d:n")),
    ("unlinkat ../missing", ("unlink", None, "d:../missing", None)),
    ("unlinkat m", ("unlink", None, "d:m", None)),
    ("unlinkat n", ("unlink", None, "d:n", None)),
    ("cwd", None),
    ("rmdirat d", ("rmdir", None, "d", None)),
    (f"unlink {LONG}", ("unlink", None, LONG, None)),
    (f"rename {LONG} {LONG}", ("rename", None, LONG, LONG)),
)
URING = (
    ("3*open f% wc", None),
    ("uring-unlink f0", ("unlink", None, "f0", None)),
    ("uring-unlink f0", ("unlink", None, "f0", None)),
    ("uring-rename f1 g", ("rename", None, "f1", "g")),
    ("uring-rename g f2 noreplace", ("rename", "NOREPLACE", "g", "f2")),
    ("uring-rename g f2 exchange", ("rename", "EXCHANGE", "g", "f2")),
    ("mkdir d", None),
    ("uring-rmdir d", ("rmdir", None, "d", None)),
    ("mkdir e", None),
    ("dirfd e", None),
    ("open f wc", None),
    ("uring-unlink f", ("unlink", None, "e:f", None)),
    ("cwd", None),
    ("uring-rmdir missing", ("rmdir", None, "missing", None)),
)


def passed(name):
    return name and name.rpartition(":")[2]


def absolute(where, name):
    """d:m is m in the directory d; names are joined, not made canonical."""
    if name is None:
        return None
    base, _, rest = name.rpartition(":")
    return f"{where}/{base}/{rest}" if base else f"{where}/{rest}"


def row_of(row):
    text = lambda key: (v := text_of(row, key)) and v.decode()  # noqa: E731
    keys = ("path", "new", "full", "new_full")
    return (row["action"], row["flags"] or None, row["err"], *(text(k) for k in keys))


def wanted(calls, done, where):
    rows = []
    for (_, want), result in zip(calls, done.results, strict=True):
        if want is None or result["err"] == "ENOSYS":
            continue
        action, flags, path, new = want
        full = (absolute(where, path), absolute(where, new))
        rows.append((action, flags, result["err"], passed(path), passed(new), *full))
    return rows


@pytest.fixture(scope="module")
def traced(host, rung, module_tmp):
    where = f"{module_tmp}/names-{rung}"
    host.run(["mkdir", where])
    words = [step for step, _ in CALLS]
    return where, trace(host, module_tmp, "filegone", ["-F"], steps(host, where, *words))


def test_each_call_is_a_row(traced):
    where, run = traced
    done = Done(run)
    assert [row_of(r) for r in run.of("gone")] == wanted(CALLS, done, where)
    errors = {r["err"] for r in done.results}
    assert errors >= {None, "ENOENT", "EEXIST", "EISDIR", "ENOTDIR", "ENOTEMPTY", "EINVAL"}


def test_who(traced):
    _, run = traced
    assert {(r["pid"], r["comm"]) for r in run.of("gone")} == {(run.work[0]["pid"], "workload")}


def test_result_and_time(traced):
    _, run = traced
    assert all((r["ret"] == 0) == (r["err"] is None) for r in run.of("gone"))
    times = [r["time_ns"] for r in run.of("gone")]
    assert times == sorted(times) and len(set(times)) == len(times)


def test_io_uring(host, tmp):
    run = trace(host, tmp, "filegone", ["-F"], steps(host, tmp, *(s for s, _ in URING)))
    done = Done(run)
    rows = run.of("gone")
    assert [row_of(r) for r in rows] == wanted(URING, done, tmp)
    assert all(r["route"] == "io_uring" for r in rows)
    assert {r["pid"] for r in rows} <= {done.pid}


def test_failed_only(host, tmp):
    run = trace(host, tmp, "filegone", ["-x"], steps(host, tmp, *(s for s, _ in CALLS)))
    done = Done(run)
    rows = wanted(CALLS, done, tmp)
    assert [r["err"] for r in run.of("gone")] == [r[2] for r in rows if r[2]]
    assert run.summary["filtered"] == sum(1 for r in rows if not r[2]) > 5


def test_names_as_they_were_passed(host, tmp):
    """Text shows them so, without -F; what isn't there is a dash."""
    table = f"{tmp}/table"
    argv = [host.iosonde, "filegone", "-O", table, "--columns", "action,flags,err,path,new", "--"]
    done = host.run([*argv, *steps(host, tmp, "open a wc", "rename a b", "unlink b", "rmdir c")])
    assert done.returncode == 0, str(done)
    rows = [line.split() for line in host.read_file(table).decode().splitlines()]
    assert rows == [
        ["ACTION", "FLAGS", "ERR", "PATH", "NEW"],
        ["rename", "-", "-", "a", "b"],
        ["unlink", "-", "-", "b", "-"],
        ["rmdir", "-", "ENOENT", "c", "-"],
    ]


def test_stacks(host, tmp):
    run = trace(host, tmp, "filegone", ["--kstack", "-F"], steps(host, tmp, "open a wc", "rename a b"))
    (row,) = run.of("gone")
    assert any("syscall" in frame for frame in row["kstack"]), row
    assert text_of(row, "new_full").decode() == f"{tmp}/b"


def test_directory_of_another_mount(host, tmp):
    """A name below a mount point is that of the whole tree."""
    host.run(["mkdir", f"{tmp}/m"])
    assert host.run(["mount", "-t", "tmpfs", "none", f"{tmp}/m"]).returncode == 0
    try:
        calls = ("dirfd m", "open a wc", "renameat a b", "cwd", "unlink m/b", "rmdir m")
        run = trace(host, tmp, "filegone", ["-F"], steps(host, tmp, *calls))
    finally:
        host.run(["umount", f"{tmp}/m"])
    assert [row_of(r)[2:] for r in run.of("gone")] == [
        (None, "a", "b", f"{tmp}/m/a", f"{tmp}/m/b"),
        (None, "m/b", None, f"{tmp}/m/b", None),
        ("EBUSY", "m", None, f"{tmp}/m", None),
    ]


def test_blindness_is_declared(traced):
    assert "nfsd" in traced[1].summary["blind"]
