# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""doctor keeps its word: what it calls usable runs by the hooks named, the rest fails as told."""

import csv
import fnmatch
import functools
import io
import re
import subprocess

import pytest
from commands import NEEDS, name_in_summary
from tracer import check_summary, parse_rows


def nobody(*caps):
    """uid nobody with exactly these capabilities."""
    plus = "".join(f",+{c}" for c in caps)
    return [
        "/usr/bin/setpriv",  # in full, or busybox's shell takes busybox's own
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        f"--inh-caps=-all{plus}",
        f"--ambient-caps=-all{plus}",
        f"--bounding-set=-all{plus}",
    ]


def locking(limit, argv):
    """argv, which may lock that much memory: it matters only where maps count as locked."""
    return ["sh", "-c", f'ulimit -l {limit} 2>/dev/null; exec "$@"', "-", *argv]


WHO = {
    "root": [],
    "two": locking("unlimited", nobody("bpf", "perfmon")),
    "none": nobody(),
    "unlocked": locking(0, nobody("bpf", "perfmon")),
}
KEYS = {
    "ability": {"type", "name", "available", "how", "found", "why"},
    "command": {"type", "name", "usable", "hooks", "state", "blind", "why"},
    "hook": {"type", "command", "what", "hooks", "blind", "why"},
}
PROGRAMS = {"tp_btf", "tp_btf_exact", "raw_tracepoints", "tracepoints", "kprobes", "kprobe_multi", "fentry"}
PROGRAMS |= {"iterators", "ring_buffer", "task_storage", "atomics_fetch", "bpf_loop", "jit"}
OTHERS = {"btf", "module_btf", "kernel_reads", "locked_memory", "batch_operations"}
OTHERS |= {"run_time_stats", "maps_without_capabilities", "perf_events", "tracefs"}
OTHERS |= {"kernel_symbols", "no_lockdown", "unprivileged_bpf"}
CAPS = {"cap_bpf", "cap_perfmon", "cap_sys_admin", "cap_sys_ptrace", "cap_syslog"}
CAPS |= {"cap_sys_resource"}
# What Debian's kernels are known to lack, for root; they have all other PROGRAMS.
LACKING = {
    "5.10": {"kprobe_multi", "task_storage", "atomics_fetch", "bpf_loop"},
    "6.1": {"kprobe_multi"},
    "6.12": set(),
    "sid": {"tp_btf_exact"},
}


# What is printed doesn't depend on the kernel, and takes an emulated one long.
on_this_kernel = pytest.mark.only_on("running")


class Diagnosis:
    def __init__(self, host, who, env=None, options=()):
        self.argv = [*WHO[who], host.iosonde]
        result = host.run([*self.argv, "doctor", "-o", "json", *options], env=env, timeout=120)
        assert result.returncode == 0 and result.stderr == b"", str(result)
        self.rows = parse_rows(result.stdout)
        for row in self.rows:
            assert set(row) == KEYS[row["type"]], row
        self.abilities = self.named("ability")
        self.commands = self.named("command")

    def of(self, kind):
        return [r for r in self.rows if r["type"] == kind]

    def named(self, kind):
        rows = {r["name"]: r for r in self.of(kind)}
        assert len(rows) == len(self.of(kind)), "a name twice"
        return rows

    def available(self):
        return {name for name, a in self.abilities.items() if a["available"]}

    def usable(self):
        return [name for name, c in self.commands.items() if c["usable"]]


def leftovers(host):
    """What a doctor that doesn't clean up after itself would change.

    In a guest the kernel itself mounts tracefs where somebody looks below debugfs, so look there first.
    """
    script = "ls /sys/kernel/debug/tracing/ >&2; cat /sys/kernel/tracing/kprobe_events /proc/mounts"
    return host.run(["sh", "-c", script]).stdout


class Diagnoses:
    """One for everybody, when it is first asked for: each takes an emulated processor long."""

    def __init__(self, host):
        self.host, self.made = host, {}

    def __getitem__(self, who):
        if who not in self.made:
            before = leftovers(self.host)
            self.made[who] = Diagnosis(self.host, who)
            assert leftovers(self.host) == before, "something was left behind, or mounted"
        return self.made[who]


@pytest.fixture(scope="module")
def diagnoses(host):
    return Diagnoses(host)


# What two capabilities allow is the same from the oldest to the newest. Only 5.10 counts the memory of maps
# as locked; what is newer than 6.1 does as that does.
DECIDED = {"two": ("running", "5.10", "sid"), "unlocked": ("running", "5.10", "6.1")}


