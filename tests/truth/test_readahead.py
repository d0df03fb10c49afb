# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""readahead: pages that came ahead, were used, or not, where that is known in advance."""

from disks import ok
from fileops import path_of
from steps import Done, steps
from tracer import trace

BYTES = 65536
FILES = ("all", "one", "gone", "mapped", "over", "warm")
FIGURES = ("brought", "used", "unused", "dropped")
SMALL = 1024  # pages: no window ahead of a mapping is of huge pages, which are mapped unseen


def of_files(run, tmp):
    """{name: [figures]}"""
    found = {}
    for r in run.of("ahead"):
        name = path_of(r).decode().removeprefix(f"{tmp}/")
        found[name] = [a + b for a, b in zip(found.get(name, [0] * 4), (r[f] for f in FIGURES))]
    return found


def test_known_pages(host, tmp):
    """Read in sequence; the first pages of a window, which mincore counts; the same, and the rest dropped;
    mapped; written over; and a file that was in memory.
    """
    pieces = 64 if host.emulated else 1024
    pages, read = pieces * 16, f"{pieces}*read {BYTES}"
    ok(host, host.workload, "--silent", "make", f"{tmp}/all", str(pages * 4096))
    for name in FILES[1:]:
        ok(host, host.workload, "--silent", "make", f"{tmp}/{name}", str(SMALL * 4096))
    calls = [
        *("open all r", "drop", read, "close"),
        *("open one r", "drop", f"pread {BYTES}", "mincore", "close"),
        *("open gone r", "drop", f"read {BYTES}", "mincore", "drop", "mincore", "close"),
        *("open mapped r", "drop", "touch", "close"),
        *("open over rw", "drop", f"pread {BYTES}", "mincore", f"{SMALL // 16}*write {BYTES}", "close"),
        *("open warm r", f"{SMALL // 16}*read {BYTES}", "close"),
    ]
    run = trace(host, tmp, "readahead", ["-F"], steps(host, tmp, *calls))
    one, gone, left, over = (r["ret"] for r in Done(run).results if r["id"] == "mincore")
    of = of_files(run, tmp)
    assert of["all"] == [pages, pages, 0, 0], of
    assert 16 < one < SMALL and of["one"] == [one, 16, one - 16, 0], (one, of)
    assert left == 0 and of["gone"] == [gone, 16, 0, gone - 16], (gone, of)
    assert of["over"] == [over, over, 0, 0], (over, of)
    assert of["mapped"] == [SMALL, SMALL, 0, 0], of
    assert "warm" not in of
    ages = {}
    for r in run.of("age"):
        ages[path_of(r)] = ages.get(path_of(r), 0) + r["count"]
    used = {f"{tmp}/{name}".encode(): n for name, (_, n, _, _) in of.items() if n and name in FILES}
    assert {path: n for path, n in ages.items() if path in used} == used, (ages, of)
    assert run.summary["ahead_full"] == 0 and run.summary["shown"] == sum(ages.values())
