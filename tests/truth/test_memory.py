# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What iosonde itself takes doesn't grow with what it has seen. User space is the same everywhere."""

import re

ONLY_ON = ("running",)


def peak_kib(host, tmp, writes):
    argv = [host.iosonde, "rwsnoop", "-c", "--stats", "-O", f"{tmp}/rows", "--", host.workload]
    done = host.run([*argv, "rw", "write", writes, "1", "/dev/null"], timeout=120)
    assert done.returncode == 0, str(done)
    return int(re.search(r"(\d+) KiB at most", done.err)[1])


def test_memory_stays(host, tmp):
    """Ten times the calls, the same memory."""
    few = peak_kib(host, tmp, 300_000)
    many = peak_kib(host, tmp, 3_000_000)
    assert abs(many - few) <= 1024, (few, many)
