# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""vfsstat against a program whose every call is known."""

import pytest
from steps import Done, steps
from tracer import parse_rows, trace, trace_running

pytestmark = pytest.mark.usefixtures("rung")

KINDS = ("read", "write", "fsync", "open", "create", "unlink", "mkdir", "rmdir", "rename")
NUMBERS = tuple(f"{kind}s" for kind in KINDS)

# Calls and what each turn of them counts as.
CALLS = (
    ("open a rwc", "open create"),  # makes it
    ("3*open a rwc", "open"),  # finds it
    ("9*open b% wc", "open create"),
    ("2*creat c%", "open create"),
    ("2*openat2 d% wcx", "open create"),
    ("2*openat2 d% wcx", "open"),  # EEXIST
    ("4*open missing r", "open"),
    ("open . rwt", "open"),  # O_TMPFILE: no name
    ("3*mknod n%", "create"),
    ("2*mknodat f%", "create"),
    ("2*mknod n%", ""),  # EEXIST
    ("open a rw", "open"),
    ("2*write 5000", "write"),
    ("3*pwrite 10", "write"),
    ("4*writev 10", "write"),
    ("5*pwritev 10", "write"),
    ("6*pwritev2 10", "write"),
    ("7*read 10", "read"),
    ("8*pread 10", "read"),
    ("9*readv 10", "read"),
    ("10*preadv 10", "read"),
    ("11*preadv2 10", "read"),
    ("5*fsync", "fsync"),
    ("7*fdatasync", "fsync"),
    ("11*msync", "fsync"),
    ("3*msync async", ""),  # does nothing
    ("aio-fsync", "fsync"),
    ("3*mkdir dir%", "mkdir"),
    ("2*mkdirat at%", "mkdir"),
    ("3*rmdir dir%", "rmdir"),
    ("2*rmdirat at%", "rmdir"),
    ("5*unlink b%", "unlink"),
    ("2*unlinkat c%", "unlink"),
    ("3*unlink missing", "unlink"),
    ("rename d0 e0", "rename"),
    ("renameat d1 e1", "rename"),
    ("renameat2 e0 e1 exchange", "rename"),
    ("renameat2 e0 e1 noreplace", "rename"),  # EEXIST
)
URING = (
    ("2*uring-open u% rwc", "open create"),
    ("uring-open u0 rw", "open"),
    ("2*uring-write 10", "write"),
    ("3*uring-read 10", "read"),
    ("4*uring-fsync", "fsync"),
    ("uring-rename u0 v0", "rename"),
    ("uring-unlink v0", "unlink"),
    ("mkdir udir", "mkdir"),
    ("uring-rmdir udir", "rmdir"),
)


def turns(step):
    times, star, _ = step.partition("*")
    return int(times) if star else 1


def expected(calls, done):
    want = dict.fromkeys(NUMBERS, 0)
    want["writes"] = 1  # the result line
    for step, kinds in calls:
        if done.err[step] == "ENOSYS":
            continue  # no ring, no request
        for kind in kinds.split():
            want[f"{kind}s"] += turns(step)
    return want


def total(rows):
    return {number: sum(r[number] for r in rows) for number in NUMBERS}


@pytest.fixture(scope="module")
def counted(host, rung, module_tmp):
    where = f"{module_tmp}/calls-{rung}"
    host.run(["mkdir", where])
    words = [step for step, _ in CALLS]
    return trace(host, module_tmp, "vfsstat", ["-i", "60"], steps(host, where, *words))


def test_each_call_counts_once(counted):
    (row,) = counted.of("vfs")
    assert {n: row[n] for n in NUMBERS} == expected(CALLS, Done(counted))


def test_account(counted):
    (row,) = counted.of("vfs")
    events = sum(row[n] for n in NUMBERS) - sum(
        turns(step) for step, kinds in CALLS if kinds == "open create"
    )
    assert row["calls"] == events == counted.summary["generated"] == counted.summary["shown"]


