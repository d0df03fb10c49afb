# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""attachcmp: what each kind of hook sees of calls whose number is known, and what it costs."""

import pytest
from tracer import best_of, parse_rows, trace

FUNCTION_HOOKS = {"fentry", "fexit", "kprobe", "kretprobe", "kprobe.multi"}
CALL_HOOKS = {"tracepoint", "raw_tp", "tp_btf"}
LACKING = {
    "5.10": {"kprobe.multi"},
    "6.1": {"kprobe.multi"},
    "running": FUNCTION_HOOKS,
}
# There programs at system calls can be preempted: a call that meets one is missed, and counted so.
MISSES = {"sid": {"raw_tp", "tp_btf", "fentry", "fexit"}}


def here(host):
    return (FUNCTION_HOOKS | CALL_HOOKS) - LACKING.get(host.name, set())


def table(run):
    found = {(r["function"], r["hook"]): r for r in run.of("hook")}
    assert len(found) == len(run.of("hook")), run.rows
    return found


def steps(host, tmp, *calls):
    return [host.workload, "--silent", "steps", f"open {tmp}/file rwc", *calls]


def compare(host, tmp, targets, argv, **more):
    options = ["--no-cost", "-i", "1h", *targets]
    return trace(host, tmp, "attachcmp", options, argv, lost=None, timeout=120, **more)


def check(host, run, expected):
    """Every kind of hook has a row: with the right count, or with the reason why it has none."""
    rows = table(run)
    hooks = here(host)
    kinds = FUNCTION_HOOKS | CALL_HOOKS
    assert set(rows) == {(t, h) for t in expected for h in kinds}
    assert run.summary["generated"] == sum(r["count"] or 0 for r in rows.values()) + run.summary["lost"]
    missed = run.summary["lost_missed"] if host.name in MISSES else 0
    assert run.summary["lost"] == missed
    for (target, hook), row in rows.items():
        number, is_call = expected[target]
        if hook not in hooks or (hook in CALL_HOOKS and not is_call):
            assert row["count"] is None and row["added_ns"] is None, row
            assert row["note"].startswith("n/a: ") and len(row["note"]) > 12, row
            continue
        least = number - (missed if hook in MISSES.get(host.name, ()) else 0)
        assert least <= row["count"] <= number, row
        assert bool(row["note"]) == (hook in ("kretprobe", "raw_tp", "tp_btf")), row


def test_known_calls(host, tmp):
    """1,000 write, 500 pwrite, 500 writev: the call was made 1,000 times, the function 1,500."""
    argv = steps(host, tmp, "1000*write 1", "500*pwrite 1", "500*writev 1", "3*read 1")
    check(host, compare(host, tmp, [], argv), {"write": (1000, True), "vfs_write": (1500, False)})


def test_other_names(host, tmp):
    """Calls whose function is called otherwise, or takes no arguments."""
    argv = [host.workload, "--silent", "getppid", "300"]
    run = compare(host, tmp, ["getppid", "uname"], argv)
    rows = table(run)
    for hook in here(host) & (CALL_HOOKS | {"kprobe", "kprobe.multi"}):
        assert rows["getppid", hook]["count"] == 300, rows["getppid", hook]
        assert rows["uname", hook]["count"] == 0, rows["uname", hook]


def test_32_bit_calls(host, tmp):
    """A 32-bit write() is another call, and none of the hooks takes it for this one."""
    host.write_file(f"{tmp}/file", b"0" * 4096)
    argv = [host.workload, "--silent", "ia32", "200", f"{tmp}/file"]
    run = compare(host, tmp, ["write", "vfs_write"], argv)
    check(host, run, {"write": (0, True), "vfs_write": (200, False)})


def test_cost(host, tmp):
    """Each hook adds something; a return costs more than an entry, break-points more than calls."""

    def measure():
        run = trace(host, tmp, "attachcmp", ["write"], ["true"], lost=None, timeout=240)
        rows = {r["hook"]: r for r in run.of("hook")}
        for hook in here(host):
            row = rows[hook]
            assert 0 < row["added_ns"] < 20_000 * host.slower, row
            assert 0 < row["run_ns"] < 5_000 * host.slower, row
        if "kprobe" in here(host):
            added = {hook: rows[hook]["added_ns"] for hook in here(host)}
            assert added["kretprobe"] > added["kprobe"] > added["fentry"], added

    best_of(3, measure)


@pytest.mark.enough_on("running")
def test_text_has_every_row_per_interval(host, tmp):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "attachcmp", "--no-cost", "-i", "200ms", "-d", "500ms", "-o", "csv"]
    result = host.run([*argv, "-O", rows, "--", "sleep", "1"], timeout=60)
    assert result.returncode == 0, str(result)
    lines = host.read_file(rows).decode().splitlines()
    assert lines[0].startswith("time_ns,function,hook,count,added_ns,run_ns,note")
    assert (len(lines) - 1) % 16 == 0 and len(lines) > 32, lines
    assert [line.split(",")[1:3] for line in lines[1:17]] == [
        line.split(",")[1:3] for line in lines[17:33]
    ]


MISTAKES = [
    (["vfs_*"], 2, "vfs_*"),
    (["no_such_call", "-d", "50ms"], 1, "no_such_call"),
    (["x" * 64], 2, "name"),
]


@pytest.mark.parametrize("words, status, text", MISTAKES)
def test_mistakes(host, words, status, text):
    result = host.run([host.iosonde, "attachcmp", *words])
    assert result.returncode == status and not result.stdout, str(result)
    assert text in result.err and len(result.err.splitlines()) == 1, str(result)


def test_no_way_at_all(host):
    ways = "tp_btf,raw_tracepoints,tracepoints,fentry,kprobes,kprobe_multi"
    argv = [host.iosonde, "attachcmp", "-d", "1", "-o", "json"]
    result = host.run(argv, env={"IOSONDE_WITHOUT": ways})
    assert result.returncode == 1 and not parse_rows(result.stdout), str(result)
    assert "IOSONDE_WITHOUT" in result.err, str(result)


def test_nothing_stays(host, tmp):
    if not host.exists("/sys/kernel/tracing/enabled_functions"):
        return
    look = ["cat", "/sys/kernel/tracing/enabled_functions"]
    before = host.run(look).stdout
    compare(host, tmp, ["write"], ["true"])
    assert host.run(look).stdout == before
