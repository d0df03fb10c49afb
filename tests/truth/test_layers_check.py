# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""layers --check: programs that nobody here wrote, against what the kernel itself keeps of their threads."""

import shutil

import pytest
from disks import ok
from tracer import best_of, check_ledger, trace, trace_running

# A tree of files that is packed, read, sorted and searched by processes of all kinds.
JOB = """
mkdir {tmp}/tree && cd {tmp}/tree || exit 1
for i in 1 2 3 4 5 6 7 8; do seq $((i * 2000)) >$i; cp $i $i.copy; done
tar cf - . | gzip -1 >../packed.gz
gzip -dc ../packed.gz | tar tf - | sort >../list
sort -rn 1 2 3 4 | uniq -c | grep -c 17
dd if=8 of=../end bs=1k 2>../said
rm -r ../tree ../packed.gz ../list ../end ../said
"""
EXACT = {
    "voluntary switches",
    "involuntary switches",
    "read calls",
    "write calls",
    "bytes read",
    "bytes written",
    "major faults",
    "bytes read from disks",
}


def books(run):
    rows = {row["book"]: row for row in run.of("check")}
    assert set(rows) == EXACT | {"cpu_ns", "runq_ns"}, rows
    for row in rows.values():
        assert row["off"] == abs(row["ours"] - row["kernel"]), row
    return rows


def check_books(run, host):
    """Where a hypervisor takes a CPU away, the kernel's clocks disagree for a while, and a thread that
    is woken for it waits for us from then on, for the kernel when that CPU puts it into its queue. A wake-up
    that takes the CPU doesn't set its clock again (rq_clock_skip_update()): for the kernel the thread runs
    from the wake-up on."""
    check_ledger(run)
    rows = books(run)
    woken = rows["voluntary switches"]["kernel"] * 100_000
    unknown = sum(r["unknown_ns"] for r in run.of("time"))
    for name, row in rows.items():
        if name.endswith("_ns"):
            late = row["kernel"] // 3 if host.emulated and row["ours"] > row["kernel"] else 0
            assert row["off"] <= 2 * row["allowed"] + 10_000_000 + unknown + late + woken, row
        elif name.endswith("switches") and host.name == "running":
            # Some events of the scheduler are never told there.
            assert row["off"] <= 2 + row["kernel"] // 50, row
        else:
            assert row["off"] <= row["allowed"], row
    return rows


def test_programs_of_every_kind(host, tmp):
    def experiment():
        job = JOB.format(tmp=tmp)
        run = trace(host, tmp, "layers", ["--check"], ["sh", "-c", job], timeout=300)
        return check_books(run, host)

    rows = best_of(3, experiment)
    assert rows["bytes read"]["kernel"] > 1_000_000 and rows["read calls"]["kernel"] > 100, rows
    assert rows["voluntary switches"]["kernel"] > 20, rows


@pytest.mark.only_on("running")  # no guest has them
def test_programs_of_this_machine(host, tmp):
    """git and python, where there are such."""
    found = [
        argv
        for argv in (
            ["git", "--version"],
            ["python3", "-c", "import json, http.client, subprocess; subprocess.run(['true'])"],
        )
        if shutil.which(argv[0])
    ]
    assert found  # these tests are python's
    for argv in found:

        def experiment(argv=argv):
            return check_books(trace(host, tmp, "layers", ["--check"], argv), host)

        best_of(3, experiment)


def test_a_process_that_was_there_and_goes_on(host, tmp):
    """Watched from one moment to another of its life."""
    n = host.few(20000)
    assert host.run(["cp", "/bin/true", f"{tmp}/file"]).returncode == 0
    work = ["rw", "pread,pwrite", str(n), "4096", f"{tmp}/file"]

    def experiment():
        run = trace_running(
            host, tmp, "layers", lambda pids: ["--check", "-p", pids[0]], [work], lost=None
        )
        return check_books(run, host)

    rows = best_of(3, experiment)
    assert rows["bytes written"]["kernel"] >= n * 4096, rows
    assert rows["bytes read"]["kernel"] >= n * 4096, rows


def test_what_disks_are_asked_for(host, tmp):
    """Read past the page cache, and by page faults of a cold mapping."""
    size = 1 << 20
    path = f"{tmp}/cold"
    ok(host, host.workload, "--silent", "make", path, size)
    ok(host, "sync", path)
    cold = f"dd of=/dev/null if={path} bs=64k iflag=direct; {host.workload} --silent incident mapping 200 {path}"

    def experiment():
        run = trace(host, tmp, "layers", ["--check"], ["sh", "-c", cold], timeout=300)
        return check_books(run, host)

    rows = best_of(3, experiment)
    assert rows["bytes read from disks"]["kernel"] > size + (64 << 10), rows


def test_only_when_asked_for(host, tmp):
    run = trace(host, tmp, "layers", [], ["true"])
    assert not run.of("check")
