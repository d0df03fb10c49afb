# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a terminal's size and kind do to what is shown; the arithmetic is in tests/unit."""

import re

import pytest

ONLY_ON = ("running",)  # the kernel decides nothing here

XTERM = {"TERM": "xterm", "NO_COLOR": "1"}
WORK = """cd "$0"; dd if=/dev/zero of=a bs=4k count=4 oflag=dsync 2>/dev/null; cat a missing >/dev/null 2>&1
mv a b; rm b"""


def on_terminal(host, tmp, command, options=(), env=None, **size):
    argv = [host.iosonde, command, *options, "--", "sh", "-c", WORK, tmp]
    result = host.run_pty(argv, env=env or XTERM, **size)
    assert result.returncode == 0, str(result)
    return result.stdout.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "command,kept,left",
    [
        ("rwsnoop", ["PID", "COMM", "ROUTE", "RET", "ERR", "LAT", "PATH"], ["PRIO", "USER"]),
        ("syncsnoop", ["PID", "COMM", "CALL", "RET", "LAT", "PATH"], ["HOW"]),
        ("filegone", ["PID", "COMM", "ACTION", "ERR", "PATH", "NEW"], ["FLAGS"]),
        ("vfsstat", ["TIME", "READ", "WRITE", "CREATE", "RENAME"], []),
    ],
)
def test_eighty_columns(host, tmp, command, kept, left):
    """What tells rows apart stays, and what had no room is named."""
    lines = on_terminal(host, tmp, command, columns=80).splitlines()
    (header,) = [x.split() for x in lines if re.match(r" *(TIME|PID) ", x)]
    assert set(kept) <= set(header), header
    told = " ".join(lines).partition("left out for the width:")[2].partition("(")[0]
    assert all(name in told and name not in header for name in left), (told, header)
    assert all(len(x) <= 80 for x in lines if "blind to" not in x), lines


def test_layers_at_eighty_columns(host, tmp):
    text = on_terminal(host, tmp, "layers", columns=80)
    tables = dict(re.findall(r"^([A-Z][a-z ]+)(?::[^\n]*)?\n([^\n]*[A-Z][^\n]*)\n", text, re.M))
    assert tables["Files"].split()[-1] == "PATH", tables
    assert tables["Slowest operations"].split()[-2:] == ["REASON", "PATH"], tables
    assert all("LAT" in tables[name] for name in ("System calls", "Files", "Processes")), tables
    for line in re.findall(r"^.*%.*%.*%.*%.*%.*%.*$", text, re.M):
        shares = [float(x) for x in re.findall(r"(\d+\.\d)%", line)]
        # what stands before them in the table of times is the row's share of the whole
        assert len(shares) < 6 or abs(sum(shares[-6:]) - 100) < 0.01, line


def test_shares_add_up(host, tmp):
    """In a pipe all six are there, and before them the share of the whole, where a row has one."""
    result = host.run([host.iosonde, "layers", "--", "sh", "-c", WORK, tmp])
    rows = re.findall(r"^.*%.*%.*%.*%.*%.*%.*$", result.stdout.decode(), re.M)
    sums = [sum(float(x) for x in re.findall(r"(\d+\.\d)%", row)[-6:]) for row in rows[1:]]
    sums = [x for x in sums if x]
    assert len(sums) > 10 and all(abs(x - 100) < 0.01 for x in sums), sums


def test_live_table_fits_the_height(host, tmp):
    host.run(["sh", "-c", 'cd "$0"; for i in $(seq 60); do : >f$i; done', tmp])
    script = 'cd "$0"; for k in 1 2 3 4 5 6; do cat f* >/dev/null; sleep 0.1; done'
    argv = [host.iosonde, "opensnoop", "--by", "path", "-i", "300ms", "--", "sh", "-c", script, tmp]
    result = host.run_pty(argv, columns=80, rows=12, env=XTERM)
    frames = re.split(r"\x1b\[\d+A\x1b\[J", result.stdout.decode().replace("\r\n", "\n"))
    assert len(frames) > 2 and all(f.count("\n") <= 11 for f in frames[:-1]), frames
    assert all(re.search(r"\n\d of \d\d rows", f) for f in frames[:1]), frames[0]


@pytest.mark.parametrize("term", ["dumb", ""])
def test_dumb_terminal(host, tmp, term):
    """No escape sequences, from a live table neither."""
    text = on_terminal(host, tmp, "layers", ["-i", "50ms"], env={"TERM": term}, columns=80)
    assert "System calls" in text and "\x1b" not in text