def asked_on(who):
    return pytest.param(who, marks=pytest.mark.enough_on(*DECIDED[who]) if who in DECIDED else ())


@pytest.fixture(params=map(asked_on, WHO))
def diagnosis(diagnoses, request):
    return request.param, diagnoses[request.param]


@functools.cache
def listed(binary):
    """Commands without their other names, whose help is that of the command itself. No kernel has a say."""

    def told(*words):
        return subprocess.run([binary, *words], capture_output=True, check=True).stdout.decode()

    names = [line.split()[0] for line in told("list").splitlines()]
    return {told("help", name).split()[1].rstrip(":") for name in names}


def test_everything_is_told(host, diagnosis):
    _, d = diagnosis
    assert set(d.abilities) == PROGRAMS | OTHERS | CAPS
    assert set(d.commands) == listed(host.build / "iosonde")
    for row in (*d.abilities.values(), *d.commands.values()):
        there = row["available"] if "available" in row else row["usable"]
        assert isinstance(there, bool)
        assert bool(row["why"]) != there, f"a reason exactly where something is missing: {row}"
    for row in d.abilities.values():
        assert row["how"] in ("tried", "looked")
    for name, row in d.commands.items():
        mine = [h for h in d.of("hook") if h["command"] == name]
        assert bool(row["hooks"]) == row["usable"] == bool(mine) == bool(row["state"]), row
        assert row["hooks"].split() == [h for m in mine for h in m["hooks"].split()]
        assert all(m["blind"] in row["blind"] for m in mine if m["blind"]), row


def test_abilities_are_those_of_the_kernel(host, diagnosis):
    """What was found out about these kernels by other means; privileges take away, never add."""
    who, d = diagnosis
    have = d.available()
    if who == "none":
        assert not have & PROGRAMS
        return
    assert {"tp_btf", "raw_tracepoints", "jit", "batch_operations"} <= have or who == "unlocked"
    if "tp_btf" in have:  # it's answered, whatever symbols the kernel tells
        assert not d.abilities["tp_btf_exact"]["found"].startswith("loading"), d.abilities
    if host.name in LACKING:
        assert not have & LACKING[host.name]
    elif not host.exists("/sys/bus/event_source/devices/kprobe"):
        assert "kprobes" not in have
    if who == "root" and host.name in LACKING:
        assert PROGRAMS - have == LACKING[host.name]
        assert {"tracefs", "kernel_symbols", "perf_events", "no_lockdown"} <= have


def test_capabilities_are_those_held(host, diagnosis):
    who, d = diagnosis
    if who == "root":
        text = host.run(["cat", "/proc/self/status"]).stdout.decode()
        held = int(re.search(r"^CapEff:\s*(\w+)", text, re.M)[1], 16)
        bits = {"cap_sys_ptrace": 19, "cap_sys_admin": 21, "cap_sys_resource": 24}
        bits |= {"cap_syslog": 34, "cap_perfmon": 38, "cap_bpf": 39}
        expected = {name for name, bit in bits.items() if held >> bit & 1}
    else:
        expected = set() if who == "none" else {"cap_bpf", "cap_perfmon"}
    assert d.available() & CAPS == expected


def start(host, d, command, env=None, rows="/dev/null", traced=("true",)):
    words = [command, *NEEDS.get(command, [])]
    argv = [*d.argv, *words, "--verbose", "-o", "json", "-O", rows, "--", *traced]
    return host.run(argv, env=env, timeout=60)


def explained(result, command):
    """What --verbose says: {(what, hooks)}, all of "blind to", and where the state is."""
    hooks, blind, state = {}, set(), None
    for line in result.err.splitlines():
        text = line.removeprefix(f"{command}: ")
        if found := re.fullmatch(r"(.+?): ([\w.]+/\S+?|perf_event)(; better ones failed: .*)?", text):
            hooks.setdefault(found[1], []).append(found[2])
        elif found := re.fullmatch(r"(.+?): none; tried .*; without it: (.*)", text):
            hooks[found[1]] = []
            blind.add(found[2])
        elif found := re.fullmatch(r".+?: blind to (.*)", text):
            blind.add(found[1])
        elif found := re.fullmatch(r"per-thread state: (.*)", text):
            state = found[1]
    return hooks, blind, state


def check_account(host, result, rows):
    """What it traced is whole, and its status that of what it ran."""
    assert result.returncode == 7, str(result)
    data = host.read_file(rows)
    assert check_summary(parse_rows(data), name_in_summary(data))["lost"] == 0


