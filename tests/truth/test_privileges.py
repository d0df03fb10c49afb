# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""With the two capabilities that BPF needs and no more; none kept; the command's own untouched."""

import re
import signal

import pytest
from conftest import ENDS
from tracer import (
    CAP_BPF,
    CAP_PERFMON,
    CAP_SYS_PTRACE,
    caps_of,
    check_ledger,
    child_of,
    proc_status,
    read_run,
    started,
    trace,
    wait_attached,
    wait_ready,
    wait_until,
)

# Every kernel's hooks have truths of their own; this is the engine, at the ends of their range.
ENOUGH_ON = ENDS


def nobody(*caps):
    """uid nobody with exactly these capabilities, kept across exec as ambient ones.

    Before 5.11 maps count as locked memory, whose limit only root raises; elsewhere it may not.
    """
    plus = "".join(f",+{c}" for c in caps)
    return [
        "sh",
        "-c",
        'ulimit -l unlimited 2>/dev/null; exec "$@"',
        "sh",
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        f"--inh-caps=-all{plus}",
        f"--ambient-caps=-all{plus}",
        f"--bounding-set=-all{plus}",
    ]


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
def test_two_capabilities_are_enough(host, tmp, command):
    host.run(["chmod", "777", tmp])
    rows = f"{tmp}/rows"
    argv = [host.iosonde, command, "-o", "json", "-O", rows, "--"]
    result = host.run([*nobody("bpf", "perfmon"), *argv, host.workload, "burst", "50", "/dev/null"])
    assert result.returncode == 0, str(result)
    run = read_run(host, command, result, rows)
    if command == "opensnoop":
        assert len(run.of("open")) == 50 and {r["uid"] for r in run.of("open")} == {65534}
    else:
        check_ledger(run)
        assert [r["count"] for r in run.of("call") if r["call"] == "openat"] == [50]
    assert run.summary["lost"] == 0


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
@pytest.mark.parametrize(
    "have, missing",
    [
        (["perfmon"], ["CAP_BPF"]),
        (["bpf"], ["CAP_PERFMON"]),
        ([], ["CAP_BPF", "CAP_PERFMON"]),
    ],
    ids=["no-bpf", "no-perfmon", "neither"],
)
def test_missing_capability_is_named(host, command, have, missing):
    argv = [*nobody(*have), host.iosonde, command]
    for more, status in ([["-p", "1", "-d", "1"], 1], [["--", "echo", "ran"], 125]):
        result = host.run([*argv, *more], timeout=20)
        assert result.returncode == status and result.stdout == b"", str(result)
        assert len(result.err.strip().splitlines()) == 1, str(result)
        named = re.search(r"missing (CAP_\w+(?: and CAP_\w+)*)", result.err)
        assert named and named[1].split(" and ") == missing, str(result)


def test_limit_of_locked_memory(host):
    """Where the kernel counts maps against it, the message names it, not a capability."""
    limited = ["sh", "-c", 'ulimit -l 64; exec "$@"', "sh", *nobody("bpf", "perfmon")[4:]]
    result = host.run([*limited, host.iosonde, "opensnoop", "--", "echo", "ran"])
    if host.name == "5.10":
        assert result.returncode == 125 and "ulimit -l" in result.err, str(result)
    else:
        assert result.returncode == 0, str(result)


def test_user_stacks_without_ptrace(host):
    argv = [*nobody("bpf", "perfmon"), host.iosonde, "opensnoop", "--ustack", "--"]
    result = host.run([*argv, host.workload, "burst", "3", "/dev/null"], timeout=20)
    assert "CAP_SYS_PTRACE" in result.err, str(result)
    assert result.returncode in (0, 125), str(result)


def held(host, pid):
    return {which: caps_of(host, pid, which) for which in ("CapPrm", "CapEff", "CapInh", "CapAmb")}


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
@pytest.mark.parametrize("start", [[], nobody("bpf", "perfmon")], ids=["root", "nobody"])
def test_capabilities_are_dropped(host, tmp, command, start):
    """None stay after attach; the command that runs meanwhile has all that it would have had."""
    host.run(["chmod", "777", tmp])
    argv = [host.iosonde, command, "-o", "json", "-O", f"{tmp}/rows", "--", host.workload]
    with started(host, [*start, "sleep", "60"]) as plain:
        comm = f"/proc/{plain.pid}/comm"
        wait_until("setpriv done", lambda: host.read_file(comm) == b"sleep\n")
        child_caps = held(host, plain.pid)
    with started(host, [*start, *argv, "--go", "burst", "5", "/dev/null"]) as sonde:
        job = child_of(host, sonde.pid)
        wait_ready(host, job)
        wait_attached(host, sonde.pid)
        assert held(host, job) == child_caps
        kept = held(host, sonde.pid)
        # Before 5.19 map look-ups by bpf(2) need CAP_BPF: iosonde may keep that and says so.
        allowed = 1 << CAP_BPF if host.name in ("5.10",) else 0
        assert not any(v & ~allowed for v in kept.values()), kept
        if not start:  # emptying the bounding set takes CAP_SETPCAP, which nobody had
            assert not caps_of(host, sonde.pid, "CapBnd") & ~allowed
        assert proc_status(host, sonde.pid)["NoNewPrivs"] == "1"
        host.run(["kill", "-USR1", str(job)])
        result = sonde.wait()
    assert result.returncode == 0, str(result)
    run = read_run(host, command, result, f"{tmp}/rows")
    assert run.summary["generated"] >= 5  # it still sees and reports; losses are test_loss.py's


CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE = 2, 40


