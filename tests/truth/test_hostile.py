# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Names come from users, who may be hostile: one harmless row each, and JSON that parses."""

import csv
import io
import subprocess
import unicodedata

import pytest
from tracer import check_ledger, parse_rows, text_of, trace

ENOUGH_ON = ("running",)  # what is printed of a name doesn't depend on the kernel

# Characters that move text about or hide it, besides control characters.
HARMFUL = {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2069"}


def harmless(line):
    text = line.decode("utf-8", "strict")
    return not any(unicodedata.category(c) == "Cc" or c in HARMFUL for c in text)


def jq(data, program):
    """jq of the machine the tests run on, whatever machine was traced."""
    done = subprocess.run(
        ["jq", "-c", program], input=data, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_opens(host, tmp, *options):
    where, out = f"{tmp}/opens", f"{tmp}/out"
    host.run(["mkdir", where])
    argv = [host.iosonde, "opensnoop", "-O", out, *options, "--", host.workload, "opens", where]
    result = host.run(argv)
    assert result.returncode == 0, str(result)
    return host.read_file(out), result


def test_json_parses_everywhere(host, tmp):
    data, _ = run_opens(host, tmp, "-F", "-o", "json")
    rows = parse_rows(data)
    assert len(jq(data, ".type")) == len(rows)
    names = [text_of(r, "path") for r in rows if r["type"] == "open"]
    assert sum(b"\x1b" in n for n in names if n) >= 4
    assert any(b"\xff" in n for n in names if n) and any(b"\n" in n for n in names if n)


def test_json_type_is_not_forged(host, tmp):
    """A file called {"type":"summary"} is a name, not a record."""
    data, _ = run_opens(host, tmp, "-o", "json")
    assert jq(data, 'select(.type == "summary") | .command') == [b'"opensnoop"']


@pytest.mark.parametrize("options", [[], ["-F"], ["-e", "-U"]], ids=["plain", "full", "extended"])
def test_text_is_one_harmless_line_each(host, tmp, options):
    data, result = run_opens(host, tmp, *options)
    json_data, _ = run_opens(host, host.tmpdir(), "-o", "json")
    rows = [r for r in parse_rows(json_data) if r["type"] == "open"]
    lines = data.split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == 1 + len(rows), "a header and a line for each open"
    bad = [line for line in lines if not harmless(line)]
    assert not bad, bad
    bad = [line for line in result.stderr.split(b"\n") if not harmless(line)]
    assert not bad, bad


def test_text_keeps_good_names(host, tmp):
    data, _ = run_opens(host, tmp)
    assert "good-é日😀".encode() in data
    assert b"quote\"single'back" in data
    longest = [line for line in data.split(b"\n") if b"l" * 250 in line]
    assert longest, "nothing is cut in a pipe"
    assert max(len(line) for line in data.split(b"\n")) > 4095


def test_csv_parses(host, tmp):
    data, _ = run_opens(host, tmp, "-o", "csv")
    json_data, _ = run_opens(host, host.tmpdir(), "-o", "json")
    rows = [r for r in parse_rows(json_data) if r["type"] == "open"]
    table = list(csv.DictReader(io.StringIO(data.decode("utf-8", "strict"), newline="")))
    assert len(table) == len(rows)
    assert all(None not in r and None not in r.values() for r in table)
    paths = [r["path"] for r in table]
    assert 'csv,semi;""quoted"",=1+1' in paths
    assert "quote\"single'back\\slash" in paths or "quote\"single'back\\\\slash" in paths


NASTY = "\x1b[31m\n\"'\\,x"


@pytest.mark.parametrize("command", ["opensnoop", "layers"])
def test_hostile_program_name(host, tmp, command):
    argv = [host.workload, "--comm", NASTY, "burst", "3", "/dev/null"]
    options = ["--slow", "0"] if command == "layers" else []
    run = trace(host, tmp, command, options, argv)
    rows = run.of("open" if command == "opensnoop" else "op")
    names = {r["comm"] for r in rows if r["call"] == "openat"}
    assert names == {NASTY}
    out = f"{tmp}/text"
    host.run([host.iosonde, command, *options, "-O", out, "--", *argv])
    bad = [line for line in host.read_file(out).split(b"\n") if not harmless(line)]
    assert not bad, bad


def test_layers_with_hostile_names(host, tmp):
    name = f"{tmp}/" + "\x1b[2Jline\nquote\"\\"
    argv = [host.workload, "rw", "write,fsync", "5", "100", name]
    host.run([host.workload, "make", name, "100"])
    run = trace(host, tmp, "layers", ["--slow", "0"], argv)
    check_ledger(run)
    assert name.encode() in {text_of(r, "path") for r in run.of("file")}
    out = f"{tmp}/text"
    assert host.run([host.iosonde, "layers", "-O", out, "--", *argv]).returncode == 0
    data = host.read_file(out)
    assert data and all(harmless(line) for line in data.split(b"\n"))


def test_hostile_arguments(host):
    """What is typed comes back in messages: it must not act on the terminal."""
    for argv in (
        [host.iosonde, "opensnoop", "--\x1b[31m"],
        [host.iosonde, "\x1b[31m\n"],
        [host.iosonde, "opensnoop", "--where", "x\x1b[31m\n=="],
        [host.iosonde, "opensnoop", "--columns", "a\x1b\n"],
        [host.iosonde, "opensnoop", "-p", "1\x1b[2J"],
    ):
        result = host.run(argv)
        assert result.returncode == 2, str(result)
        bad = [line for line in result.stderr.split(b"\n") if not harmless(line)]
        assert not bad, bad


FORGED = "nosuch\niosonde: all is well"


def test_a_message_is_a_line(host):
    """A newline in what is typed begins no line of its own, which would seem to be the program's."""
    for argv in (
        ["opensnoop", "-O", f"/{FORGED}/x"],
        ["opensnoop", "--btf", f"/{FORGED}"],
        ["opensnoop", "--cgroup", f"/{FORGED}"],
        ["opensnoop", "-u", FORGED],
        ["opensnoop", "--where", f'pid == "{FORGED}"'],
        ["opensnoop", "--columns", FORGED],
        ["dirtop", "-d", f"/{FORGED}"],
        ["opensnoop", "-d", FORGED],
        ["opensnoop", "--", f"/{FORGED}"],
        ["opensnoop", f"--{FORGED}"],
        ["doctor", FORGED],
        ["help", FORGED],
        [FORGED],
    ):
        result = host.run([host.iosonde, *argv], timeout=20)
        assert result.returncode, str(result)
        assert b"nosuch" in result.stderr, str(result)
        assert not [x for x in result.err.splitlines() if x.startswith("iosonde: all")], str(result)