def check_usable(host, d, command, env=None, rows=None):
    """It runs, by the hooks named; with @rows, its account of some opens adds up, too."""
    if rows:
        script = f"'{host.workload}' --silent burst 20 /dev/null; exit 7"
        result = start(host, d, command, env, rows, ["sh", "-c", script])
        check_account(host, result, rows)
    else:
        result = start(host, d, command, env)
        assert result.returncode == 0, str(result)
    hooks, blind, state = explained(result, command)
    told = [h for h in d.of("hook") if h["command"] == command]
    assert hooks == {h["what"]: h["hooks"].split() for h in told}, str(result)
    assert hooks and any(hooks.values())
    assert blind == {h["blind"] for h in told if h["blind"]}, str(result)
    assert state == d.commands[command]["state"], str(result)


def those_of_fewer_privileges(d, root):
    """Commands that have other hooks than as root, and of those with the same ones each eighth."""
    other = {h["command"] for h in d.of("hook") if h not in root.of("hook")}
    return [c for i, c in enumerate(d.usable()) if c in other or i % 8 == 0]


def test_usable_commands_run_by_the_hooks_named(host, tmp, diagnosis, diagnoses):
    """As root with something to see: each command on each kernel."""
    who, d = diagnosis
    usual = diagnoses["two"] if who == "unlocked" else None
    same = usual and (d.commands, d.of("hook")) == (usual.commands, usual.of("hook"))
    # where memory isn't counted the limit of it makes no difference: a few show that
    chosen = d.usable()[: 3 if same else None]
    if who == "two" and host.emulated:
        chosen = those_of_fewer_privileges(d, diagnoses["root"])
    for command in chosen:
        check_usable(host, d, command, rows=f"{tmp}/rows" if who == "root" else None)
    if who in ("root", "two"):
        assert {"opensnoop", "layers"} <= set(d.usable())


def test_unusable_commands_fail_for_the_reason_told(host, diagnosis):
    who, d = diagnosis
    unusable = set(d.commands) - set(d.usable())
    # without any privilege all say the same, before the kernel is asked
    some = 8 if who == "none" and host.emulated else 1
    for command in sorted(unusable)[::some]:
        result = start(host, d, command)
        assert result.returncode == 125, str(result)
        lines = [x.removeprefix(f"{command}: ") for x in result.err.splitlines()]
        lines = [x for x in lines if not x.startswith("kernel symbols are hidden")]  # a warning
        assert lines[0] == d.commands[command]["why"], str(result)
    if who == "none":
        assert unusable == listed(host.build / "iosonde")
    if who == "unlocked" and host.name == "5.10":
        assert {"opensnoop", "layers"} <= unusable
        assert "locked" in d.abilities["locked_memory"]["why"]


# As many machines are found, with whatever a namespace of the tests has mounted taken away again.
NOT_MOUNTED = """
for where in /sys/kernel/debug/tracing /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security; do
	umount "$where" 2>/dev/null
done
exec "$@"
"""


def test_without_the_filesystems_of_the_kernel(host):
    """Nothing but classic tracepoints needs them. All of it is asked where the answer comes fast."""
    bare = ["unshare", "-m", "sh", "-c", NOT_MOUNTED, "sh", host.iosonde]
    options = ["--command", "opensnoop"] if host.emulated else []
    result = host.run([*bare, "doctor", "-o", "json", *options], timeout=120)
    rows = {r["name"]: r for r in parse_rows(result.stdout) if r["type"] != "hook"}
    assert rows["opensnoop"]["usable"], rows
    if not host.emulated:
        assert not rows["tracefs"]["available"], rows
        assert "mount -t tracefs" in rows["tracefs"]["why"], rows
        assert not rows["tracepoints"]["available"], rows
    argv = [host.workload, "burst", "3", "/dev/null"]
    seen = host.run([*bare, "opensnoop", "-o", "csv", "--columns", "path", "--", *argv])
    assert seen.stdout.decode().count("/dev/null\n") == 3, str(seen)


@pytest.mark.only_on("running", "6.12")
def test_forced_fall_back_is_told(host):
    env = {"IOSONDE_WITHOUT": "task_storage"}
    some = ("fileslower", "layers", "opensnoop")
    for only in [["--command", c] for c in some] if host.emulated else [[]]:
        d = Diagnosis(host, "root", env, only)
        assert {c["state"] for c in d.commands.values() if c["usable"]} == {"a hash of threads"}
        for command in sorted({*some} & set(d.usable())):
            check_usable(host, d, command, env)


