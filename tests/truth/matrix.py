# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The truths of each command by kernel and rung, from the JUnit files of a whole run.

A cell is "passed/run". An empty one, where others' truths were run on that kernel's rung and a
command's were not, is a failure: a fall-back that nobody tries rots.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict

from commands import COMMANDS
from conftest import KERNELS, RUNGS

# test_x[low-6.1], test_x[some case-default-sid]
NAME = re.compile(rf"\[(?:.*-)?({'|'.join(RUNGS)})-(?:.*-)?({'|'.join(map(re.escape, KERNELS))})\]$")


def read(paths):
    """{command: {(kernel, rung): [passed, run]}}; tests that have no rung are left out."""
    cells = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            found = NAME.search(case.get("name", ""))
            if not found or case.find("skipped") is not None:
                continue
            command = case.get("classname", "").rpartition(".")[2].removeprefix("test_")
            if command not in COMMANDS:
                continue
            cell = cells[command][found[2], found[1]]
            cell[0] += case.find("failure") is None and case.find("error") is None
            cell[1] += 1
    return cells


def main():
    cells = read(sys.argv[1:])
    columns = [(k, r) for k in KERNELS for r in RUNGS if any((k, r) in c for c in cells.values())]
    print(f"{'':16}" + "".join(f"{k:>14}" for k, _ in columns))
    print(f"{'':16}" + "".join(f"{r:>14}" for _, r in columns))
    empty = []
    for command in sorted(cells):
        texts = []
        for column in columns:
            passed, run = cells[command].get(column, (0, 0))
            texts.append(f"{passed}/{run}" if run else "EMPTY")
            if not run:
                empty.append(f"{command} on {column[0]}, {column[1]} rungs")
        print(f"{command:16}" + "".join(f"{text:>14}" for text in texts))
    for what in empty:
        print(f"no truth was run: {what}")
    return 1 if empty or not cells else 0


if __name__ == "__main__":
    sys.exit(main())
