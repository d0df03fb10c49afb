# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One tool of each kind, against what is known in advance. The engine runs all four unchanged."""

import csv
import io
import re
import subprocess
from collections import Counter
from pathlib import Path

import jobs
import pytest
from host import ROOT
from tracer import caps_of, started, trace, wait_attached

TOOLS = ("sampleevents", "sampletable", "samplehist", "samplestacks", "sampleexits", "sampletables", "samplewrong",
         "sampleblind")


def run(host, tmp, tool, job, *options, **more):
    return trace(host, tmp, tool, list(options), job, **more)


def text(host, tool, job, *options):
    """The rows as lines of text into a pipe, and the line of the summary."""
    done = host.run([host.iosonde, tool, *options, "--", *job])
    assert done.returncode == 0, str(done)
    return done.stdout.decode().splitlines(), done.err


def test_a_forgotten_count_is_told(host):
    """A command whose programs count an event and not what became of it fails, and says so."""
    done = host.run([host.iosonde, "samplewrong", "--", "true"])
    assert done.returncode == 125 and "doesn't add up: 1 events, but 0 shown, 0 filtered" in done.err, str(done)


def test_programs_that_ask_no_target_are_told(host):
    """A target that changes nothing would be taken in silence."""
    done = host.run([host.iosonde, "sampleblind", "--", "true"])
    assert done.returncode == 125 and "target_match()" in done.err, str(done)


