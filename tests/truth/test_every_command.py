# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What every command promises, whatever it shows: run for each one that the binary lists."""

import re
import signal
import time

from commands import COMMANDS, NEEDS, argv_of, every_command, listed, name_in_summary, usable
from host import ROOT
from tracer import check_summary, parse_rows, started, wait_attached, wait_until

ONLY_ON = ("running",)  # test_commands.py has what depends on the kernel


def test_list_is_complete():
    assert {"layers", "opensnoop"} <= set(COMMANDS) and len(set(COMMANDS)) == len(COMMANDS)
    for name, layer in listed():
        assert re.fullmatch(r"[a-z0-9]+", name) and re.fullmatch(r"[a-z]+", layer), (name, layer)


def test_readme_names_them():
    text = (ROOT / "README.md").read_text()
    assert not [c for c in COMMANDS if f"`{c}`" not in text]


@every_command
def test_help(host, command):
    result = host.run([host.iosonde, "help", command])
    assert result.returncode == 0, str(result)
    text = result.stdout.decode()
    head, _, columns = text.partition("\nColumns ")
    assert len(head.splitlines()) > 4 and "--where" in head and "--duration" in head
    for line in columns.split("\n\n")[0].splitlines()[1:]:
        assert re.match(r"  [ *]\S+ +\S|" + " " * 18 + r"\S", line), f"a column without help: {line!r}"
    assert max(len(line) for line in text.splitlines()) <= 80, "a line that is too long"
    assert "Examples:" in text, "no example"


@every_command
def test_header_without_rows(host, command):
    """Whether rows come or not: the header does, of each table."""
    if not usable(host, command):
        return
    options = ["--slow", "1h"] if command == "layers" else []
    result = host.run(argv_of(host, command, "-o", "csv", *options, "--", "true"))
    assert result.returncode == 0, str(result)
    blocks = [b.splitlines() for b in result.stdout.decode().split("\n\n")]
    heads = [b[0] for b in blocks if b]
    assert heads, str(result)
    assert all(re.fullmatch(r"[a-z0-9_]+(,[a-z0-9_]+)+", head) for head in heads), heads
    assert command != "layers" or len(heads) == 9, heads


@every_command
def test_columns(host, tmp, command):
    """Each can be asked for, and the table be ordered and filtered by it."""
    if not usable(host, command):
        return
    text = host.run([host.iosonde, "help", command]).stdout.decode()
    block = text.partition("\nColumns ")[2].split("\n\n")[0]
    names = [x.split()[0].lstrip("*") for x in block.splitlines()[1:] if not x.startswith("    ")]
    assert names
    names = [n for n in names if n not in ("kstack", "ustack")]
    argv = argv_of(host, command, "-o", "csv", "-O", f"{tmp}/rows", "--columns", ",".join(names))
    argv += ["--slow", "0"] if command == "layers" else []  # what its columns are about
    result = host.run([*argv, "--", host.workload, "--silent", "burst", "5", "/dev/null"], timeout=60)
    assert result.returncode == 0, str(result)
    header = host.read_file(f"{tmp}/rows").decode().splitlines()[0]
    assert len(header.split(",")) == len(names), header


@every_command
def test_duration(host, command):
    if not usable(host, command):
        return
    with started(host, [host.workload, "tick", "10", "6000", "/dev/null"]) as job:
        argv = argv_of(host, command, "-d", "300ms", "-o", "json", "-p", str(job.pid))
        for attempt in range(3):  # a busy neighbour makes it later
            result = host.run(argv, timeout=60)
            assert result.returncode == 0, str(result)
            data = result.stdout
            elapsed = check_summary(parse_rows(data), name_in_summary(data))["elapsed_ns"]
            if 0.3e9 <= elapsed <= 0.8e9:
                break
            assert attempt < 2, elapsed


@every_command
def test_interrupt(host, tmp, command):
    if not usable(host, command):
        return
    with started(host, [host.workload, "tick", "10", "6000", "/dev/null"]) as job:
        argv = argv_of(host, command, "-o", "json", "-O", f"{tmp}/rows", "-p", str(job.pid))
        with started(host, argv) as process:
            wait_attached(host, process.pid)
            process.signal(signal.SIGINT)
            result = process.wait(30)
    assert result.returncode == 0, str(result)
    data = host.read_file(f"{tmp}/rows")
    check_summary(parse_rows(data), name_in_summary(data))


