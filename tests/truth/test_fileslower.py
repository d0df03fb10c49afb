# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""fileslower: which operations it shows, and how long they took, where that is known."""

import pytest
from fileops import files, path_of
from tracer import best_of, trace

pytestmark = pytest.mark.usefixtures("rung")
MS = 1_000_000


def shown(seen):
    return [(r["rw"], r["bytes"], r["err"], path_of(r)) for r in seen.rows]


def done(ops):
    return [(o.rw, o.bytes, o.err, o.path) for o in ops]


def test_every_route(host, tmp):
    """With no minimum each operation is a row, with the bytes that it returned."""
    seen = files(host, tmp, "fileslower", ["-a", "0"], "routes")
    assert shown(seen) == done(seen.ops)
    assert all(r["lat_ns"] > 0 for r in seen.rows)


def test_ordinary_files_only(host, tmp):
    """No pipes, sockets, devices; nor procfs, whose files call themselves regular."""
    seen = files(host, tmp, "fileslower", ["-m", "0"], "routes")
    seen.run.rows.insert(-1, {**seen.run.of("slow")[-1], "time_ns": 1 << 62})  # for the result's
    ordinary = [o for o in seen.ops if o.path in (seen.path("data"), seen.path("copy"))]
    rows = [r for r in shown(seen) if r[3].startswith(seen.where.encode())]
    assert rows == done(ordinary)
    assert not [r for r in shown(seen) if r[3].startswith((b"/proc", b"/dev", b"pipe", b"socket"))]


def test_hard_links_renames_and_deleted_files(host, tmp):
    seen = files(host, tmp, "fileslower", ["-a", "0"], "identity")
    assert shown(seen) == done(seen.ops)
    paths = {path_of(r) for r in seen.rows}
    for name in ("h1", "h2", "r1", "r2", "d2/x", "del (deleted)", "from/f", "onto/f"):
        assert seen.path(name) in paths
    assert "overlay_refused" in seen.work or seen.path("merged/up") in paths


def test_bare_minimum_is_in_milliseconds(host, tmp):
    """A read of a pipe waits 50 ms for its byte."""

    def experiment():
        run = trace(host, tmp, "fileslower", ["-a", "10"], [host.workload, "pipe", "50", "5"])
        rows = [r for r in run.of("slow") if r["rw"] == "read"]
        took = sorted(r["lat_ns"] for r in rows)
        # one that begins late waits less
        assert len(rows) == 5 and took[0] >= 10 * MS and took[2] >= 49 * MS
        assert took[2] <= 60 * MS + 10 * MS * host.emulated, took

    best_of(3, experiment)
    run = trace(host, tmp, "fileslower", ["-a", "2s"], [host.workload, "pipe", "50", "5"])
    assert not run.of("slow") and run.summary["filtered"] >= 10


def test_default_is_ten_milliseconds(host, tmp):
    run = trace(host, tmp, "fileslower", ["-a"], [host.workload, "pipe", "50", "2"])
    assert len([r for r in run.of("slow") if r["rw"] == "read"]) == 2
    run = trace(host, tmp, "fileslower", [], [host.workload, "pipe", "50", "2"])
    assert not run.of("slow")