def test_engine_has_no_sample(host):
    """The samples need no edit in core/ or out/, and iosonde itself doesn't have them."""
    sources = [f for d in ("core", "out") for f in (ROOT / d).rglob("*.[ch]")]
    assert len(sources) > 50
    for f in sources:
        assert not re.search("|".join(TOOLS), f.read_text()), f
    listed = subprocess.run([host.iosonde, "list"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(TOOLS)
    real = subprocess.run([host.build / "iosonde", "list"], capture_output=True, text=True)
    assert real.returncode == 0 and "sample" not in real.stdout


# --- events ---


def test_every_thread_is_a_target_to_its_end(host, tmp):
    """Eight threads of which all end at once, twenty times: each is seen, the last one as well."""
    script = (
        "import os, threading\n"
        "for _ in range(20):\n"
        "    if not os.fork():\n"
        "        for _ in range(7): threading.Thread(target=threading.Event().wait).start()\n"
        "        os._exit(0)\n"
        "while True:\n"
        "    try: os.wait()\n"
        "    except ChildProcessError: break\n"
    )
    done = run(host, tmp, "sampleexits", jobs.python(script))
    ended = Counter(r["pid"] for r in done.of("exit"))
    assert sorted(ended.values()) == [1, *[8] * 20], ended
    assert len({r["tid"] for r in done.of("exit")}) == 161 == done.summary["shown"]


def test_events_are_exact(host, tmp):
    done = run(host, tmp, "sampleevents", jobs.python(jobs.PARENTS))
    rows = done.of("sample")
    assert Counter(r["call"] for r in rows) == {"getppid": 1000, "umask": 500}
    assert done.summary["generated"] == done.summary["shown"] == 1500
    (pid,) = {r["pid"] for r in rows}
    assert {r["tid"] for r in rows} == {pid}
    (parent,) = {r["ret"] for r in rows if r["call"] == "getppid"}
    assert 1 < parent < pid
    # the first umask() finds what was set before, the others what this one set
    assert [r["ret"] for r in rows if r["call"] == "umask"][1:] == [0o22] * 499
    times = [r["time_ns"] for r in rows]
    assert times == sorted(times) and times[0] > 0


def test_own_option_filters_in_the_kernel(host, tmp):
    done = run(host, tmp, "sampleevents", jobs.python(jobs.PARENTS), "-c", "umask")
    assert Counter(r["call"] for r in done.of("sample")) == {"umask": 500}
    s = done.summary
    assert (s["generated"], s["shown"], s["filtered"]) == (1500, 500, 1000)


def test_events_grouped(host, tmp):
    done = run(host, tmp, "sampleevents", jobs.python(jobs.PARENTS), "--by", "call")
    rows = [r for r in done.rows if "call" in r]
    assert {r["call"]: r["count"] for r in rows} == {"getppid": 1000, "umask": 500}


# --- table ---


def test_table_is_exact(host, tmp):
    done = run(host, tmp, "sampletable", jobs.python(jobs.WRITES), "-i", "60")
    (row,) = done.of("writer")
    assert (row["calls"], row["errors"]) == (257, 7)
    assert row["bytes"] == sum(range(1000, 1250)) and row["largest_bytes"] == 1249
    assert row["comm"].startswith("python3") and row["interval"] == 0
    assert done.summary["shown"] == 257


@pytest.mark.parametrize("interval", ["100ms", "1ms"])
@pytest.mark.parametrize(
    "tool,kind,count", [("sampletable", "writer", "calls"), ("samplehist", "size", "count")]
)
def test_intervals_add_up(host, tmp, tool, kind, count, interval):
    """Drained while four threads write, and as fast as it can be: nothing twice, nothing missed."""
    left = host.tmpdir()
    done = run(host, tmp, tool, jobs.python(jobs.BUSY, 1.5, left), "-i", interval)
    own = {int(f.name): int(f.read_text()) for f in Path(left).iterdir()}
    assert len(own) == 2 and min(own.values()) > 1000
    seen = Counter()
    rows = done.of(kind)
    for row in rows:
        seen[row["pid"]] += row[count]
    assert seen == own
    assert done.summary["shown"] == sum(own.values())
    ends = {r["interval"]: r["time_ns"] for r in rows}
    assert len(ends) >= 8, ends
    assert [ends[i] for i in sorted(ends)] == sorted(set(ends.values()))
    assert len({(r["interval"], r["pid"]) for r in rows}) == len(rows)


def calls(done):
    return [(r["comm"], r["calls"]) for r in done.of("writer")]


def test_table_sort_top_where(host, tmp):
    job = jobs.python(jobs.NAMED)
    by_count = [("beta", 30), ("gamma", 20), ("alpha", 10)]
    assert calls(run(host, tmp, "sampletable", job)) == by_count
    assert calls(run(host, tmp, "sampletable", job, "--sort", "comm")) == sorted(by_count)
    assert calls(run(host, tmp, "sampletable", job, "--sort", "+calls")) == by_count[::-1]
    assert calls(run(host, tmp, "sampletable", job, "-r", "2")) == by_count[:2]
    done = run(host, tmp, "sampletable", job, "--where", 'calls > 15 && comm != "gamma"')
    assert calls(done) == by_count[:1]
    assert (done.summary["shown"], done.summary["filtered"]) == (30, 30)


def test_table_csv_and_text(host):
    job = jobs.python(jobs.NAMED)
    lines, _ = text(host, "sampletable", job, "-o", "csv", "--columns", "comm,calls,bytes,errors")
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert rows[0] == {"comm": "beta", "calls": "30", "bytes": "3000", "errors": "0"}
    assert len(rows) == 3
    lines, summary = text(host, "sampletable", job)
    assert lines[0].split() == ["TIME", "PID", "COMM", "CALLS", "ERRORS", "BYTES", "LARGEST"]
    assert lines[1].split()[2:] == ["beta", "30", "0", "2.9K", "100"]
    assert len(lines) == 4
    assert "60 events: 60 shown, 0 filtered, 0 lost" in summary


def apart(rows, seconds):
    """Were the reports but the last that far apart? A report can be late, the next one in time."""
    times = [r["time_ns"] / 1e9 for r in rows][: 2 if len(rows) > 2 else None]
    return abs(times[1] - times[0] - seconds) < 0.15 and seconds <= times[0] < seconds + 0.5


def test_table_reports_every_second(host, tmp):
    done = run(host, tmp, "sampletable", jobs.python(jobs.STEADY, 0.1, 25))
    rows = done.of("writer")
    assert [r["interval"] for r in rows] == [0, 1, 2]
    assert apart(rows, 1.0)
    assert sum(r["calls"] for r in rows) == 25


def test_interval_and_count(host, tmp):
    """As many reports as asked for, while the command runs on; its status is still ours."""
    job = jobs.python(jobs.STEADY + "\nos._exit(7)", 0.05, 30)
    done = run(host, tmp, "sampletable", job, "0.3", "2", status=7)
    rows = done.of("writer")
    assert [r["interval"] for r in rows] == [0, 1]
    assert apart(rows, 0.3)
    assert 5 <= sum(r["calls"] for r in rows) <= 20


def test_duration(host, tmp):
    job = jobs.python(jobs.STEADY, 0.05, 30)
    rows = run(host, tmp, "sampletable", job, "-d", "0.9", "-i", "0.3").of("writer")
    assert [r["interval"] for r in rows] == [0, 1, 2]
    assert apart(rows, 0.3)


def test_more_entries_than_a_batch(host, tmp):
    job = jobs.python(jobs.MANY, 5000)
    done = run(host, tmp, "sampletable", job, "-i", "60")
    rows = done.of("writer")
    assert {r["comm"]: r["calls"] for r in rows} == {f"n{i}": 1 for i in range(5000)}
    assert len(rows) == 5000


def test_full_map_is_counted(host, tmp):
    done = run(host, tmp, "samplehist", jobs.python(jobs.MANY, 3000))
    s, rows = done.summary, done.of("size")
    assert s["generated"] == s["shown"] == 3000 and s["others"] > 1000
    assert sum(r["count"] for r in rows if r["comm"] == "(others)") == s["others"]
    assert len({r["comm"] for r in rows} - {"(others)"}) == 3000 - s["others"]


def test_drained_entries_make_room(host, tmp):
    """Three times as many entries as the map holds, but never at once."""
    job = jobs.python(jobs.MANY, 3000, 0.0005)
    done = run(host, tmp, "samplehist", job, "0.1")
    assert {r["comm"] for r in done.of("size")} == {f"n{i}" for i in range(3000)}
    assert done.summary["shown"] == 3000


def test_live_table_on_a_terminal(host):
    argv = [host.iosonde, "sampletable", "-i", "0.3", "--", *jobs.python(jobs.STEADY, 0.1, 10)]
    seen = host.run_pty(argv, env={"NO_COLOR": "1"})
    screen = seen.stdout.decode()
    assert seen.returncode == 0, screen
    # every frame but the first and the last takes the place of the one before
    assert len(re.findall(r"\x1b\[\d+A\x1b\[J", screen)) == screen.count("load average") - 2 > 0
    assert screen.count("load average") == screen.count("LARGEST")
    piped, _ = text(host, "sampletable", jobs.python(jobs.STEADY, 0.1, 10), "-i", "0.3")
    assert not any("load average" in line or "\x1b" in line for line in piped)


# --- several tables ---


def by(rows, key, value="calls"):
    return {r[key]: r[value] for r in rows}


def test_each_table_counts_its_own(host, tmp):
    """Two of the same writes, of which one is the account's; one of another call, with little room."""
    done = run(host, tmp, "sampletables", jobs.python(jobs.TABLES), "-i", "60")
    (writer,) = done.of("writer")
    assert (writer["calls"], writer["bytes"]) == (60, 30 * 100 + 30 * 5000)
    assert by(done.of("size"), "log2") == {6: 30, 12: 30}
    names = by(done.of("name"), "comm")
    others = names.pop("(others)")
    assert len(names) == 8 and others == sum(range(1, 21)) - sum(names.values())
    assert all(count == int(comm[1:]) for comm, count in names.items())
    s = done.summary
    assert (s["generated"], s["shown"], s["others"]) == (60 + 210, 60 + 210, others)


def test_options_reach_each_table_by_its_name(host, tmp):
    job = jobs.python(jobs.TABLES)
    where = "sizes: log2 == 12; names: calls >= 3 && comm ~ \"?[1-4]*\""
    done = run(host, tmp, "sampletables", job, "-i", "60", "--where", where)
    assert by(done.of("size"), "log2") == {12: 30} and len(done.of("writer")) == 1
    assert {r["comm"] for r in done.of("name")} <= {"n3", "n4", *(f"n{i}" for i in range(10, 20))}
    # what the table of sizes leaves out is in the account of the writers
    names = sum(r["calls"] for r in done.of("name"))
    assert (done.summary["shown"], done.summary["filtered"]) == (60 + names, 210 - names)
    done = run(host, tmp, "sampletables", job, "-i", "60", "--where", "log2 == 6", "--sort", "names:+calls",
               "-r", "names:3;sizes:1", "--columns", "names: calls")
    assert by(done.of("size"), "log2") == {6: 30}
    rows = done.of("name")
    assert len(rows) == 3 and [r["calls"] for r in rows] == sorted(r["calls"] for r in rows)
    assert all("comm" not in r for r in rows)


def test_tables_as_text(host):
    """Titles, and what people don't see unless they ask; a table's rows may be added up, too."""
    lines, summary = text(host, "sampletables", jobs.python(jobs.TABLES), "-i", "60")
    assert "Sizes" in lines and "Who asks for its parent: 4 of 9, --top 9 shows them all" in lines
    assert "270 events: 270 shown, 0 filtered" in summary
    lines, _ = text(host, "sampletables", jobs.python(jobs.TABLES), "-i", "60", "--by", "names:comm")
    assert "Who asks for its parent: 4 of 9, --top 9 shows them all" in lines


@pytest.mark.parametrize(
    "options, words",
    [
        (["--where", "calls > 1; name: foo == 1"], ["no column 'foo' in name", "comm, calls"]),
        (["--where", "sises: calls > 1"], ["no table 'sises'", "did you mean 'sizes'?", "writer, sizes, names"]),
        (["--sort", "foo"], ["no table has 'foo'", "writer, sizes, names", "help sampletables"]),
        (["--columns", "log2,comm"], ["no table has 'log2,comm'"]),
        (["-r", "names:x"], ['"x" is not a number']),
    ],
)
def test_what_no_table_takes(host, options, words):
    done = host.run([host.iosonde, "sampletables", *options, "--", "true"])
    assert done.returncode == 2 and done.stdout == b"", str(done)
    for word in words:
        assert word in done.err, str(done)


def test_help_lists_each_table(host):
    told = host.run([host.iosonde, "help", "sampletables"]).stdout.decode()
    heads = re.findall(r"^Columns of (\w+).*:$", told, re.M)
    assert heads == ["writer", "sizes", "names"]
    assert "[TABLE:]EXPR" in told


# --- histogram ---

# Both ends of slots, and a hole.
SIZE_LIST = [0, 1, 1, 2, 3, 3, 3, 4, 7, 8, 1023, 1024, 1024, 2047, 2048, 65536, 65537]


def slot(size):
    return max(size.bit_length() - 1, 0)


def test_histogram_is_exact(host, tmp):
    done = run(host, tmp, "samplehist", jobs.python(jobs.SIZES, *SIZE_LIST))
    rows = done.of("size")
    expected = Counter(map(slot, SIZE_LIST))
    assert [slot(r["low_bytes"]) for r in rows] == sorted(expected)
    for row in rows:
        n = slot(row["low_bytes"])
        assert (row["low_bytes"], row["high_bytes"]) == (2**n if n else 0, 2 ** (n + 1) - 1)
        assert row["count"] == expected[n]
        assert abs(row["share_percent"] - 100 * expected[n] / max(expected.values())) < 0.01
    assert done.summary["shown"] == len(SIZE_LIST)


def test_histogram_where(host, tmp):
    done = run(host, tmp, "samplehist", jobs.python(jobs.SIZES, *SIZE_LIST), "--where", "low >= 1K")
    assert {r["low_bytes"] for r in done.of("size")} == {1024, 2048, 65536}
    assert (done.summary["shown"], done.summary["filtered"]) == (6, 11)


LINE = re.compile(r"^ *(\S+) -> (\S+) +(\d+) +([\d.]+%|\|[* ]+\|)$")


def block(lines):
    """The lines of one block: (low, high, count, share or bar)."""
    return [m.groups() for m in map(LINE.match, lines) if m]


def test_histogram_as_text(host):
    lines, _ = text(host, "samplehist", jobs.python(jobs.SIZES, *SIZE_LIST))
    assert re.fullmatch(r"pid \d+  comm python3\S*", lines[0])
    assert lines[1].split() == ["LOW", "->", "HIGH", "COUNT", "SHARE"]
    slots = block(lines)
    assert len(slots) == len(lines) - 2 == 17  # 2^0 to 2^16 with the holes between
    assert [(s[0], s[1]) for s in slots[:4]] == [("0", "1"), ("2", "3"), ("4", "7"), ("8", "15")]
    assert (slots[10][0], slots[10][1]) == ("1.0K", "2.0K")
    expected = Counter(map(slot, SIZE_LIST))
    assert [int(s[2]) for s in slots] == [expected[i] for i in range(17)]
    assert slots[1][3] == "100.0%"


@pytest.mark.parametrize("columns,bar", [(120, 40), (60, 26), (20, 8)])
def test_histogram_on_a_terminal(host, columns, bar):
    argv = [host.iosonde, "samplehist", "--", *jobs.python(jobs.SIZES, *SIZE_LIST)]
    seen = host.run_pty(argv, columns=columns, env={"NO_COLOR": "1"})
    lines = seen.stdout.decode().replace("\r", "").splitlines()
    if columns == 20:  # too narrow for all of it: a line never wraps, whatever is left
        assert all(len(line) <= columns for line in lines if "->" in line)
        return
    slots = block(lines)
    assert len(slots) == 17
    expected = Counter(map(slot, SIZE_LIST))
    for i, s in enumerate(slots):
        stars = expected[i] * bar / max(expected.values())
        assert len(s[3]) == bar + 2
        assert abs(s[3].count("*") - stars) <= 1 and bool(expected[i]) == ("*" in s[3])
    assert all(len(line) <= columns for line in lines if "->" in line)


def test_histogram_by_interval_as_text(host):
    lines, _ = text(host, "samplehist", jobs.python(jobs.STEADY, 0.1, 10), "0.4")
    titles = [line for line in lines if "pid" in line]
    assert len(titles) >= 3 and all(re.match(r"time \d\.\d+  pid", line) for line in titles)
    assert sum(int(s[2]) for s in block(lines)) == 10


def test_histogram_as_table(host):
    """Who asks for columns, an order or a number of rows gets rows."""
    job = jobs.python(jobs.SIZES, *SIZE_LIST)
    lines, _ = text(host, "samplehist", job, "--columns", "low,count", "-s", "count", "-r", "2")
    assert [line.split() for line in lines] == [["LOW", "COUNT"], ["2", "4"], ["0", "3"]]


# --- stacks ---


def blocked_in(rows, *names):
    return sum(r["count"] for r in rows if any(f.startswith(names) for f in r["kstack"]))


def test_stacks_are_exact(host, tmp):
    done = run(host, tmp, "samplestacks", jobs.python(jobs.BLOCKED))
    rows = done.of("block")
    assert blocked_in(rows, "do_nanosleep+", "hrtimer_nanosleep+") == 50
    assert blocked_in(rows, "do_select", "core_sys_select+") == 20
    for row in rows:
        assert any(f.startswith(("__schedule", "schedule+")) for f in row["kstack"]), row
    assert sum(r["count"] for r in rows) == done.summary["shown"]
    assert [r["count"] for r in rows] == sorted((r["count"] for r in rows), reverse=True)
    assert done.summary["null_helper"] == 0


def test_stacks_as_text(host):
    lines, _ = text(host, "samplestacks", jobs.python(jobs.BLOCKED), "--top", "2")
    assert lines[0].split() == ["PID", "COMM", "COUNT", "SUM"]
    heads = [i for i, line in enumerate(lines) if re.match(r" *\d+ python3", line)]
    assert [lines[i].split()[2] for i in heads] == ["50", "20"]
    assert all(line.startswith("    ") for i, line in enumerate(lines[1:], 1) if i not in heads)
    assert any(line.strip().startswith("do_nanosleep+") for line in lines[1 : heads[1]])


def test_stacks_that_found_no_room_are_said(host, tmp):
    """Counted all the same, with the rest of their key; the value's second part is a sum."""
    done = run(host, tmp, "samplestacks", jobs.python(jobs.BLOCKED), "--lose")
    rows = done.of("block")
    assert rows and all(r["kstack"] == ["[stack lost]"] for r in rows)
    assert all(r["sum"] == 3 * r["count"] for r in rows)
    assert sum(r["count"] for r in rows) == done.summary["shown"] >= 70


def test_folded(host):
    """A line per stack: the command, its frames with the outermost first, and the number."""
    lines, _ = text(host, "samplestacks", jobs.python(jobs.BLOCKED), "--folded")
    stacks = [line.rsplit(" ", 1) for line in lines]
    assert len({s for s, _ in stacks}) == len(stacks)
    slept = [(s.split(";"), int(n)) for s, n in stacks if "do_nanosleep" in s.split(";")]
    assert sum(n for _, n in slept) == 50
    for frames, _ in slept:
        assert frames[0] == "python3" and "+0x" not in "".join(frames), frames
        at = frames.index("do_nanosleep")
        assert frames[at + 1] in ("__schedule", "schedule"), frames


def test_tree(host):
    """Callers before callees, each with all that is below it."""
    lines, _ = text(host, "samplestacks", jobs.python(jobs.BLOCKED), "--tree")
    assert lines[0].split() == ["SHARE", "COUNT", "SELF", "FUNCTION"]
    total = lines[1].split()
    assert total[0] == "100.0%" and total[3] == "all"
    (sleeps,) = {line.split()[1] for line in lines if line.split()[3] == "do_nanosleep"}
    assert sleeps == "50"


def test_root(host):
    done = host.run([host.iosonde, "samplestacks", "--root", "do_nanosleep", "--", *jobs.python(jobs.BLOCKED)])
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and lines[2].split()[1:] == ["50", "0", "do_nanosleep"], str(done)
    assert "not under do_nanosleep: " in done.err
    done = host.run([host.iosonde, "samplestacks", "--root", "do_nanosleeq", "--", *jobs.python(jobs.BLOCKED)])
    assert 'no stack has do_nanosleeq' in done.err and '"do_nanosleep" is there' in done.err, str(done)


# --- the run of an aggregating tool ---


@pytest.mark.parametrize("tool", ["sampletable", "samplehist", "samplestacks"])
def test_maps_are_read_without_privileges(host, tmp, tool):
    rows = f"{tmp}/rows"
    argv = [host.iosonde, tool, "-o", "json", "-O", rows, "-i", "0.1"]
    with started(host, [*argv, "--", *jobs.python(jobs.STEADY, 0.05, 20)]) as sonde:
        wait_attached(host, sonde.pid)
        assert caps_of(host, sonde.pid) == caps_of(host, sonde.pid, "CapPrm") == 0
        assert sonde.wait().returncode == 0
    assert host.read_file(rows).count(b'"interval":') >= 5
