# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""--btf FILE: the kernel's types from a copy of them, where the kernel shows none itself.

Theirs are hidden by a mount that nobody else sees. Only classic tracepoints need none of them.
"""

import json

import pytest
from test_programs import has_function
from tracer import read_run

HIDE = """
set -e
cp /sys/kernel/btf/vmlinux "$1"
[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs none /sys/kernel/btf
shift
exec "$@"
"""


@pytest.fixture
def types(tmp):
    return f"{tmp}/vmlinux.btf"


def hidden(host, types, *argv):
    return host.run(["unshare", "-m", "sh", "-c", HIDE, "sh", types, *argv], timeout=60)


def test_every_open(host, tmp, types):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "--btf", types, "-o", "json", "-O", rows, "--", host.workload]
    result = hidden(host, types, *argv, "tree", "4", "25", "/dev/null")
    if not has_function(host, "bpf_task_pt_regs"):  # it finds user space's registers
        assert result.returncode == 125 and "no hook for system calls" in result.err, str(result)
        return
    assert result.returncode == 0, str(result)
    run = read_run(host, "opensnoop", result, rows)
    opens = [r for r in run.of("open") if r["path"] == "/dev/null"]
    # Four children and four grandchildren; two of the children only fork.
    assert len(opens) == 6 * 25 and len({r["pid"] for r in opens}) == 6
    work = json.loads(result.stdout)
    assert all(r["comm"] == "workload" for r in opens) and work["calls"]
    assert run.summary["lost"] == 0


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
def test_without_the_file_it_is_asked_for(host, types, command):
    result = hidden(host, types, host.iosonde, command, "--", "true")
    assert result.returncode == 125 and "--btf FILE" in result.err, str(result)
    assert len(result.err.splitlines()) == 1 and not result.stdout


def test_what_needs_the_kernels_own_says_so(host, types):
    result = hidden(host, types, host.iosonde, "layers", "--btf", types, "--", "true")
    assert result.returncode == 125 and "/sys/kernel/btf/vmlinux" in result.err, str(result)


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
def test_copy_beside_the_kernels_own(host, tmp, types, command):
    rows = f"{tmp}/rows"
    assert host.run(["cp", "/sys/kernel/btf/vmlinux", types]).returncode == 0
    argv = [host.iosonde, command, "--btf", types, "-o", "json", "-O", rows, "--", host.workload]
    result = host.run([*argv, "burst", "50", "/dev/null"])
    assert result.returncode == 0, str(result)
    run = read_run(host, command, result, rows)
    assert run.summary["generated"] >= 50 and run.summary["lost"] == 0


def test_not_types_at_all(host, tmp):
    host.write_file(f"{tmp}/junk", b"no types\n")
    result = host.run([host.iosonde, "opensnoop", "--btf", f"{tmp}/junk", "--", "true"])
    assert result.returncode == 125 and "BTF" in result.err, str(result)
