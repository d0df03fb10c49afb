#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""program_table.py BUILD: which program loads on which kernel, and how much the verifier looked at.

Reads what test_programs.py left in BUILD/results. Fails if a program loads nowhere.
"""

import sys
from pathlib import Path

RESULTS = "results"


def parse_table(text):
    """{program: its line without the header's padding} of what --ebpf prints."""
    header, *lines = [line.split() for line in text.splitlines()]
    assert header == ["PROGRAM", "HOOK", "INSNS", "VERIFIED", "JITED"], header
    assert all(len(line) == len(header) for line in lines) and lines, text
    assert all(int(line[2]) > 0 for line in lines), text
    return {line[0]: " ".join(line) for line in lines}


def read_results(build):
    """{kernel: {(command, program): verified instructions, or why it isn't loaded}}"""
    kernels = {}
    for path in sorted((Path(build) / RESULTS).glob("programs-*.txt")):
        table = kernels.setdefault(path.stem.removeprefix("programs-"), {})
        for line in path.read_text().splitlines():
            command, _, *rest = line.split()
            rest = [word for word in rest if not word.startswith("-")]
            name, what = rest[0], rest[2:]
            if what[-1].isdigit():
                seen = table.get((command, name), "0")
                table[command, name] = str(max(int(seen) if seen.isdigit() else 0, int(what[1])))
            else:
                table.setdefault((command, name), " ".join(what))
    return kernels


def main():
    kernels = read_results(sys.argv[1])
    names = sorted({key for table in kernels.values() for key in table})
    print(f"{'COMMAND':12}{'PROGRAM':24}" + "".join(f"{kernel:>12}" for kernel in kernels))
    # Those that several commands share needn't load in each.
    loaded = {key[1] for table in kernels.values() for key, cell in table.items() if cell.isdigit()}
    for key in names:
        cells = [table.get(key, "") for table in kernels.values()]
        print(f"{key[0]:12}{key[1]:24}" + "".join(f"{cell:>12}" for cell in cells))
    nowhere = sorted({name for _, name in names} - loaded)
    if nowhere or not names:
        print("loads on none of these kernels: " + (", ".join(nowhere) or "all"), file=sys.stderr)
    return 1 if nowhere or not names else 0


if __name__ == "__main__":
    sys.exit(main())