@every_command
def test_closed_pipe(host, tmp, command):
    """Nobody reads any more: it ends, without a word about it."""
    if not usable(host, command):
        return
    words = " ".join(f"'{w}'" for w in NEEDS.get(command, []))
    script = f'"$0" {command} {words} -o json -d 500ms -p "$1" 2>"{tmp}/err" | true'
    with started(host, [host.workload, "tick", "10", "6000", "/dev/null"]) as job:
        result = host.run(["sh", "-c", script, host.iosonde, str(job.pid)], timeout=60)
    assert result.returncode == 0, str(result)
    errors = host.read_file(f"{tmp}/err").decode()
    assert "roken pipe" not in errors and "error" not in errors.lower(), errors


# Something of every kind, again and again, for as long as the file "go" is there.
BUSY = """cd "$0"; while [ -e go ]; do
dd if=/dev/zero of=a bs=4k count=1 oflag=direct conv=fsync; cat a; mv a b; rm b
mount --bind nowhere nowhere; sleep 0.05; done >/dev/null 2>&1"""
# What else the workload has to do: connections, in a network of the program's own.
WORK = {c: "net burst 1" for c in "tcpaccept tcpconnect tcpconnlat tcplife tcpstates".split()}
WORK |= {"tcpretrans": "net losses", "netio": "net talk", "tcptop": "net talk", "shmsnoop": "shm"}
WORK_BUSY = """while [ -e "$0/go" ]; do %s %s; sleep 0.05; done >/dev/null 2>&1"""
# With their usual minimum these have nothing to show.
LEAST = {"fileslower": ["0"], "fsslower": ["0"], "faultsnoop": ["-a"]}


@every_command
def test_rows_arrive_in_time(host, tmp, command):
    """Into a pipe: a table is there after its interval, not when a buffer is full or at the end."""
    if not usable(host, command):
        return
    out, go = f"{tmp}/out", f"{tmp}/go"
    host.write_file(go, b"")
    words = " ".join(f"'{w}'" for w in NEEDS.get(command, []) + LEAST.get(command, []))
    if host.run(argv_of(host, command, "-i", "1", "--ebpf")).returncode:
        words += " --by pid"  # streams rows, and has an interval for this alone
    script = f'"$0" {command} {words} -o json -i 300ms -- sh -c "$1" "$2" | cat >"{out}"'
    busy = WORK_BUSY % (host.workload, WORK[command]) if command in WORK else BUSY
    with started(host, ["sh", "-c", script, host.iosonde, busy, tmp]) as shell:
        try:
            wait_until("a row", lambda: host.read_file(out), 10)
            assert shell.running()
        finally:
            host.run(["rm", go])
        shell.wait(20)
    assert parse_rows(host.read_file(out))[-1]["shown"] > 0


MISTAKES = [
    (["--no-such-option"], 2),
    (["-d", "-1"], 2),
    (["-d", "1x"], 2),
    (["-p", "abc"], 2),
    (["--columns", "nosuch"], 2),
    (["--where", "nosuch == 1"], 2),
    (["-o", "xml"], 2),
    (["--btf", "/dev/null", "-p", "1", "-d", "50ms"], 1),
    (["-p", "999999999", "-d", "50ms"], 1),
]


@every_command
def test_mistakes(host, command):
    """One clear line each, and nothing on stdout."""
    for options, status in MISTAKES:
        result = host.run(argv_of(host, command, "-n", "nobody-at-all", *options), timeout=20)
        assert result.returncode == status, (options, str(result))
        assert result.stdout == b"" and 0 < len(result.err) < 600, (options, str(result))
        assert len(result.err.rstrip("\n").splitlines()) <= 3, (options, str(result))


@every_command
def test_without_privileges(host, command):
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    drop += ["--inh-caps=-all", "--bounding-set=-all"]
    result = host.run([*drop, *argv_of(host, command, "--", "echo", "ran")], timeout=20)
    assert result.returncode == 125 and result.stdout == b"", str(result)
    assert "CAP_BPF" in result.err, str(result)
