# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""--by on live rows: groups by what is shown, what isn't known stays so, and all of them add up."""

import pytest
from conftest import ENDS
from tracer import read_run

ENOUGH_ON = ENDS  # groups are made of what is shown


def grouped(host, tmp, command, keys, argv, *options):
    rows = f"{tmp}/rows"
    words = [host.iosonde, command, "--by", keys, *options, "-o", "json", "-O", rows, "--", *argv]
    result = host.run(words, timeout=60)
    assert result.returncode == 0, str(result)
    return read_run(host, command, result, rows)


def test_by_arguments(host, tmp):
    """Two commands, three times and once: by their words, not by where these happened to be."""
    script = "for i in 1 2 3; do /bin/true one two; done; /bin/true one three; :"
    run = grouped(host, tmp, "execsnoop", "args", ["sh", "-c", script])
    counts = {r["args"]: r["count"] for r in run.of("group")}
    assert counts["/bin/true one two"] == 3 and counts["/bin/true one three"] == 1, counts
    assert sum(counts.values()) == run.summary["shown"]


def test_by_call_as_it_is_shown(host, tmp):
    script = "for i in 1 2; do umount /no/such/a; done 2>/dev/null; umount /no/such/b 2>/dev/null; :"
    run = grouped(host, tmp, "mountsnoop", "call", ["sh", "-c", script])
    counts = {r["call"]: r["count"] for r in run.of("group")}
    assert None not in counts and sum(counts.values()) == run.summary["shown"]
    a = {c: n for c, n in counts.items() if "/no/such/a" in c}
    b = {c: n for c, n in counts.items() if "/no/such/b" in c}
    assert a and b and sum(a.values()) == 2 * sum(b.values()), counts


@pytest.mark.only_on("6.1", "6.12")  # where filelife has its best hooks; nothing else depends on it
def test_what_is_not_known(host, tmp):
    """A file from before the run has neither a creator nor an age."""
    old = f"{tmp}/old"
    host.write_file(old, b"x")
    run = grouped(host, tmp, "filelife", "comm,creator_pid", ["rm", old], "-a", "-C")
    (row,) = [r for r in run.of("group") if r["comm"] == "rm"]
    assert row["creator_pid"] is None and row["count"] == 1, row


def test_the_others(host, tmp):
    """More names than the groups may take: each event is in a group, or among the others."""
    n = 3000  # several times what has room
    script = f"i=0; while [ $i -lt {n} ]; do true <nosuch$i; i=$((i+1)); done"
    run = grouped(host, tmp, "opensnoop", "path", ["sh", "-c", f"{{ {script}; }} 2>/dev/null; :"],
                  "--by-memory", "64K")  # fmt: skip
    rows = run.of("group")
    assert sum(r["count"] for r in rows) == run.summary["shown"] >= n
    assert rows[-1]["path"] == "(others)" and rows[-1]["rank"] is None
    assert all(r["rank"] for r in rows[:-1])
    names = [r["path"] for r in rows]
    assert len(names) == len(set(names)) and len(names) < n / 2


@pytest.mark.parametrize("how", [["--by", "comm,kstack"], ["--columns", "comm,path,kstack"]])
def test_a_stack_that_is_named_is_taken(host, tmp, how):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", *how, "-o", "json", "-O", rows, "--", "cat", "/dev/null"]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0, str(result)
    run = read_run(host, "opensnoop", result, rows)
    for row in run.of("group" if how[0] == "--by" else "open"):
        assert row["kstack"] and len(row["kstack"]) > 2, row
