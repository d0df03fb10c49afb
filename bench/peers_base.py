# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the experiments of bench/peers are made of."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

KIB = 1024
MKFS = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
FOR_EVER = "3600"  # an interval: the table comes at the end, by SIGINT


class Failed(Exception):
    """The tool did not start, or did not end."""


@dataclass
class Places:
    """What differs between the runs of an experiment."""

    dir: str  # empty, its own
    workload: str
    pid: int = 0  # of the load, where a tool is to follow it alone

    def steps(self, *calls):
        return [self.workload, "--silent", "steps", f"chdir {self.dir}", *calls]


@dataclass
class Output:
    """What a tool printed."""

    tool: str
    lines: list

    @property
    def rows(self):
        """iosonde's."""
        return [json.loads(line) for line in self.lines]


@dataclass
class Check:
    """One thing to get right. Readers return what was shown, in the terms of want."""

    name: str
    want: object
    iosonde: Callable  # of rows
    peer: Callable  # of lines
    mark: Callable = None  # what the line to quote holds

    def read(self, output, places):
        if output.tool == "iosonde":
            return self.iosonde(output.rows, places)
        return self.peer(output.lines, places)


def nothing(_):
    return []


@dataclass
class Session:
    """One start of each tool."""

    command: str
    loads: Callable
    checks: list
    peer: str = ""
    options: Callable = nothing
    peer_options: Callable = nothing
    prepare: Callable = nothing
    undo: Callable = nothing
    peer_environment: dict = field(default_factory=dict)
    by_pid: bool = False  # the first of loads is there first, for -p
    may_fail: bool = False  # the load

    def __post_init__(self):
        self.peer = self.peer or self.command


def of_file(rows, name):
    """Rows of iosonde that end in this path."""
    return [r for r in rows if (r.get("path") or "").endswith(name)]


def ending(lines, name):
    return [x for x in lines if x.rstrip().endswith(name)]


def shown(name, text, want=1, word="row"):
    """How many rows a file has."""
    return Check(
        name,
        f"{want} {word}s" if want != 1 else f"1 {word}",
        lambda rows, p: plural(len(of_file(rows, text)), word),
        lambda lines, p: plural(len(ending(lines, text)), word),
        lambda p: text,
    )


def plural(n, word):
    return f"1 {word}" if n == 1 else f"{n} {word}s"


def characters(texts):
    """Of the longest."""
    return plural(max(map(len, texts), default=0), "character")