def test_sync_and_create_as_users_mean_them(host, tmp):
    calls = (
        "10*open new% rwc",
        "3*mknod node%",
        "ftruncate 4096",
        "5*fsync",
        "7*fdatasync",
        "11*msync",
    )
    (row,) = trace(host, tmp, "vfsstat", ["-i", "60"], steps(host, tmp, *calls)).of("vfs")
    assert (row["fsyncs"], row["creates"]) == (23, 13)


def test_io_uring(host, tmp):
    run = trace(host, tmp, "vfsstat", ["-i", "60"], steps(host, tmp, *(s for s, _ in URING)))
    (row,) = run.of("vfs")
    assert {n: row[n] for n in NUMBERS} == expected(URING, Done(run))


def test_32_bit_calls(host, tmp):
    host.run([host.workload, "make", f"{tmp}/file", "4096"])
    run = trace(host, tmp, "vfsstat", ["-i", "60"], [host.workload, "ia32", "40", f"{tmp}/file"])
    (row,) = run.of("vfs")
    (work,) = run.work
    calls = {call: t["calls"] for call, t in work["calls"].items()}
    assert row["reads"] == calls["read"] >= 40
    assert row["writes"] == calls.get("write", 0) + 1


@pytest.mark.enough_on("running")
def test_every_interval_has_a_row(host, tmp):
    """Also one without events; and the rates are those of its own length."""
    calls = ("sleep 900", "open x rwc", "5*fsync", "sleep 300")
    run = trace(host, tmp, "vfsstat", ["-i", "0.2"], steps(host, tmp, *calls))
    rows = run.of("vfs")
    assert len(rows) >= 6
    assert total(rows)["fsyncs"] == 5 and total(rows)["creates"] == 1
    idle = [r for r in rows if not any(r[n] for n in NUMBERS)]
    assert len(idle) >= 3
    for before, row in zip(rows, rows[1:], strict=False):
        seconds = (row["time_ns"] - before["time_ns"]) / 1e9
        for kind, number in zip(KINDS, NUMBERS, strict=True):
            assert row[f"{kind}_per_s"] == pytest.approx(row[number] / seconds, abs=0.01), row


@pytest.mark.enough_on("running")
def test_rates_have_decimals(host, tmp):
    """One in some seconds is not none."""
    table = f"{tmp}/table"
    argv = [host.iosonde, "vfsstat", "-O", table, "-i", "60", "--columns", "fsync,rename", "--"]
    done = host.run([*argv, *steps(host, tmp, "open x rwc", "fsync", "sleep 1600")])
    head, numbers = host.read_file(table).decode().splitlines()
    assert head.split() == ["FSYNC", "RENAME"], done
    fsync, rename = numbers.split()
    assert 0.2 < float(fsync) < 0.7 and "." in fsync and float(rename) == 0, done


@pytest.mark.enough_on("running")
def test_interval_and_count(host):
    """Nothing matches: that many rows of zeros, and the end."""
    argv = [host.iosonde, "vfsstat", "-o", "json", "-n", "no-such-command", "0.2", "3"]
    done = host.run(argv)
    assert done.returncode == 0, str(done)
    rows = [r for r in parse_rows(done.stdout) if r["type"] == "vfs"]
    assert len(rows) == 3 and not any(r[n] for r in rows for n in NUMBERS)


def test_one_process(host, tmp):
    host.run(["mkdir", f"{tmp}/one", f"{tmp}/other"])
    mine, other = (
        ["steps", f"chdir {tmp}/{d}", "open x rwc", f"{n}*fsync"]
        for d, n in (("one", 13), ("other", 29))
    )
    run = trace_running(
        host, tmp, "vfsstat", lambda pids: ["-p", pids[0], "-i", "60"], [mine, other]
    )
    assert total(run.of("vfs"))["fsyncs"] == 13


def test_blindness_is_declared(counted):
    assert "nfsd" in counted.summary["blind"]
