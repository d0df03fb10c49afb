# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""slabratetop: as many objects as files were opened, in whatever cache the kernel keeps them."""

import pytest
from tracer import trace

pytestmark = pytest.mark.usefixtures("rung")


def merged_with(host, cache):
    """The names of the caches that are one with that."""
    script = f'cd /sys/kernel/slab && for c in *; do [ "$c" -ef {cache} ] && echo "$c"; done; true'
    return set(host.run(["sh", "-c", script]).stdout.decode().split())


def opened(host, tmp, n):
    """One report, at the end. An interrupt that allocates while the program runs is lost, and no matter."""
    argv = [host.workload, "burst", str(n), "/dev/null"]
    return trace(host, tmp, "slabratetop", ["-i", "100"], argv, lost=None)


def allocations(run, names):
    rows = [r for r in run.of("cache") if r["cache"] in names]
    return sum(r["count"] for r in rows), sum(r["bytes"] for r in rows)


def test_objects_of_open_files(host, tmp):
    """So many files more, so many objects more, exactly; each of the cache's size."""
    n = host.few(100_000)
    names = merged_with(host, "filp")
    (few, few_bytes), (many, many_bytes) = (allocations(opened(host, tmp, k), names) for k in (1, n + 1))
    assert many - few == n and 1 <= few <= 100, (few, many)
    size = int(host.read_file("/sys/kernel/slab/filp/slab_size"))
    assert (few_bytes, many_bytes) == (few * size, many * size)
