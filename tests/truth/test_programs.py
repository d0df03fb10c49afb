# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every program of every command whose target the kernel has loads there, with each rung.

The table goes to results/programs-KERNEL.txt in the build directory; program_table.py joins them.
"""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from program_table import RESULTS, parse_table

COMMANDS = (
    "opensnoop",
    "statsnoop",
    "syncsnoop",
    "mountsnoop",
    "execsnoop",
    "syscount",
    "layers",
    "rwsnoop",
    "filetop",
    "dirtop",
    "fileslower",
    "fsslower",
    "fsdist",
    "runqslower",
    "runqlat",
    "cpudist",
    "exitsnoop",
    "offcputime",
    "profile",
    "tcpconnect",
    "tcpaccept",
    "tcpretrans",
    "tcplife",
    "netio",
    "oomkill",
    "drsnoop",
    "faultsnoop",
    "shmsnoop",
    "slabratetop",
    "memtop",
    "cachetop",
    "dcstat",
    "dcsnoop",
    "readahead",
    "readpath",
)
# What switches on programs that a plain run leaves out. A command: its descendants are followed.
OPTIONS = {
    "opensnoop": [[], ["-F"]],
    "tcpconnect": [["--check"]],
    "tcpaccept": [["--check"]],
    "tcpretrans": [["--check"]],
    "tcplife": [["--check"], ["--states", "--check"]],
    "oomkill": [["--check"]],
    "drsnoop": [["--check"]],
    "memtop": [["--check"]],
    "layers": [[], ["--check"]],
    "offcputime": [["--wakers"]],
    "rwsnoop": [[], ["-c"]],
    "filetop": [["-D", "/"]],
    "dirtop": [["-D", "/"]],
    "faultsnoop": [["-a", "--check"]],
    "dcsnoop": [["-a"]],
}
# What of libaio's calls is told by functions where those can be hooked. Without them is tried where
# most is refused.
BY_FUNCTIONS = {"aio_enter": "aio_began", "aio_leave": "aio_done"}
FILE_IO = ("rwsnoop", "filetop", "dirtop", "fileslower", "fsslower", "fsdist")
FUNCTIONS = ("fentry", "fexit", "kprobe")
NO_FUNCTIONS = {"IOSONDE_WITHOUT": "fentry,kprobes"}
SYMBOL = re.compile(r" g +F (\S+/\S+|perf_event)\s+[0-9a-f]+ (\w+)$", re.M)


def programs_in(path):
    """{program: hook} of an object, functions that are called left out."""
    tool = shutil.which("llvm-objdump") or "llvm-objdump-14"
    text = subprocess.run([tool, "-t", path], capture_output=True, text=True, check=True).stdout
    found = {name: hook for hook, name in SYMBOL.findall(text)}
    assert found, text
    return found


def has_function(host, name):
    return host.run([host.iosonde, "doctor", "--symbol", name]).returncode == 0


@functools.cache
def btf_of(host):
    """Megabytes, which a guest sends slowly."""
    return host.read_file("/sys/kernel/btf/vmlinux")


def form_of(name):
    """Programs for the same purpose share the first two words of their names."""
    form = "_".join(name.split("_")[:2])
    return BY_FUNCTIONS.get(form, form)


def loaded(host, command, options, env=None):
    """{program: line} of what loads."""
    argv = [host.iosonde, command, "--ebpf", *options, "--", "true"]
    result = host.run(argv, env=env)
    assert result.returncode == 0 and not result.err, str(result)
    return parse_table(result.stdout.decode())


@pytest.mark.parametrize("command", COMMANDS)
def test_programs_load(host, rung, command):
    everything = programs_in(host.build / f"{command}.bpf.full.o")
    there, lines = {}, []
    ways = [(options, None) for options in OPTIONS.get(command, [[]])]
    if command in FILE_IO and host.name == "5.10":
        ways += [(options, NO_FUNCTIONS) for options, _ in ways]
    for options, env in ways:
        table = loaded(host, command, options, env)
        there |= table
        with_these = [",".join(options)] if options else []
        lines += [f"{command} {rung} {' '.join([*with_these, line])}" for line in table.values()]
    assert set(there) <= set(everything)
    taken = {form_of(name) for name in there}
    for name, hook in everything.items():
        if name in there:
            continue
        kind, _, target = hook.partition("/")
        # Another program does the same, by the arguments passed here or another kind of hook.
        absent = kind == "tp_btf" and f"\0btf_trace_{target}\0".encode() not in btf_of(host)
        # What only functions tell is blind where none can be hooked.
        absent |= kind in FUNCTIONS and host.name == "running"
        other = form_of(name) in taken
        assert other or absent, f"{name} ({hook}) was not loaded: {sorted(there)}"
        lines.append(f"{command} {rung} {name} {hook} {'no target' if absent else 'other form'}")
    record(host, command, rung, lines)


@pytest.mark.only_on("running")  # no kernel has a say
def test_programs_are_asked_for(host):
    """Each program stands in some rung, or it is never loaded."""
    source = "".join(
        path.read_text()
        for room in ("bpf", "core", "tools")
        for path in Path(__file__).parents[2].joinpath(room).rglob("*.[ch]")
    )
    named = set(re.findall(r'"(\w+)', source))
    for path in host.build.glob("*.bpf.full.o"):
        forgotten = set(programs_in(path)) - named
        assert not forgotten, f"{path.name}: in no rung: {sorted(forgotten)}"


def test_programs_where_the_kernel_shows_no_types(host):
    """Only classic tracepoints are left, and the processes are followed by them."""
    if not has_function(host, "bpf_task_pt_regs"):
        return
    table = loaded(host, "opensnoop", [], {"IOSONDE_WITHOUT": "own_btf"})
    wanted = {"open_exit_tp", "target_fork_newtask", "target_exec_tp"}
    assert set(table) == wanted
    record(host, "opensnoop", "typeless", [f"opensnoop typeless {line}" for line in table.values()])


# Rungs that no kernel chooses by itself. A kernel: a command, what is kept from it, what loads then.
FORCED = {
    # its event has told the cache since 6.1; by functions before, which have other names since 6.10
    "6.1": [
        (
            "slabratetop",
            "slab_alloc",
            {"slab_alloc_any_k", "slab_alloc_node_k", "slab_alloc_lru_k"},
        )
    ],
    "6.12": [
        # by classic tracepoints, where what is mapped can't be followed
        (
            "syncsnoop",
            "sync_enter,sync_enter_mapped,sync_enter_mapped_tp",
            {"sync_enter_tp", "sync_exit_tp"},
        ),
    ],
    # its events of reclaim tell the memory cgroup, but it prefers the classic ones
    "sid": [("drsnoop", "direct_begin_tp", {"direct_begin_memcg", "memcg_begin_memcg"})],
}


@pytest.mark.only_on(*FORCED)
def test_programs_of_a_rung_that_no_kernel_chooses(host):
    for command, better, wanted in FORCED[host.name]:
        table = loaded(host, command, [], {"IOSONDE_WITHOUT": better})
        assert wanted <= set(table)
        record(host, command, "forced", [f"{command} forced {line}" for line in table.values()])


def record(host, command, rung, lines):
    path = host.build / RESULTS / f"programs-{host.name}.txt"
    path.parent.mkdir(exist_ok=True)
    old = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in old if not line.startswith(f"{command} {rung} ")]
    path.write_text("\n".join(sorted(kept + lines)) + "\n")
