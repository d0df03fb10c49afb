# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""--btf FILE: the kernel's types from a copy of them, where the kernel shows none itself.

Theirs are hidden by a mount that nobody else sees. Only classic tracepoints need none of them.
"""

import json
import struct

import pytest
from test_programs import has_function
from tracer import read_run

HIDE = """
set -e
cp /sys/kernel/btf/vmlinux "$1"
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


def made_up(*types, names=b"\0int\0task\0"):
    """A BTF file of these types, each a tuple of words."""
    words = b"".join(struct.pack(f"<{len(t)}I", *t) for t in types)
    head = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(words), len(words), len(names))
    return head + words + names


INT = (1, 1 << 24, 4, 32)
HOSTILE = {
    "a type beyond the end": made_up(INT, (0, 2 << 24, 0x7FFFFFFF)),
    "a member's type beyond the end": made_up(INT, (5, 4 << 24 | 1, 8, 1, 0xFFFFFFF0, 0)),
    "a name beyond the end": made_up(INT, (0xFFFFFFF0, 4 << 24, 8)),
    "a typedef of itself": made_up(INT, (5, 8 << 24, 2)),
    "a struct in itself": made_up(INT, (5, 4 << 24 | 1, 8, 1, 2, 0)),
    "names without an end": made_up(INT, names=b"\0int"),
    "more members than bytes": made_up(INT, (5, 4 << 24 | 0xFFFF, 8)),
    "an ELF file without any": b"\x7fELF\x02\x01\x01" + bytes(100),
}


@pytest.mark.enough_on("running")  # it is refused before a kernel sees it
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile(host, tmp, what):
    """Whoever asks gets an error at once; nothing of such a file is followed."""
    path = f"{tmp}/made-up"
    host.write_file(path, HOSTILE[what])
    for command in (["opensnoop"], ["layers"], ["doctor"]):
        argv = [host.iosonde, *command, "--btf", path]
        argv += [] if command == ["doctor"] else ["--", "true"]
        result = host.run(argv, timeout=20)
        assert result.returncode == (1 if command == ["doctor"] else 125), str(result)
        assert len(result.err.splitlines()) == 1 and "that can be read: it" in result.err, str(result)


@pytest.mark.enough_on("running")
@pytest.mark.parametrize("make", ["mkfifo {0}", "mkdir {0}", "ln -s /dev/zero {0}"])
def test_no_file(host, tmp, make):
    path = f"{tmp}/odd"
    assert host.run(["sh", "-c", make.format(path)]).returncode == 0
    result = host.run([host.iosonde, "opensnoop", "--btf", path, "--", "true"], timeout=10)
    assert result.returncode == 125 and "regular file" in result.err, str(result)


@pytest.mark.only_on("running")  # guests have no setcap
def test_types_are_not_chosen_by_others(host, tmp, types):
    """A binary whose file has the capabilities: whoever runs it can't say where fields are."""
    binary, nobody = f"{tmp}/iosonde", ["setpriv", "--reuid", "65534", "--clear-groups"]
    script = f'cp "$0" {binary} && chmod 755 {binary} {tmp} && setcap cap_bpf,cap_perfmon+ep {binary}'
    script += f" && cp /sys/kernel/btf/vmlinux {types} && chmod 644 {types}"
    assert host.run(["sh", "-c", script, host.iosonde]).returncode == 0
    result = host.run([*nobody, binary, "opensnoop", "--btf", types, "--", "true"], timeout=20)
    assert result.returncode == 125 and "capabilities of its own" in result.err, str(result)
    # Nor by what makes abilities look absent: without it there would be no hook.
    result = host.run(["env", "IOSONDE_WITHOUT=tp_btf,tracepoints,raw_tracepoints", *nobody, binary,
                       "opensnoop", "--ebpf"], timeout=20)  # fmt: skip
    assert "no hook" not in result.err, str(result)
    # As root the same file is no matter.
    result = host.run([host.iosonde, "opensnoop", "--btf", types, "--", "true"], timeout=20)
    assert result.returncode == 0, str(result)