def test_user_stacks_keep_what_naming_takes(host, tmp):
    """Memory maps, the kernel's links to mapped files, and both of other users' processes."""
    argv = [host.iosonde, "opensnoop", "--ustack", "-O", f"{tmp}/rows", "--", host.workload]
    with started(host, [*argv, "--go", "burst", "5", "/dev/null"]) as sonde:
        wait_ready(host, child_of(host, sonde.pid))
        wait_attached(host, sonde.pid)
        naming = (CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH)
        allowed = sum(1 << c for c in naming) | (1 << CAP_BPF if host.name == "5.10" else 0)
        assert not caps_of(host, sonde.pid) & ~allowed
        assert not caps_of(host, sonde.pid) & (1 << CAP_PERFMON)
        host.run(["kill", "-USR1", str(child_of(host, sonde.pid))])
        assert sonde.wait().returncode == 0


def test_verbose_tells_what_stays(host, tmp):
    argv = [host.iosonde, "opensnoop", "--verbose", "-O", f"{tmp}/rows", "--", "true"]
    result = host.run(argv)
    assert "capabilit" in result.err.lower(), result.err


# Of /proc/self/status, what a command inherits. Sigs: dispositions and the mask.
INHERITED = (
    "Umask Uid Gid Groups NoNewPrivs Seccomp SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd "
    "CapAmb Cpus_allowed Mems_allowed NSpid THP_enabled"
).split()


@pytest.mark.parametrize("start", [[], nobody("bpf", "perfmon")], ids=["root", "nobody"])
def test_command_is_as_without_iosonde(host, tmp, start):
    """Privileges, signals, limits, descriptors, environment, session and working directory."""
    host.run(["chmod", "777", tmp])
    script = (
        "cat /proc/self/status /proc/self/limits; echo fds; ls /proc/self/fd; pwd; nice; env | sort;"
        " cut -d' ' -f5,6,7 /proc/self/stat | sed 's/^[0-9]* /pgrp /'; readlink /proc/self/ns/*"
    )
    command = ["sh", "-c", script]
    sonde = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--"]
    bare = host.run([*start, *command], cwd="/")
    traced = host.run([*start, *sonde, *command], cwd="/")
    assert bare.returncode == traced.returncode == 0, str(traced)

    def lines(result):
        kept = []
        for line in result.stdout.decode().splitlines():
            key = line.partition(":")[0]
            if "\t" in line and ":" in line and key not in INHERITED:
                continue
            # The number of memory pages, the namespace's pid: not inherited things.
            if key in ("NSpid",) or line.startswith("_="):
                continue
            # Each command that a guest is told to run is in a session of its own.
            if host.emulated and line.startswith("pgrp "):
                continue
            kept.append(line)
        return kept

    assert lines(traced) == lines(bare)


def test_ignored_signals_stay_ignored(host, tmp):
    """As under nohup: what iosonde does with signals for itself is not the command's business."""
    look = "grep -E 'SigIgn|SigBlk|SigCgt' /proc/self/status"
    for trap in ('trap "" PIPE', 'trap "" INT TERM HUP', ":"):
        bare = host.run(["sh", "-c", f"{trap}; exec {look}"])
        script = f'{trap}; exec "$0" opensnoop -O "$1" -- {look}'
        traced = host.run(["sh", "-c", script, host.iosonde, f"{tmp}/rows"])
        assert traced.stdout == bare.stdout and bare.stdout, (trap, str(traced), str(bare))


def test_terminal_of_the_command(host, tmp):
    """On a terminal the command is in the foreground and may read it."""
    script = 'test -t 0 && test -t 1 && test -t 2 && stty size && ps -o stat= -p $$ | grep -q "+" '
    argv = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--", "sh", "-c", script + "&& echo ok"]
    result = host.run_pty(argv, columns=91, rows=17)
    assert result.returncode == 0 and b"17 91" in result.stdout and b"ok" in result.stdout, result


def test_command_cannot_reach_our_maps(host, tmp):
    """No descriptor of iosonde's is open in the command, and none of ours leak by number."""
    argv = ["sh", "-c", "ls -l /proc/self/fd"]
    rows = f"{tmp}/rows"
    result = host.run([host.iosonde, "layers", "-o", "json", "-O", rows, "--", *argv])
    assert b"bpf" not in result.stdout and b"anon_inode" not in result.stdout, str(result)


def test_stopped_by_a_signal_drains(host, tmp):
    """Without any capability left it can still detach, drain and finish."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--"]
    with started(host, [*argv, host.workload, "--go", "tick", "20", "1000", "/dev/null"]) as sonde:
        job = child_of(host, sonde.pid)
        wait_ready(host, job)
        wait_attached(host, sonde.pid)
        host.run(["kill", "-USR1", str(job)])
        wait_until("an open", lambda: b'"open"' in host.read_file(rows))
        sonde.signal(signal.SIGTERM)
        result = sonde.wait(20)
    # It is passed on to the command, as timeout(1) and others expect of a wrapper.
    assert result.returncode == 143, str(result)
    run = read_run(host, "opensnoop", result, rows)
    opened = len(run.of("open"))
    assert 0 < opened == run.summary["shown"] == run.summary["generated"] < 1000


def test_trace_of_another_users_command(host, tmp):
    """Run by root, the command drops its own privileges and is followed all the same."""
    argv = ["setpriv", "--reuid=65534", "--clear-groups", host.workload, "burst", "9", "/dev/null"]
    run = trace(host, tmp, "opensnoop", [], argv)
    rows = [r for r in run.of("open") if r["comm"] == "workload"]
    assert len(rows) == 9 and {r["uid"] for r in rows} == {65534}
