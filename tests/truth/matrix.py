# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The truths of each command by kernel and rung, from the JUnit files of a whole run.

A cell is "passed/run". An empty one, where others' truths were run on that kernel's rung and a
command's were not, is a failure: a fall-back that nobody tries rots. A command whose test has rungs
of its own (LADDERS) has a table of its own, in which every rung that a kernel offers must be run.
"""

import importlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

from commands import COMMANDS
from conftest import KERNELS, RUNGS



def own_ladders():
    """{command: {kernel: its rungs}}"""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if "\nLADDERS = " in path.read_text():
            found[path.stem.removeprefix("test_")] = importlib.import_module(path.stem).LADDERS
    return found


def name_of(rungs):
    """test_x[low-6.1], test_x[some case-default-sid]"""
    kernels = "|".join(map(re.escape, KERNELS))
    return re.compile(rf"\[(?:.*-)?({'|'.join(rungs)})-(?:.*-)?({kernels})\]$")


def read(paths, ladders):
    """{command: {(kernel, rung): [passed, run]}}; tests that have no rung are left out."""
    cells = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    names = {c: name_of({r for rungs in ladder.values() for r in rungs}) for c, ladder in ladders.items()}
    usual = name_of(RUNGS)
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            command = case.get("classname", "").rpartition(".")[2].removeprefix("test_")
            found = names.get(command, usual).search(case.get("name", ""))
            if not found or command not in COMMANDS or case.find("skipped") is not None:
                continue
            cell = cells[command][found[2], found[1]]
            cell[0] += case.find("failure") is None and case.find("error") is None
            cell[1] += 1
    return cells


def table(cells, columns):
    """Prints it. Returns what is empty."""
    empty = []
    print(f"{'':16}" + "".join(f"{k:>14}" for k, _ in columns))
    print(f"{'':16}" + "".join(f"{r:>14}" for _, r in columns))
    for command in sorted(cells):
        texts = []
        for column in columns:
            passed, run = cells[command].get(column, (0, 0))
            texts.append(f"{passed}/{run}" if run else "EMPTY")
            if not run:
                empty.append(f"{command} on {column[0]}, {column[1]} rungs")
        print(f"{command:16}" + "".join(f"{text:>14}" for text in texts))
    return empty


def main():
    ladders = own_ladders()
    cells = read(sys.argv[1:], ladders)
    kernels = [k for k in KERNELS if any(k == kernel for c in cells.values() for kernel, _ in c)]
    usual = {c: v for c, v in cells.items() if c not in ladders}
    columns = [(k, r) for k in kernels for r in RUNGS if any((k, r) in c for c in usual.values())]
    empty = table(usual, columns)
    for command, ladder in ladders.items():
        print()
        columns = [(k, r) for k in kernels for r in ladder.get(k, ())]
        empty += table({command: cells.get(command, {})}, columns)
    for what in empty:
        print(f"no truth was run: {what}")
    return 1 if empty or not cells else 0


if __name__ == "__main__":
    sys.exit(main())
