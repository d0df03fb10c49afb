# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""funccount on every kernel, also where no function can be hooked: tracepoints, and what it refuses."""

import pytest
from conftest import GUESTS
from tracer import read_run


def test_no_way_at_all(host):
    """Names what was tried, on the kernel that has none of it and where all are hidden."""
    env = {} if host.name == "running" else {"IOSONDE_WITHOUT": "kprobe_multi,kprobes,fentry"}
    result = host.run([host.iosonde, "funccount", "vfs_*", "-d", "1"], env=env)
    assert result.returncode == 1 and not result.stdout, str(result)
    assert all(f" {way} (" in result.err for way in ("kprobe.multi", "kprobe", "fentry")), str(result)


def test_tracepoints(host, tmp):
    """They need no hook on a function."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "funccount", "t:syscalls:sys_enter_getppid", "t:syscalls:sys_*_getpgid"]
    argv += ["-o", "json", "-O", rows, "--", host.workload, "--silent", "getppid", "1000"]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0, str(result)
    (row,) = read_run(host, "funccount", result, rows).of("function")
    assert (row["function"], row["count"]) == ("syscalls:sys_enter_getppid", 1000), row
    assert row["address"] is None and row["hook"] == "raw_tp", row


MISTAKES = [
    ([], 2, "which functions"),
    (["/(/"], 2, "regular expression"),
    (["-r", "^vfs"], 2, "slashes"),
    (["-D", "vfs_*"], 2, "--ebpf"),
    (["c:malloc"], 2, "kernel"),
    (["./test:read*"], 2, "kernel"),
    (["u:pthread:*mutex*"], 2, "kernel"),
    (["no_such_function_*", "-d", "50ms"], 1, "no_such_function_*"),
]


@pytest.mark.only_on(*GUESTS)
def test_all_tracepoints(host, tmp):
    """Hundreds of them, those of single system calls too, are hooked, counted and left in little more
    than it takes to load the programs."""
    rows = f"{tmp}/rows"
    classes = ("block", "ext4", "sched", "writeback", "jbd2", "syscalls")
    argv = [host.iosonde, "funccount", *(f"t:{name}:*" for name in classes)]
    script = "dd if=/dev/zero of=$0/f bs=4k count=1 conv=fsync 2>/dev/null"
    result = host.run([*argv, "-o", "json", "-O", rows, "--", "sh", "-c", script, tmp], timeout=120)
    assert result.returncode == 0, str(result)
    run = read_run(host, "funccount", result, rows)
    hooks = {r["hook"] for r in run.of("function")}
    hit = {r["function"]: r["count"] for r in run.of("function") if r["count"]}
    assert hooks == {"raw_tp"}, hooks
    for name in ("ext4:ext4_sync_file_enter", "syscalls:sys_enter_fsync", "syscalls:sys_exit_fsync"):
        assert hit[name] == 1, (name, hit)
    assert result.seconds < 30, f"leaving them took a while: {result.seconds}"


@pytest.mark.enough_on("running")
@pytest.mark.parametrize("words, status, text", MISTAKES)
def test_mistakes(host, words, status, text):
    result = host.run([host.iosonde, "funccount", *words])
    assert result.returncode == status and not result.stdout, str(result)
    assert text in result.err and len(result.err.splitlines()) == 1, str(result)
