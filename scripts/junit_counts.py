# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Prints "passed failed skipped" of a JUnit file; no test at all counts as a failure."""

import sys
import xml.etree.ElementTree as ElementTree

total = failed = skipped = 0
for suite in ElementTree.parse(sys.argv[1]).getroot().iter("testsuite"):
    total += int(suite.get("tests", 0))
    failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped += int(suite.get("skipped", 0))
if total == 0:
    failed = 1
print(max(0, total - failed - skipped), failed, skipped)
