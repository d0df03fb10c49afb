# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the help of a command lists is accepted by it, and makes the run that was asked for.

Nothing is traced here: without privileges a run ends after its options have been read.
"""

import os
import re

import pytest
from commands import NEEDS, every_command

ONLY_ON = ("running",)  # no kernel has a say in this

UNPRIVILEGED = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
UNPRIVILEGED += ["--inh-caps=-all", "--bounding-set=-all"]
DISKS = sorted(os.listdir("/sys/block"), key=lambda disk: disk.startswith(("loop", "ram")))
OPTION = re.compile(r"^  (?:-(?P<letter>.), |    )--(?P<name>\S+)(?: (?P<arg>\S+))?(?:   |$)", re.M)
# What else an option under this heading is there for.
UNDER = {
    "With --by": ["--by", "pid"],
    "With -- COMMAND": [],
    "With --slow MIN": ["--slow", "0"],
}
# A value of each option; where commands differ, by the command.
VALUES = {
    ("fsdist", "ops"): "read",
    ("fsslower", "ops"): "read",
    ("offcputime", "state"): "1",
    ("offwaketime", "state"): "1",
    ("wakeuptime", "state"): "1",
    ("profile", "cpu"): "0",
    ("stackcount", "cpu"): "0",
    ("profile", "frequency"): "99",
    ("profile", "period"): "1ms",
    ("profile", "stack-storage-size"): "100",
    ("profile", "hash-storage-size"): "100",
    "columns": "time",
    "where": "time > 0",
    "by": "pid",
    "sort": "count",
    "cgroup": "/sys/fs/cgroup",
    "mntns": "4026531840",
    "user": "root",
    "name": "cat",
    "output": "json",
    "output-file": "/dev/null",
    "svg": "/dev/null",
    "speedscope": "/dev/null",
    "pprof": "/dev/null",
    "diff": "/dev/null",
    "btf": "/sys/kernel/btf/vmlinux",
    "pid": "1",
    "tid": "1",
    "function": "vfs_read",
    "target": "read",
    "buffer": "64K",
    "by-memory": "1M",
    "flags": "O_CREAT",
    "errno": "EPERM",
    "syscall": "read",
    "interval": "1s",
    "linger": "1s",
    "ustack": "dwarf",
    "duration": "1s",
    "slow": "10ms",
    ("dirtop", "by"): "dir",
    ("syscount", "by"): "call",
    ("biopattern", "by"): "disk",
    ("slabratetop", "by"): "cache",
    ("readpath", "by"): "way",
    ("biosnoop", "pattern"): "all",
    ("biotop", "sort"): "ios",
    ("vfsstat", "sort"): "reads",
    ("dcstat", "sort"): "refs",
}
# Their own name says the opposite.
CONTRARY = {("readsnoop", "writes"), ("writesnoop", "reads"), ("write", "reads")}


def sections(text):
    """{heading: [(letter, name, name of the value)]} of a help text."""
    found = {}
    for block in text.split("\n\n"):
        heading, _, rest = block.partition(":\n")
        options = [m.group("letter", "name", "arg") for m in OPTION.finditer(rest)]
        if options:
            found[heading] = options
    return found


def value_of(command, text, name, arg):
    """What to give to an option that takes a value: one that its help names, where it does."""
    arg = arg.removeprefix("[TABLE:]")
    if arg == "DISK":
        return DISKS[0]
    if name == "claims":
        return "256"
    if (command, name) in VALUES:
        return VALUES[command, name]
    if name in VALUES:
        return VALUES[name]
    if "|" in arg:
        return arg.split("|")[0]
    one_of = re.search(rf"--{name} {arg}\s+(\w+), (?:\w+, )*(?:or )?\w+", text)
    if arg in ("DURATION", "MIN", "MS", "US", "WIDTH", "SIZE", "N", "PID", "BYTES"):
        return "10"
    if arg == "DIR[,DIR]":
        return "/"
    return one_of.group(1) if one_of else "x"


@every_command
def test_options_are_accepted(host, command):
    text = host.run([host.iosonde, "help", command]).stdout.decode()
    listed = sections(text)
    assert {"Targets", "Run", "Output", "Engine"} <= set(listed)
    for heading, options in listed.items():
        for letter, name, arg in options:
            if (command, name) in CONTRARY or (arg == "DISK" and not DISKS):
                continue
            words = [f"-{letter}" if letter else f"--{name}"]
            if arg:
                words.append(value_of(command, text, name, arg))
            needed = UNDER.get(heading, [])
            if name == "children":
                needed = [*needed, "-p", "1"]
            if name == "diff":
                needed = [*needed, "--svg", "/dev/null"]
            if name == "count" and "-i" not in needed:
                needed = [*needed, "-i", "1"]
            check(host, command, [*needed, *words], heading)


def check(host, command, words, heading):
    before = NEEDS.get(command, [])
    target = ["--", "true"] if heading == "With -- COMMAND" else []
    argv = [*UNPRIVILEGED, host.iosonde, command, *before, *words, *target]
    result = host.run(argv, timeout=20)
    assert result.returncode != 2, str(result)
    shown_at_once = {"--help", "-h", "--version", "--list", "-l"} & set(words)
    # No cgroup2 where the test runs is a failure of the run, not of the line.
    assert shown_at_once or "CAP_BPF" in result.err or "cgroup2" in result.err, str(result)


@every_command
def test_what_is_not_listed_is_refused(host, command):
    """With a reason that says what to do, and never by its own name as the remedy."""
    names = {n for options in sections(host.run([host.iosonde, "help", command]).stdout.decode()).values()
             for _, n, _ in options}
    for name, value in (("by", "pid"), ("kstack", None), ("ustack", None)):
        if name in names:
            continue
        words = [f"--{name}"] + ([value] if value else [])
        argv = [host.iosonde, command, *NEEDS.get(command, []), "-n", "nobody-at-all", *words]
        result = host.run(argv, timeout=10)
        assert result.returncode == 2 and result.stdout == b"", str(result)
        assert "unknown option" not in result.err and "; " in result.err, str(result)


@pytest.mark.parametrize(
    "options, words",
    [
        (["opensnoop", "-r", "10"], ["--by comm,path", "-r"]),
        (["execsnoop", "-s", "count"], ["--by comm,args"]),
        (["biosnoop", "-i", "1"], ["--by comm"]),
        (["opensnoop", "--count", "3"], ["--by comm,path"]),
        (["layers", "--by", "tid"], ["--slow 0"]),
        (["layers", "--columns", "pid"], ["--slow MIN"]),
        (["biolatency", "--by", "disk"], ["-D", "biosnoop --by"]),
        (["biolatency", "--count", "3"], ["-i"]),
        (["funccount", "vfs_read", "--by", "function"], ["-p"]),
        (["filetop", "--by", "time"], ["what does: ", "comm"]),
        (["opensnoop", "--by", "ustack"], ["--by pid,ustack"]),
    ],
    ids=" ".join,
)
def test_answers_to_act_on(host, options, words):
    result = host.run([host.iosonde, *options, "-n", "nobody-at-all", "-d", "50ms"], timeout=10)
    assert result.returncode == 2 and result.stdout == b"", str(result)
    assert len(result.err.splitlines()) == 1, str(result)
    for word in words:
        assert word in result.err, str(result)


@pytest.mark.parametrize("command", ["biosnoop", "biopattern", "biolatency", "bitesize", "biotop"])
def test_disks_that_are_here(host, command):
    """A disk that is nowhere, where it may be given and where something else is meant."""
    listed = {n for o in sections(host.run([host.iosonde, "help", command]).stdout.decode()).values()
              for _, n, a in o if a == "DISK"}
    tries = [["-d", "sdzz"]] if command not in ("bitesize", "biotop") else []
    tries += [[f"--{name}", "sdzz"] for name in listed]
    for words in tries:
        result = host.run([host.iosonde, command, "-n", "nobody-at-all", *words], timeout=10)
        assert result.returncode == 2, str(result)
        named = re.search(r"(?:try|here:) (\S+)", result.err)
        assert bool(named) == bool(DISKS), str(result)
        assert not named or named.group(1) in os.listdir("/sys/block"), str(result)
        assert "-D sda" not in result.err, str(result)


@pytest.mark.parametrize("word", ["help", "list", "version", "doctor", "opensnoop", "write"])
def test_help_about(host, word):
    result = host.run([host.iosonde, "help", word])
    assert result.returncode == 0 and result.stdout and not result.err, str(result)


@pytest.mark.parametrize(
    "words",
    [["help"], ["help", "help"], ["help", "opensnoop"], ["list"], ["--version"], ["opensnoop", "-h"],
     ["help", "doctor"], ["opensnoop", "--version"], ["syscount", "--list"]],
    ids=" ".join,
)  # fmt: skip
def test_help_that_finds_no_room(host, words):
    quoted = " ".join(words)
    result = host.run(["sh", "-c", f'"$0" {quoted} >/dev/full', host.iosonde])
    assert result.returncode == 1, str(result)
    assert "No space left on device" in result.err and len(result.err.splitlines()) == 1


@pytest.mark.parametrize("word, near", [("hlep", "help"), ("versoin", "version")])
def test_no_such_command(host, word, near):
    for words in ([word], ["help", word]):
        result = host.run([host.iosonde, *words])
        assert result.returncode == 2 and f'did you mean "{near}"' in result.err, str(result)