@on_this_kernel
def test_text_and_csv_tell_the_same(host, diagnoses):
    d = diagnoses["root"]
    text = host.run([host.iosonde, "doctor"], timeout=120).stdout.decode()
    for name, a in d.abilities.items():
        line = re.search(rf"^{name} +(yes|no) +(tried|looked) ", text, re.M)
        assert line and (line[1] == "yes") == a["available"], name
        assert a["why"] in text
    for name, c in d.commands.items():
        line = re.search(rf"^{name} +(yes|no) +{c['state'] or '-'} ", text, re.M)
        assert line and (line[1] == "yes") == c["usable"], name
    table = host.run([host.iosonde, "doctor", "-o", "csv"], timeout=120).stdout.decode()
    rows = list(csv.reader(io.StringIO(table)))
    assert rows[0] == ["name", "available", "how", "found", "why"]
    assert {r[0]: r[1] for r in rows[1 : len(d.abilities) + 1]} == {
        name: str(int(a["available"])) for name, a in d.abilities.items()
    }


# --- single questions ---


def ask(host, *options, status=0, who="root"):
    argv = [*WHO[who], host.iosonde, "doctor", *options]
    result = host.run(argv, timeout=30)
    assert result.returncode == status, str(result)
    if status:
        assert result.stdout == b"" and len(result.err.splitlines()) == 1, str(result)
        return result.err
    assert result.stderr == b"", str(result)
    return parse_rows(result.stdout) if "json" in options else result.stdout.decode()


def field(host, name, who="root"):
    (row,) = ask(host, "-o", "json", "--field", name, who=who)
    assert row["type"] == "field" and row["name"] == name
    return row


def test_fields_are_where_they_are(host):
    head = [field(host, f"list_head.{n}") for n in ("next", "prev")]
    assert [(f["offset"], f["size"], f["bits"]) for f in head] == [(0, 8, 0), (8, 8, 0)]
    assert field(host, "task_struct.comm", who="none")["size"] == 16
    outer, inner = field(host, "file.f_path")["offset"], field(host, "path.dentry")["offset"]
    assert field(host, "file.f_path.dentry")["offset"] == outer + inner
    assert field(host, "inode.i_nlink")["size"] == 4  # in a nameless union
    bits = field(host, "task_struct.in_execve")
    assert bits["bits"] == 1 and 0 <= bits["bit"] < 8 and bits["size"] == 1
    text = ask(host, "--field", "list_head.prev")
    assert re.search(r"^list_head.prev +8 +8 list_head$", text, re.M)


@pytest.mark.parametrize(
    "name", ["task_struct.nope", "no_such_struct.x", "task_struct.comm.x", "list_head.next.next"]
)
def test_field_that_is_not_there(host, name):
    assert name in ask(host, "--field", name, status=1)


@on_this_kernel
@pytest.mark.parametrize("name", ["", "task_struct", "task_struct.", ".comm", "x" * 300 + ".y"])
def test_field_that_makes_no_sense(host, name):
    assert "--field" in ask(host, "--field", name, status=2)


def kallsyms(host):
    """[address, kind, name, perhaps module]"""
    text = host.run(["cat", "/proc/kallsyms"]).stdout.decode()
    return [line.split() for line in text.splitlines()]


def test_symbols_are_those_of_the_kernel(host):
    there = kallsyms(host)
    for glob in ("vfs_*", "ext4_file_[rw]*", *([] if host.emulated else ["vfs_read", "*_getattr"])):
        expected = [(int(a, 16), k, n) for a, k, n, *_ in there if fnmatch.fnmatchcase(n, glob)]
        rows = ask(host, "-o", "json", "--symbol", glob)
        listed_ = [(r["address"], r["kind"], r["name"]) for r in rows if r["kind"] != "-"]
        assert listed_ == expected and expected, glob
        for row in rows:
            assert row["btf"] or row["kind"] != "-", row
    (row,) = [r for r in ask(host, "-o", "json", "--symbol", "vfs_read") if r["kind"] in "tT"]
    assert row["btf"] is True and row["address"] > 1 << 63 and row["module"] == ""
    hidden = ask(host, "-o", "json", "--symbol", "vfs_read", who="none")
    assert [r["name"] for r in hidden] == ["vfs_read"] and hidden[0]["address"] == 0


def test_symbol_that_is_not_there(host):
    assert "no_such_*" in ask(host, "--symbol", "no_such_*", status=1)
    assert "--symbol" in ask(host, "--symbol", "", status=2)


