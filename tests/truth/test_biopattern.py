# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""biopattern: sequential and random requests of known order."""

import pytest
from conftest import GUESTS
from disks import disk, scratch
from tracer import best_of


def row_of(run, name):
    rows = [r for r in run.of("pattern") if r["disk"] == name]
    assert len(rows) == 1, run.of("pattern")
    return rows[0]


def measure(host, tmp, name, steps, path):
    return row_of(disk(host, tmp, "biopattern", ["-i", "60", "-D", name], steps, path), name)


def test_sequential(host, tmp):
    """Ten in a row: all ten count, with their bytes; the first one had to be sought."""
    path, name, _ = scratch(host, tmp)

    def experiment():
        row = measure(host, tmp, name, ["10*read 4096 0 4096"], path)
        assert (row["count"], row["bytes"]) == (10, 40960)
        assert (row["sequential_percent"], row["random_percent"]) == (90, 10)

    best_of(5, experiment)


def test_alternating_ends(host, tmp):
    path, name, _ = scratch(host, tmp)

    def experiment():
        row = measure(host, tmp, name, ["40*read 4096 0 8388608 2"], path)
        assert (row["count"], row["random_percent"], row["sequential_percent"]) == (40, 100, 0)

    best_of(5, experiment)


def test_mixed(host, tmp):
    """Eight runs of 16: each begins with a jump."""
    path, name, _ = scratch(host, tmp)
    steps = [f"16*read 4096 {i * 1048576} 4096" for i in (5, 1, 7, 3, 0, 6, 2, 4)]

    def experiment():
        row = measure(host, tmp, name, steps, path)
        assert (row["count"], row["bytes"]) == (128, 128 * 4096)
        assert (row["random_percent"], row["sequential_percent"]) == (6.25, 93.75)

    best_of(5, experiment)


@pytest.mark.only_on(*GUESTS)
def test_flushes_are_not_data(host, tmp):
    """Nor are discards."""
    steps = ["5*write 4096 0 4096", "sync", "discard 65536 1048576"]
    run = disk(host, tmp, "biopattern", ["-i", "60", "-D", "vdb"], steps, "/dev/vdb")
    row = row_of(run, "vdb")
    assert (row["count"], row["bytes"]) == (5, 20480)
    assert run.summary["filtered"] >= 2, run.summary
