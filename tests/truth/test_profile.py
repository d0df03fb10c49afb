# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""profile: samples beside the kernel's own account of CPU time, and where they were taken."""

import json

import pytest
from conftest import GUESTS
from tracer import best_of, read_run, trace, trace_running

READS = ("filemap_read", "generic_file_buffered_read")


def names_of(frames):
    return {f.split(" (")[0] for f in frames or []}


def total(rows):
    return sum(r["count"] for r in rows)


def check_number(rows, kernel, hz):
    """As many as the process had CPU time, by the kernel's account: which runs on while a virtual CPU
    is taken away, and meets no timer."""
    due = hz * kernel["run_ns"] / 1e9
    assert 0.6 * due - 3 <= total(rows) <= 1.15 * due + 5, (total(rows), due)


def test_spinners(host, tmp):
    """Two on one CPU: samples are as many as their CPU time says, nearly all of them in spin()."""

    def experiment():
        hz, ms = (99, "1200") if host.emulated else (499, "400")
        run = trace(host, tmp, "profile", ["-F", str(hz)], [host.workload, "busy", "2", ms])
        assert total(run.of("sample")) == run.summary["shown"] and not run.summary["others"]
        for kernel in (w for w in run.work if w["workload"] == "account"):
            rows = [r for r in run.of("sample") if r["pid"] == kernel["pid"]]
            check_number(rows, kernel, hz)
            spinning = [r for r in rows if {"spin", "[stack lost]"} & names_of(r["ustack"])]
            assert total(spinning) >= 0.95 * total(rows) - 1, rows
            assert all(r["comm"] == "workload" for r in rows)
        places = [(r["pid"], str(r["kstack"]), str(r["ustack"])) for r in run.of("sample")]
        assert len(places) == len(set(places)), "functions twice"

    best_of(3, experiment)


@pytest.mark.enough_on("running", "sid")
def test_one_kind_of_stacks(host, tmp):
    """-c is a period; -U and -K leave out the other's frames, never a sample. One process."""

    def experiment():
        options = ["-c", "2ms", "-U"]
        argv = ["busy", "1", "200"]
        run = trace_running(
            host, tmp, "profile", lambda pids: ["-p", pids[0], "--children", *options], [argv]
        )
        (work,) = run.work
        rows = [r for r in run.of("sample") if r["pid"] == work["pid"]]
        check_number(rows, work, 500)
        assert all(r["kstack"] is None for r in rows)
        run = trace(host, tmp, "profile", ["-K", "-C", "0"], [host.workload, *argv])
        assert run.of("sample") and all(r["ustack"] is None for r in run.of("sample"))

    best_of(3, experiment)


def tree_of(host, tmp, options, argv):
    """[(depth, count, function)] of --tree, largest first at each level."""
    out = f"{tmp}/tree"
    argv = [host.iosonde, "profile", "-F", "999", "--tree", *options, "-O", out, "--", *argv]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0, str(result)
    head, *lines = host.read_file(out).decode().splitlines()
    assert head.split() == ["SHARE", "COUNT", "SELF", "FUNCTION"], head
    host.remove(out)
    rows, at = [], head.index("FUNCTION")
    for line in lines:
        name = line[at:].lstrip()
        rows.append((len(line[at:]) - len(name), int(line.split()[1]), name))
    return rows


def test_warm_reads(host, tmp):
    """What a read of cached pages does with the CPU: under vfs_read, the page cache, and copying."""
    host.run([host.workload, "make", f"{tmp}/file", "4194304"])
    host.run(["cat", f"{tmp}/file"])
    count = "800" if host.emulated else "6000"
    argv = [host.workload, "rw", "pread", count, "262144", f"{tmp}/file"]

    def experiment():
        rows = tree_of(host, tmp, ["--root", "vfs_read"], argv)
        assert [r[2] for r in rows[:2]] == ["all", "vfs_read"], rows
        (cache,) = [i for i, r in enumerate(rows) if r[2] in READS]
        below = []
        for row in rows[cache + 1 :]:
            if row[0] <= rows[cache][0]:
                break
            below.append(row)
        copying = [r for r in below if "copy" in r[2] or "rep_movs" in r[2]]
        assert copying, rows
        assert max(r[1] for r in copying) >= rows[cache][1] / 2, rows
        assert rows[cache][1] >= 0.8 * rows[1][1], rows

    best_of(3, experiment)


@pytest.mark.enough_on("running", "5.10")
def test_folded(host, tmp):
    """The same lines as flame graphs are drawn from, marked as the kernel's where they are."""
    argv = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=1000"]
    result = host.run([host.iosonde, "profile", "-F", "999", "-f", "-a", "-O", f"{tmp}/f", "--", *argv])
    assert result.returncode == 0, str(result)
    lines = host.read_file(f"{tmp}/f").decode().splitlines()
    assert lines and all(int(x.rpartition(" ")[2]) > 0 for x in lines), lines
    assert [x for x in lines if ";vfs_read_[k];" in x and x.startswith("dd;")], lines
    # dd and its library have no frame pointers: what was in that register is no caller
    user = [[f for f in x.split(";")[1:] if not f.split(" ")[0].endswith("_[k]")] for x in lines]
    assert not [u for u in user if len(u) > 1 and u[0].startswith("0x")], user


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
def test_idle(host, tmp):
    """A CPU that has nothing to do is left out, unless asked for: then no sample is missing."""
    found = {}
    for options in ([], ["-I"]):
        rows = f"{tmp}/rows"
        argv = [host.iosonde, "profile", *options, "-d", "0.5", "-o", "json", "-O", rows]
        result = host.run(argv, timeout=60)
        assert result.returncode == 0, str(result)
        found[bool(options)] = read_run(host, "profile", result, rows)
        host.remove(rows)
    assert not [r for r in found[False].of("sample") if r["pid"] == 0]
    idle = [r for r in found[True].of("sample") if r["pid"] == 0]
    assert idle and all(r["comm"].startswith("swapper/") for r in idle), json.dumps(idle)
