# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Takes the files out of docs/adding-a-tool.md: every block that has a path behind its language.

    extract_doc.py DIRECTORY    writes them below DIRECTORY
"""

import re
import sys
from pathlib import Path

DOC = Path(__file__).resolve().parents[2] / "docs/adding-a-tool.md"
BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """{path: content}, in the order of the page."""
    found = BLOCK.findall(text)
    assert len({path for path, _ in found}) == len(found), "a path twice"
    return dict(found)


def extract(directory, text=None):
    """Writes the source files; returns their paths in the tree, and the line of the catalogue."""
    files = blocks(DOC.read_text() if text is None else text)
    line = files.pop("meson.build")
    for path, content in files.items():
        target = Path(directory, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    return list(files), line.strip()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(*extract(sys.argv[1])[0], sep="\n")