CALLS = ["read", "openat", "openat2", "stat", "fstat", "uname", "umount2", "getpid", "fork", "sync"]
CALLS += ["sendfile", "rt_sigreturn", "io_uring_setup", "cachestat", "kexec_load", "uselib"]
CALLS += ["create_module", "lookup_dcookie"]
# Where each answer takes long: those that kernels differ in, and one of each kind.
FEW_CALLS = ["openat2", "stat", "uname", "cachestat", "uselib", "create_module", "lookup_dcookie"]
KNOWN = {"read": (0, 3), "openat": (257, 295), "openat2": (437, 437), "stat": (4, 106)}
RENAMED = {"stat": "newstat", "fstat": "newfstat", "uname": "newuname"}
RENAMED |= {"umount2": "umount", "sendfile": "sendfile64"}


def test_system_calls_are_those_of_the_kernel(host):
    functions = {name for _, kind, name, *_ in kallsyms(host) if kind in "tT"}
    answers = set()
    for name in FEW_CALLS if host.emulated else CALLS:
        function = f"__x64_sys_{RENAMED.get(name, name)}"
        there = function in functions
        answers.add(there)
        if not there:
            assert name in ask(host, "--syscall", name, status=1)
            continue
        (row,) = ask(host, "-o", "json", "--syscall", name, who="none")
        assert row["function"] == function
        assert (row["number"], row["number_compat"]) == KNOWN.get(
            name, (row["number"], row["number_compat"])
        )
    assert answers == {True, False}
    (row,) = ask(host, "-o", "json", "--syscall", "mmap2")
    assert (row["number"], row["number_compat"]) == (None, 192)
    assert "frob" in ask(host, "--syscall", "frob", status=1)
    assert "--syscall" in ask(host, "--syscall", "", status=2)


# --- the command line ---


def test_one_command(host, diagnoses):
    """The same as is told of it among all of them, and whether it is usable by the status."""
    d = diagnoses["root"]
    unusable = [c for c in d.commands if c not in d.usable()]
    for command in ("layers", "biosnoop", *unusable[:1]):
        argv = [host.iosonde, "doctor", "-o", "json", "--command", command]
        result = host.run(argv, timeout=60)
        assert result.returncode == (command in unusable) and result.stderr == b"", str(result)
        mine = [h for h in d.of("hook") if h["command"] == command]
        assert parse_rows(result.stdout) == [d.commands[command], *mine]


@on_this_kernel
@pytest.mark.parametrize(
    "options",
    [
        ["--command", "no_such"],
        ["--command", "layers", "--symbol", "x"],
        ["--field", "file.f_path", "--symbol", "x"],
        ["--symbol", "x", "--syscall", "read"],
        ["--", "true"],
        ["--"],
        ["layers"],
        ["--no-such-option"],
        ["-o", "yaml"],
        ["--field"],
    ],
    ids=" ".join,
)
def test_usage(host, options):
    ask(host, *options, status=2)


def test_btf_from_a_file(host, tmp, diagnoses):
    host.run(["cp", "/sys/kernel/btf/vmlinux", f"{tmp}/btf"])
    from_file = ["--btf", f"{tmp}/btf", "--field", "task_struct.comm"]
    assert ask(host, *from_file) == ask(host, "--field", "task_struct.comm")
    for command in ("opensnoop", "layers") if host.emulated else (None,):
        only = ["--command", command] if command else []
        d = Diagnosis(host, "root", options=["--btf", f"{tmp}/btf", *only])
        assert ({command} if command else {"opensnoop", "layers"}) <= set(d.usable())
        usual = diagnoses["root"].commands
        assert d.commands == {n: c for n, c in usual.items() if command in (None, n)}
    host.write_file(f"{tmp}/rubbish", b"\x9f\xeb\x01\x00" + b"rubbish" * 10)
    for path in (f"{tmp}/rubbish", f"{tmp}/nothing"):
        assert path in ask(host, "--btf", path, status=1)
        assert path in ask(host, "--btf", path, "--field", "task_struct.comm", status=1)


@on_this_kernel
def test_output_that_cannot_be_written(host):
    for options in ("", "-o json", "--symbol vfs_*", "--help"):
        command = f"exec {host.iosonde} doctor {options} >/dev/full"
        result = host.run(["sh", "-f", "-c", command], timeout=60)
        assert result.returncode == 1, str(result)


@on_this_kernel
def test_help(host):
    first = host.run([host.iosonde, "doctor", "--help"])
    second = host.run([host.iosonde, "help", "doctor"])
    assert first.returncode == second.returncode == 0 and first.stdout == second.stdout
    for option in ("--field", "--symbol", "--syscall", "--btf", "--output"):
        assert option in first.stdout.decode()
    assert "iosonde doctor" in host.run([host.iosonde, "help"]).stdout.decode()
    assert '"doctor"' in host.run([host.iosonde, "docter"]).err
