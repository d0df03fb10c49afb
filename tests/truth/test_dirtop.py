# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""dirtop: what is below which directory, with a program that knows what it reads and writes there."""

import pytest
from fileops import FIGURES, files, path_of, tables

pytestmark = pytest.mark.usefixtures("rung")

DIRS = ("d", "a", "a/b", "data", "data2")
MIB = 1 << 20


def dirs(host, tmp, *options):
    """{name: (reads, bytes read, writes, bytes written)}"""
    seen = files(host, tmp, "dirtop", [*options, "-i", "100"], "tree", dirs=DIRS)
    below = seen.where.encode()
    rows = tables(seen.run.of("dir"), lambda r: path_of(r, "dir"), FIGURES[:2] + FIGURES[3:])
    return {
        path.removeprefix(below).decode().lstrip("/") or ".": tuple(
            row.get(n, 0) for n in ("reads", "read_bytes", "writes", "write_bytes")
        )
        for path, row in rows.items()
        if path.startswith(below) or options
    }


def test_named_directories(host, tmp):
    """Recursive, files made later and mounts below too, the outermost of two that nest."""
    got = dirs(host, tmp, "-D", "{where}/d,{where}/a/b,{where}/a,{where}/data")
    assert got == {
        "d": (16, MIB, 0, 0),
        "a": (0, 0, 4, 150),
        "data": (0, 0, 2, 103),  # not data2
    }


def test_glob(host, tmp):
    assert dirs(host, tmp, "-D", "{where}/data*") == {
        "data": (0, 0, 2, 103),
        "data2": (0, 0, 2, 55),
    }


def test_inner_directory_alone(host, tmp):
    assert dirs(host, tmp, "-D", "{where}/a/b") == {"a/b": (0, 0, 2, 60)}


def test_each_files_own_directory(host, tmp):
    assert dirs(host, tmp) == {
        "d/x/y": (16, MIB, 0, 0),
        "data": (0, 0, 2, 103),
        "data2": (0, 0, 2, 55),
        "a": (0, 0, 1, 10),
        "a/b": (0, 0, 1, 20),
        "a/b/e": (0, 0, 1, 40),
        "a/m": (0, 0, 1, 80),
        ".": (0, 0, 1, 1000),
    }


@pytest.mark.only_on("5.10")
@pytest.mark.usefixtures("by_calls")
def test_each_files_own_directory_by_calls_alone(host, tmp):
    test_each_files_own_directory(host, tmp)


def test_glob_takes_directories_alone(host, tmp):
    script = 'cd "$0"; mkdir x-d; : > x-f; ln -s nowhere x-dangling; ln -s x-self x-self'
    assert host.run(["sh", "-c", script, tmp]).returncode == 0
    done = host.run([host.iosonde, "dirtop", "-D", f"{tmp}/x-*", "--", "true"])
    assert done.returncode == 0, str(done)


def test_no_such_directory(host):
    for missing in ("/nonexistent/x", "/nonexistent/*", ""):
        done = host.run([host.iosonde, "dirtop", "-D", missing, "--", "true"])
        assert done.returncode == 2 and "-D" in done.err, str(done)
