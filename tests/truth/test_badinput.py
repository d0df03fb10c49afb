# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What is typed wrongly, or can't be had: one clear line and the right exit status, always."""

import re
import time

import pytest
from tracer import read_run, started

ENOUGH_ON = ("running",)  # what is said of bad input doesn't depend on the kernel

COMMANDS = ("opensnoop", "layers")


def one_line(result, *words, caret=False):
    """A single line on stderr, with these words; two more where a caret shows the place."""
    assert result.stdout == b"", str(result)
    lines = [line for line in result.err.splitlines() if line.strip()]
    if caret:
        assert any(line.strip().startswith("^") or line.rstrip().endswith("^") for line in lines)
        assert len(lines) <= 3, str(result)
    else:
        assert len(lines) == 1, str(result)
    for word in words:
        assert word in result.err, str(result)
    assert "libbpf" not in result.err and "Traceback" not in result.err


USAGE = [
    (["--nosuch"], ["--nosuch"]),
    (["-Z"], ["-Z"]),
    (["--colums", "pid"], ["--colums", "--columns"]),
    (["-d", "-1"], ["-1"]),
    (["-d", "1x"], ["1x"]),
    (["-d", ""], []),
    (["-d"], ["-d"]),
    (["-d", "99999999999999999999s"], ["99999999999999999999s"]),
    (["-i", "0.0.1"], ["0.0.1"]),
    (["-p", "abc"], ["abc"]),
    (["-p", "0"], ["0"]),
    (["-p", "12abc"], ["12abc"]),
    (["-p", "1,,2"], []),
    (["-p", "-5"], ["-5"]),
    (["-p", ""], []),
    (["-t", "x"], ["x"]),
    (["--columns", "nosuch"], ["nosuch"]),
    (["--columns", "pid,,comm"], []),
    (["--columns", ""], []),
    (["-o", "xml"], ["xml", "json"]),
    (["--buffer", "0"], ["0"]),
    (["--buffer", "64q"], ["64q"]),
    (["--buffer", "-64k"], ["-64k"]),
    (["--sort", "nosuch"], []),
    (["--top", "x"], ["x"]),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("options, words", USAGE, ids=[" ".join(o) or "-" for o, _ in USAGE])
def test_usage(host, command, options, words):
    # Were it accepted after all, it should trace nobody, and not for long.
    safe = ["-n", "nobody-at-all", "-d", "50ms"]
    result = host.run([host.iosonde, command, *safe, *options], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, *words)


@pytest.mark.parametrize(
    "text",
    [
        "lat >",
        "pid == ",
        "&& pid == 1",
        "(pid == 1",
        "pid == 1)",
        "nosuch == 1",
        'comm ~ "open',
        "pid == abc",
        "pid ~ 5",
        "err == ENOSUCH",
    ],
)
def test_where_points_at_the_place(host, text):
    safe = ["-n", "nobody-at-all", "-d", "50ms"]
    result = host.run([host.iosonde, "opensnoop", *safe, "--where", text], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, caret=True)


def test_where_without_a_condition(host):
    result = host.run([host.iosonde, "opensnoop", "-n", "nobody-at-all", "--where", ""], timeout=10)
    assert result.returncode == 2, str(result)
    assert result.err.strip() and len(result.err.splitlines()) <= 3, str(result)


def test_where_lat(host):
    """The column exists in layers, so there the mistake is what is missing behind it."""
    result = host.run([host.iosonde, "layers", "--where", "lat >"], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, caret=True)
    lines = result.err.rstrip("\n").split("\n")
    shown, caret = lines[-2], lines[-1]
    place = shown.index("lat >") + len("lat >")
    assert caret.index("^") in (place - 1, place, place + 1), result.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "options",
    [
        ["-p", "999999999"],
        ["-t", "999999999"],
        ["-u", "no-such-user-here"],
        ["--cgroup", "/no/such/cgroup"],
        ["--cgroup", "/tmp"],
        ["--mntns", "999999999"],
    ],
    ids=" ".join,
)
def test_no_such_target(host, command, options):
    """Well said, but nothing like it is here: a failure, no mistake of usage."""
    result = host.run([host.iosonde, command, "-d", "50ms", *options], timeout=10)
    assert result.returncode == 1, str(result)
    one_line(result, options[1])


@pytest.mark.parametrize("command", COMMANDS)
def test_not_root(host, command):
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    drop += ["--inh-caps=-all", "--bounding-set=-all"]
    result = host.run([*drop, host.iosonde, command, "-d", "1", "-p", "1"], timeout=10)
    assert result.returncode == 1, str(result)
    one_line(result, "CAP_BPF", "CAP_PERFMON")
    result = host.run([*drop, host.iosonde, command, "--", "echo", "ran"], timeout=10)
    assert result.returncode == 125, str(result)
    one_line(result, "CAP_BPF")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_btf(host, command, tmp):
    host.write_file(f"{tmp}/empty", b"")
    host.write_file(f"{tmp}/rubbish", bytes(range(256)) * 16)
    for path in ("/dev/null", f"{tmp}/empty", f"{tmp}/rubbish", "/nonexistent/btf"):
        argv = [host.iosonde, command, "--btf", path, "-d", "1", "-p", str(host.pid)]
        result = host.run(argv, timeout=10)
        assert result.returncode == 1, str(result)
        one_line(result, path)


