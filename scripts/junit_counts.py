# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Reads a JUnit file: prints "passed failed skipped", or with --failed the ids of what failed.

No test at all counts as a failure.
"""

import sys
import xml.etree.ElementTree as ElementTree


def failed_ids(root):
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            path = case.get("classname", "").replace(".", "/") + ".py"
            yield f"{path}::{case.get('name')}"


def counts(root):
    total = failed = skipped = 0
    for suite in root.iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    if total == 0:
        failed = 1
    return max(0, total - failed - skipped), failed, skipped


def main():
    root = ElementTree.parse(sys.argv[-1]).getroot()
    if sys.argv[1] == "--failed":
        print("\n".join(failed_ids(root)))
    else:
        print(*counts(root))


main()
