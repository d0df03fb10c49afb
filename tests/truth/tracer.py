# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Runs iosonde and reads what it says, strictly."""

import base64
import contextlib
import json
import math
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

CELLS = ("cpu_ns", "runq_ns", "queue_ns", "device_ns", "wait_ns", "unknown_ns")
LEDGER_TYPES = ("op", "slowest", "call", "file", "process", "time", "async", "async_file")
LOST = ("lost_state", "lost_end", "lost_missed")
KEY = re.compile(r"[a-z][a-z0-9_]*")
CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF = 19, 38, 39


def unique(pairs):
    keys = [k for k, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key twice: {keys}"
    return dict(pairs)


def no_constant(text):
    raise AssertionError(f"not JSON: {text}")


def parse_line(line):
    """One flat object with a type; lists only of strings (stacks)."""
    row = json.loads(
        line.decode("utf-8", "strict"), object_pairs_hook=unique, parse_constant=no_constant
    )
    assert isinstance(row, dict) and isinstance(row.get("type"), str), line
    for key, value in row.items():
        assert KEY.fullmatch(key), key
        if isinstance(value, list):
            assert all(isinstance(v, str) for v in value), f"{key}: {value}"
        else:
            assert not isinstance(value, dict), f"not flat: {key}"
    return row


def parse_rows(data):
    assert data.endswith(b"\n") or not data, f"last line not ended: {data[-200:]!r}"
    return [parse_line(line) for line in data.split(b"\n")[:-1]]


def check_summary(rows, command):
    summary = [r for r in rows if r["type"] == "summary"]
    assert len(summary) == 1 and rows[-1] is summary[0], "the summary is not the last record"
    s = summary[0]
    assert s["command"] == command
    for key in ("generated", "shown", "filtered", "lost", "lost_ring", *LOST):
        assert isinstance(s[key], int) and s[key] >= 0, (key, s)
    assert s["generated"] == s["shown"] + s["filtered"] + s["lost"], s
    assert s["lost"] == s["lost_ring"] + sum(s[k] for k in LOST), s
    return s


@dataclass
class Run:
    """Rows and summary of iosonde, and what the traced workloads printed."""

    result: object
    rows: list
    summary: dict
    work: list

    def of(self, kind):
        return [r for r in self.rows if r["type"] == kind]


def read_run(host, command, result, rows_path):
    assert host.exists(rows_path), f"no rows were written\n{result}"
    rows = parse_rows(host.read_file(rows_path))
    summary = check_summary(rows, command)
    work = [json.loads(x) for x in result.stdout.split(b"\n") if x.startswith(b'{"workload"')]
    return Run(result, rows, summary, work)


def trace(host, tmp, command, options, argv, timeout=60, status=0, lost=0, within=()):
    """iosonde COMMAND -o json -O FILE OPTIONS -- ARGV. The command's own output stays apart.

    within: what starts iosonde, such as unshare.
    """
    rows = f"{tmp}/rows-{time.monotonic_ns()}.jsonl"
    sonde = [*within, host.iosonde, command, "-o", "json", "-O", rows]
    result = host.run([*sonde, *options, "--", *argv], timeout=timeout)
    assert result.returncode == status, str(result)
    run = read_run(host, command, result, rows)
    if lost is not None:
        assert run.summary["lost"] == lost, run.summary
    return run


def proc_status(host, pid):
    lines = host.read_file(f"/proc/{pid}/status").decode(errors="replace").splitlines()
    return {k: v.strip() for k, _, v in (line.partition(":") for line in lines)}


def wait_until(what, condition, timeout=60.0):
    """The limit is for what never comes: a guest on a busy host takes its time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            value = condition()
            if value:
                return value
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout} s for: {what}")


def caps_of(host, pid, which="CapEff"):
    return int(proc_status(host, pid)[which], 16)


def wait_attached(host, pid):
    """iosonde gives up its capabilities once everything is attached."""
    wait_until("iosonde attached", lambda: not caps_of(host, pid) & (1 << CAP_PERFMON))


def wait_ready(host, pid):
    """The workload waits for SIGUSR1 (--go): it has a handler just before."""
    bit = 1 << (signal.SIGUSR1 - 1)
    wait_until("workload ready", lambda: int(proc_status(host, pid)["SigCgt"], 16) & bit)


def wait_zombie(host, pid):
    def ended():
        return not host.exists(f"/proc/{pid}/status") or proc_status(host, pid)["State"][0] == "Z"

    wait_until("command ended", ended, 60)


def child_of(host, pid, comm="workload"):
    """The command that iosonde started, once it is that program."""

    def find():
        kids = host.read_file(f"/proc/{pid}/task/{pid}/children").split()
        for kid in map(int, kids):
            if host.read_file(f"/proc/{kid}/comm").strip() == comm.encode():
                return kid
        return None

    return wait_until(f"{comm} started by iosonde", find)


@contextlib.contextmanager
def started(host, argv, **more):
    """A process that doesn't outlive the test."""
    process = host.spawn(argv, **more)
    try:
        yield process
    finally:
        if process.running():
            process.signal(signal.SIGKILL)
            # what it has started may hold its output open: the failure that led here says more
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


def trace_running(host, tmp, command, options, argvs, lost=0):
    """Workloads that are there before iosonde: each argv gets --go and starts when it is attached.

    options is a function of their pids. Returns the run and the workloads' own results.
    """
    rows = f"{tmp}/rows-{time.monotonic_ns()}.jsonl"
    with contextlib.ExitStack() as stack:
        jobs = [
            stack.enter_context(started(host, [host.workload, "--go", *argv])) for argv in argvs
        ]
        for job in jobs:
            wait_ready(host, job.pid)
        sonde = stack.enter_context(
            started(
                host,
                [host.iosonde, command, "-o", "json", "-O", rows]
                + [str(o) for o in options([j.pid for j in jobs])],
            )
        )
        wait_attached(host, sonde.pid)
        results = []
        for job in jobs:
            job.signal(signal.SIGUSR1)
        for job in jobs:
            done = job.wait()
            assert done.returncode == 0, str(done)
            results.append(json.loads(done.stdout))
        if sonde.running():
            sonde.signal(signal.SIGINT)
        result = sonde.wait()
    assert result.returncode == 0, str(result)
    run = read_run(host, command, result, rows)
    run.work = results
    if lost is not None:
        assert run.summary["lost"] == lost, run.summary
    return run


def text_of(row, key):
    """A name as bytes, exactly: key_raw where it wasn't UTF-8."""
    if f"{key}_raw" in row:
        raw = base64.b64decode(row[f"{key}_raw"], validate=True)
        try:
            raw.decode("utf-8", "strict")
        except UnicodeDecodeError:
            return raw
        raise AssertionError(f"{key}_raw for a name that is UTF-8: {row}")
    return None if row.get(key) is None else row[key].encode()


def plain_call(name):
    """pread64 and pread are the same call."""
    return name[:-2] if name.endswith("64") else name


def expected_calls(run):
    """What the workloads did, per call: Counter of calls, bytes, and of errors.

    The result line of each is one write more, as long as the line.
    """
    calls, size, errors = Counter(), Counter(), Counter()
    for work in run.work:
        for call, t in work["calls"].items():
            calls[call] += t["calls"]
            size[call] += t["bytes"]
            errors[call] += sum(t["errors"].values())
    for line in run.result.stdout.split(b"\n"):
        if line.startswith(b'{"workload"'):
            calls["write"] += 1
            size["write"] += len(line) + 1
    return calls, size, errors


def check_ledger(run):
    """Every row of the ledger adds up, with no cell out of its range, and all rows to the whole time."""
    for row in run.rows:
        if row["type"] not in LEDGER_TYPES:
            continue
        cells = [row[c] for c in CELLS]
        assert all(isinstance(v, int) and 0 <= v <= row["lat_ns"] for v in cells), row
        assert sum(cells) == row["lat_ns"], row
    assert run.summary["clamped"] == 0 and run.summary["overflow"] == 0, run.summary
    assert run.summary["unaccounted_ns"] == 0, run.summary
    # Somebody is told for all of what was waited for.
    for cell in ("runq", "queue", "device", "wait"):
        blamed = sum(r["lat_ns"] for r in run.of("because") if r["cell"] == cell)
        assert blamed == sum(r[f"{cell}_ns"] for r in run.of("time")), (cell, run.of("because"))
    assert sum(r["lat_ns"] for r in run.of("time")) == run.summary["watched_ns"] > 0, run.summary


def check_pairs(run):
    """--check: {book: row}, each of which adds up."""
    pairs = {r["book"]: r for r in run.of("check")}
    assert len(pairs) == len(run.of("check"))
    for r in pairs.values():
        assert r["state"] in ("same", "explained", "differs", "not compared"), r
        assert (r["state"] == "same") == ("why" not in r) or r["state"] == "differs", r
        if r["state"] != "not compared":
            assert r["off"] == abs(r["ours"] + r["others"] - r["kernel"]), r
            assert (r["state"] == "same") == (r["off"] <= r["allowed"]), r
    return pairs


def call_row(run, call):
    rows = [r for r in run.of("call") if plain_call(r["call"]) == call]
    assert len(rows) == 1, f"{call}: {[r['call'] for r in run.of('call')]}"
    return rows[0]


def share(row, cell):
    return row[cell] / row["lat_ns"] if row["lat_ns"] else math.nan


def best_of(tries, experiment):
    """The same experiment up to that many times, until one passes.

    Only for figures that a neighbour on the machine can spoil in one direction: it can take the CPU
    or the disk away from us, never make a wrong tracer right three times.
    """
    for left in reversed(range(tries)):
        try:
            return experiment()
        except AssertionError:
            if not left:
                raise
    return None