@pytest.mark.parametrize("command", COMMANDS)
def test_btf_from_a_file(host, command, tmp):
    """The other side: a good file is taken."""
    host.run(["cp", "/sys/kernel/btf/vmlinux", f"{tmp}/btf"])
    argv = [host.iosonde, command, "--btf", f"{tmp}/btf", "-o", "json", "-O", f"{tmp}/rows", "--"]
    result = host.run([*argv, host.workload, "burst", "5", "/dev/null"], timeout=20)
    assert result.returncode == 0, str(result)
    assert read_run(host, command, result, f"{tmp}/rows").summary["generated"] >= 5


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_full_disk(host, command, form):
    """> /dev/full: said once, and no endless loop of writes that fail."""
    script = '"$0" "$1" -o "$2" -- "$3" --silent burst 1000 /dev/null >/dev/full'
    argv = ["sh", "-c", script, host.iosonde, command, form, host.workload]
    start = time.monotonic()
    result = host.run(argv, timeout=20)
    assert result.returncode == 125 and time.monotonic() - start < 10, str(result)
    assert result.err.count("No space left on device") == 1, str(result)


def test_full_disk_without_a_command(host):
    with started(host, [host.workload, "tick", "10", "500", "/dev/null"]) as job:
        script = '"$0" opensnoop -p "$1" -d 20 >/dev/full'
        start = time.monotonic()
        result = host.run(["sh", "-c", script, host.iosonde, str(job.pid)], timeout=30)
    assert result.returncode == 1 and time.monotonic() - start < 10, str(result)
    assert "No space left on device" in result.err


@pytest.mark.parametrize("path", ["/nonexistent/dir/rows", "/"])
def test_output_that_cannot_be_opened(host, path):
    result = host.run([host.iosonde, "opensnoop", "-O", path, "-d", "1", "-p", "1"], timeout=10)
    assert result.returncode == 1, str(result)
    one_line(result, path)


@pytest.mark.parametrize("command", COMMANDS)
def test_target_that_exits_at_once(host, tmp, command):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, command, "-o", "json", "-O", rows, "--", "true"]
    result = host.run(argv, timeout=20)
    assert result.returncode == 0, str(result)
    assert read_run(host, command, result, rows).summary["lost"] == 0


def test_pid_that_exits_at_once(host, tmp):
    """Gone before or after iosonde looks: it ends either way, and soon."""
    for delay in (0, 5, 20, 50, 100):
        job = host.spawn([host.workload, "tick", str(delay), "1", "/dev/null"])
        argv = [host.iosonde, "opensnoop", "-p", str(job.pid), "-o", "json", "-O", f"{tmp}/rows"]
        result = host.run(argv, timeout=20)
        job.wait()
        assert result.returncode in (0, 1), str(result)
        if result.returncode:
            one_line(result, str(job.pid))


def test_unknown_command(host):
    result = host.run([host.iosonde, "opensnop"], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, "opensnop", "opensnoop")
    result = host.run([host.iosonde, "qqqqqqq"], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, "qqqqqqq")


def test_dashes_without_a_command(host):
    result = host.run([host.iosonde, "opensnoop", "--"], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result)


def test_command_without_dashes(host):
    """A word that is no option: a command is announced by --."""
    result = host.run([host.iosonde, "opensnoop", "ls"], timeout=10)
    assert result.returncode == 2, str(result)
    one_line(result, "ls", "--")


def test_nothing_is_left_behind(host, tmp):
    """A run that fails late has started no process that stays."""
    marker = f"{tmp}/marker"
    script = f'sleep 5; : >"{marker}"'
    argv = [host.iosonde, "opensnoop", "--btf", "/dev/null", "--", "sh", "-c", script]
    assert host.run(argv, timeout=10).returncode == 125
    commands = host.run(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).stdout
    assert marker.encode() not in commands


def test_too_few_descriptors(host):
    """Fewer files than tracing takes: said at once, and not by an error of some system call."""
    script = 'ulimit -n 28 && exec "$0" "$1" -n nobody-at-all -d 50ms'
    for command in COMMANDS:
        drop = ["setpriv", "--bounding-set=-sys_resource"]  # with it the limit is raised
        result = host.run([*drop, "sh", "-c", script, host.iosonde, command], timeout=20)
        assert result.returncode == 1, str(result)
        one_line(result, "only 28 files", "ulimit -n")


def test_without_symbols(host, tmp):
    """What is to be compared can't be looked up: a failure, no mistake of usage."""
    # a device that nobody serves can't be opened
    script = 'mknod "$1" c 511 511 && mount --bind "$1" /proc/kallsyms && shift && exec "$0" "$@"'
    argv = ["attachcmp", "write", "-n", "nobody-at-all", "-d", "50ms"]
    result = host.run(["unshare", "-m", "sh", "-c", script, host.iosonde, f"{tmp}/none", *argv], timeout=20)
    assert result.returncode == 1, str(result)
    one_line(result, "/proc/kallsyms")


def test_verdict_in_units(host):
    """A program of a few microseconds of I/O is no 2.37e-05 s."""
    result = host.run([host.iosonde, "layers", "--", "true"], timeout=20)
    assert result.returncode == 0, str(result)
    said = result.stdout.decode()
    assert re.search(r"% of the [0-9.]+(ns|us|ms|s) was ", said), said
    assert re.search(r"watched for [0-9.]+(ns|us|ms|s) in all", said), said


@pytest.mark.parametrize("pattern", ["/" + "(" * 30000 + "/", "/a{1,32767}{1,32767}/", "/(a*)*\\1/"])
def test_patterns_without_end(host, pattern):
    result = host.run([host.iosonde, "funccount", pattern, "-d", "50ms"], timeout=5)
    assert result.returncode == 2, str(result)
    one_line(result)
    assert len(result.err) < 600
