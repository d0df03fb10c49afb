# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every command line of docs/classic.md: taken as it is, or answered with its new spelling."""

import re
import shlex

import pytest
from commands import COMMANDS, usable
from host import ROOT
from tracer import started

# Options are the same on each kernel. A command that finds no hook here must still take its lines.
ONLY_ON = ("running",)
PAGE = ROOT / "docs" / "classic.md"
SAME = "the same"
# What the lines name that isn't there: a process, a thread, a user.
STAND_INS = {"121", "181", "185", "188", "1956", "123", "26651", "1215", "1216", "17064", "2740", "17491", "19855"}
# Something to see for most commands: opens, stats, a sync, programs that start and don't.
SCRIPT = 'ls / >/dev/null; sync "$0"; umount "$0"/nothing; /nonexistent/program; true'


def rows_of(page):
    """[(command, classic line, new line or None)], and that nothing in the page escapes the test."""
    rows, command = [], None
    for line in page.read_text().splitlines():
        heading = re.fullmatch(r"## (\w+)", line)
        if heading:
            command = heading[1]
        if not line.startswith("|") or line.startswith(("|---", "| classic line")):
            continue
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert command and len(cells) == 3, f"not a row of three cells: {line}"
        assert re.fullmatch(r"`[^`]+`", cells[0]), line
        assert cells[1] == SAME or re.fullmatch(r"`[^`]+`", cells[1]), line
        classic = cells[0].strip("`").replace("\\|", "|")
        new = None if cells[1] == SAME else cells[1].strip("`").replace("\\|", "|")
        assert shlex.split(classic)[0] == command, f"in the section of {command}: {line}"
        rows.append((command, classic, new))
    assert len(set(rows)) == len(rows), "a line twice"
    return rows


ROWS = rows_of(PAGE)


def test_the_page_has_every_command_that_it_is_about():
    commands = {c for c, _, _ in ROWS}
    assert commands <= set(COMMANDS)
    assert commands >= set("opensnoop statsnoop syncsnoop mountsnoop execsnoop syscount".split())
    assert len(ROWS) > 80


def argv_of(host, line, pid):
    words = shlex.split(line)
    words = [str(pid) if w in STAND_INS else "root" if w == "user" else w for w in words]
    return [host.iosonde, *words]


def has_target(argv):
    """-p and -t exclude a command to trace; a list needs none."""
    letters = "".join(w[1:] for w in argv if re.fullmatch(r"-\w+", w))
    names = {"--pid", "--tid", "--list"}
    return bool(set("pt") & set(letters)) or bool(names & set(argv)) or argv[2:] == ["-l"]


def run_line(host, line, where):
    """Its result, traced for a moment: a process of ours, or what we run, never anybody else's."""
    with started(host, ["sleep", "60"]) as sleeper:
        argv = argv_of(host, line, sleeper.pid)
        if has_target(argv):
            return host.run([*argv, "-d", "0.2"], timeout=30)
        return host.run([*argv, "--", "sh", "-c", SCRIPT, where], timeout=30)


def check_taken(host, command, line, where):
    result = run_line(host, line, where)
    # what isn't there: a way to hook functions, or on this kernel that one
    nothing = re.search("no hook for functions|no kernel function is called", result.err)
    if not usable(host, command) or nothing:
        assert result.returncode != 2, f"not taken: {result}"
        return
    assert result.returncode == 0, f"not taken: {result}"
    if "events" not in result.err:
        assert result.stdout.count(b"\n") > 100, f"neither a trace nor a list: {result}"
        return
    assert re.search(r"\d+ events: \d+ shown, \d+ filtered, (at least )?\d+ lost", result.err), str(result)
    if result.stdout:
        # of a table, under the key of a histogram, CSV, or JSON
        head = rb"([a-z]+ [^\n]*\n)?[ A-Z_0-9]+\n|[a-z_0-9]+(,[a-z_0-9]+)+\n|\{\"type\":"
        if command in ("offcputime", "offwaketime", "profile", "stackcount", "wakeuptime") and re.search(r" -\w*f", f" {line}"):
            head = rb"[^\n]+ \d+\n"  # folded stacks have none
        assert re.match(head, result.stdout), f"no header: {result}"


@pytest.mark.parametrize("command", sorted({c for c, _, _ in ROWS}))
def test_lines(host, tmp, command):
    shown = 0
    for row_command, classic, new in ROWS:
        if row_command != command:
            continue
        if new is None:
            check_taken(host, command, classic, tmp)
            continue
        result = run_line(host, classic, tmp)
        assert result.returncode == 2, f"neither taken nor answered: {result}"
        (said,) = result.err.strip().splitlines()
        typed = shlex.split(classic)
        options = [w for w in shlex.split(new)[1:] if w.startswith("-") and w not in typed]
        for option in options:
            known = re.escape(option[:2] if re.fullmatch(r"-\w+", option) else option)
            assert re.search(rf"(?<![\w-]){known}", said), f"{new} isn't in the answer: {said}"
        check_taken(host, command, new, tmp)
        shown += 1
    assert shown or all(new is None for c, _, new in ROWS if c == command)
