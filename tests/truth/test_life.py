# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The life of a run under odd circumstances: what it inherits, who reads it, what it is told."""

import datetime
import json
import re
import signal
import time

import pytest
from conftest import ENDS
from tracer import (
    CAP_BPF,
    caps_of,
    check_summary,
    child_of,
    parse_rows,
    proc_status,
    read_run,
    started,
    wait_attached,
    wait_ready,
    wait_until,
)

ENOUGH_ON = ("running",)  # signals, files and readers are the same on every kernel
ACCOUNT = re.compile(r"(\d+) events: (\d+) shown, (\d+) filtered, (?:at least )?(\d+) lost")


def account(result):
    """Of the summary's line: generated, shown, filtered, lost; it adds up."""
    found = ACCOUNT.search(result.err)
    assert found, str(result)
    generated, shown, filtered, lost = map(int, found.groups())
    assert generated == shown + filtered + lost, str(result)
    return generated, shown, filtered, lost


def under(script, *argv):
    """argv as a shell starts it after the script, or with a redirection in its end."""
    return ["sh", "-c", script, "sh", *argv]


# --- what it inherits ---


@pytest.mark.parametrize("argv, status", [(["sh", "-c", "exit 7"], 7), (["/none"], 127)])
def test_children_that_nobody_waits_for(host, tmp, argv, status):
    """Whoever started iosonde ignores SIGCHLD, and so would it."""
    sonde = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--", *argv]
    result = host.run(under("trap '' CHLD; exec \"$@\"", *sonde), timeout=20)
    assert result.returncode == status, str(result)


def test_ignored_children_keep_no_capability(host, tmp):
    argv = [host.iosonde, "layers", "-O", f"{tmp}/rows", "-p", str(host.pid)]
    with started(host, argv) as plain:
        wait_attached(host, plain.pid)
        usual = caps_of(host, plain.pid)
    with started(host, under("trap '' CHLD; exec \"$@\"", *argv)) as sonde:
        wait_attached(host, sonde.pid)
        assert caps_of(host, sonde.pid) == usual and not usual & ~(1 << CAP_BPF)


def test_dispositions_are_given_back(host, tmp):
    look = ["grep", "-E", "SigIgn|SigBlk|SigCgt", "/proc/self/status"]
    for trap in ("trap '' CHLD XFSZ PIPE", "trap '' QUIT HUP USR1", ":"):
        bare = host.run(under(f'{trap}; exec "$@"', *look))
        sonde = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--", *look]
        traced = host.run(under(f'{trap}; exec "$@"', *sonde))
        assert traced.stdout == bare.stdout and bare.stdout, (trap, str(traced), str(bare))


def test_without_stderr(host, tmp):
    """What would be descriptor 2 isn't the rows' file."""
    rows = f"{tmp}/rows"
    sonde = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--"]
    result = host.run(under('exec "$@" 2>&-', *sonde, host.workload, "burst", "5", "/dev/null"))
    assert result.returncode == 0, str(result)
    check_summary(parse_rows(host.read_file(rows)), "opensnoop")


def test_without_stdout(host, tmp):
    """Said, in place of rows in whatever became descriptor 1; the command finds it closed."""
    sonde = [host.iosonde, "opensnoop"]
    result = host.run(under('exec "$@" >&-', *sonde, "--", "true"))
    assert result.returncode == 125 and "standard output is closed" in result.err, str(result)
    look = ["sh", "-c", 'for n in 0 1 2; do test -e /proc/self/fd/$n && echo $n >&2; done; exit 0']
    result = host.run(under('exec "$@" <&- >&-', *sonde, "-O", f"{tmp}/rows", "--", *look))
    assert result.returncode == 0 and re.findall(r"^\d$", result.err, re.M) == ["2"], str(result)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_limit_of_a_files_size(host, tmp, form):
    """No signal: words, and an account that says what is in the file."""
    rows = f"{tmp}/rows"
    sonde = [host.iosonde, "opensnoop", "-o", form, "-O", rows, "--"]
    work = [host.workload, "--silent", "burst", "1000", "/dev/null"]
    result = host.run(under('ulimit -f 16; exec "$@"', *sonde, *work), timeout=20)
    assert result.returncode == 125 and result.err.count("File too large") == 1, str(result)
    whole = host.read_file(rows).count(b"\n") - (form == "csv")
    generated, shown, filtered, lost = account(result)
    assert 0 < shown == whole < generated <= 1000 and filtered == 0, (whole, str(result))


@pytest.mark.parametrize("command, work", [
    (["opensnoop"], ["burst", "40", "/dev/null"]),
    (["opensnoop", "--by", "comm"], ["burst", "40", "/dev/null"]),
    (["layers"], ["burst", "40", "/dev/null"]),
    (["filetop"], ["rw", "write", "40", "100", "{tmp}/file"]),
])  # fmt: skip
def test_shown_is_what_was_written(host, tmp, command, work):
    work = [w.format(tmp=tmp) for w in work]
    host.write_file(f"{tmp}/file", b"")
    sonde = [host.iosonde, *command, "--", host.workload, "--silent", *work]
    result = host.run(under('exec "$@" >/dev/full', *sonde), timeout=20)
    assert result.returncode == 125, str(result)
    generated, shown, _, lost = account(result)
    assert shown == 0 and lost == generated >= 40, str(result)
    assert "could not be written" in result.err, str(result)


@pytest.mark.enough_on(*ENDS)
def test_without_sys_and_proc(host):
    """Not "no such process", and not a run that sees nothing."""
    for gone, words in (("/sys", "/sys"), ("/proc", "/proc")):
        sonde = [host.iosonde, "opensnoop", "-d", "100ms", "--", "true"]
        script = f'umount -l {gone}; exec "$@"'
        result = host.run(["unshare", "-m", *under(script, *sonde)], timeout=20)
        assert result.returncode == 125 and words in result.err, str(result)
        assert "No such process" not in result.err and "mount" in result.err, str(result)


@pytest.mark.parametrize("option", ["-d", "-i", "--linger"])
def test_long_times(host, tmp, option):
    """Long, or refused; never wrapped around."""
    command = ["biosnoop"] if option == "--linger" else ["opensnoop", "--by", "comm"]
    for text in ("18446744073s", "5124095h", "2562048h"):
        result = host.run([host.iosonde, *command, option, text, "--", "true"])
        assert result.returncode == 2 and "too large" in result.err, str(result)
    if option == "--linger":
        return
    argv = [host.iosonde, *command, option, "2562047h", "-O", f"{tmp}/rows", "--"]
    result = host.run([*argv, "sh", "-c", "sleep 0.3; exit 5"], timeout=20)
    assert result.returncode == 5 and result.seconds > 0.3, str(result)
    assert host.read_file(f"{tmp}/rows").count(b"COMM") == 1, "one report, at the end"


# --- who reads the rows ---


def test_fifo_that_nobody_reads(host, tmp):
    """It ends at its time, and what found no reader is counted."""
    fifo = f"{tmp}/fifo"
    host.run(["mkfifo", fifo])
    argv = [host.iosonde, "opensnoop", "-O", fifo, "-d", "500ms", "--"]
    result = host.run([*argv, host.workload, "--silent", "burst", "30", "/dev/null"], timeout=30)
    assert result.returncode == 0, str(result)
    assert account(result) == (30, 0, 0, 30), str(result)
    assert "nobody" in result.err, str(result)


def test_fifo_whose_reader_comes_late(host, tmp):
    fifo, out = f"{tmp}/fifo", f"{tmp}/out"
    host.run(["mkfifo", fifo])
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", fifo, "--"]
    work = ["sh", "-c", f"'{host.workload}' --silent burst 30 /dev/null; sleep 1"]
    with started(host, [*argv, *work]) as sonde:
        wait_attached(host, sonde.pid)
        time.sleep(0.3)
        with started(host, ["sh", "-c", f"cat '{fifo}' >'{out}'"]) as reader:
            assert sonde.wait(30).returncode == 0
            reader.wait(10)
    rows = parse_rows(host.read_file(out))
    assert check_summary(rows, "opensnoop")["lost"] == 0
    assert len([r for r in rows if r.get("comm") == "workload" and r["type"] == "open"]) >= 30


@pytest.mark.parametrize("end", ["duration", "TERM", "INT INT"])
def test_stalled_reader(host, tmp, end):
    """A pipe that nobody empties, with messages in it, too; the command is told meanwhile."""
    err, ready = f"{tmp}/err", f"{tmp}/ready"
    duration = "-d 2" if end == "duration" else ""
    script = (
        f'{{ "$0" opensnoop {duration} -p "$1" 2>"{err}" & echo $! >"{ready}"; wait $!; }}'
        f' | {{ while ! test -e "{tmp}/done"; do sleep 0.1; done; }}'
    )
    with started(host, [host.workload, "--go", "burst", "1000000", "/dev/null"]) as job:
        wait_ready(host, job.pid)
        with started(host, ["sh", "-c", script, host.iosonde, str(job.pid)]) as shell:
            sonde = int(wait_until("started", lambda: host.read_file(ready).strip()))
            wait_attached(host, sonde)
            job.signal(signal.SIGUSR1)
            if end != "duration":  # rows are on their way, as far as they come
                wait_until("a writer", lambda: proc_status(host, sonde)["Threads"] == "2")
            time.sleep(1)
            for name in end.split() if end != "duration" else []:
                host.run(["kill", f"-{name}", str(sonde)])
                time.sleep(0.1)
            wait_until("the end", lambda: not host.exists(f"/proc/{sonde}/status"), 15)
            host.write_file(f"{tmp}/done", b"")
            shell.wait(10)
    found = ACCOUNT.search(host.read_file(err).decode())
    assert found, host.read_file(err)
    generated, shown, filtered, lost = map(int, found.groups())
    assert generated == shown + filtered + lost and lost > 0 and shown > 0


def test_stalled_reader_of_everything(host, tmp):
    """Rows and messages into one pipe that is full."""
    script = '"$0" opensnoop -d 500ms --verbose -- "$1" --silent burst 100000 /dev/null 2>&1'
    script = f'{{ {script}; echo $? >"{tmp}/status"; }} | sleep 60'
    with started(host, ["sh", "-c", script, host.iosonde, host.workload]):
        wait_until("the end", lambda: host.read_file(f"{tmp}/status").strip() == b"0", 20)


def test_reader_that_has_left(host, tmp):
    """Gone before the first row: no reason to go on, nor to say anything."""
    script = '"$0" opensnoop -p "$1" 2>"$2" | true; cat "$2"'
    with started(host, [host.workload, "tick", "10", "3000", "/dev/null"]) as job:
        argv = ["sh", "-c", script, host.iosonde, str(job.pid), f"{tmp}/err"]
        result = host.run(argv, timeout=20)
    assert result.returncode == 0 and b"shown" not in result.stdout, str(result)


def test_types_from_a_fifo(host, tmp):
    host.run(["mkfifo", f"{tmp}/fifo"])
    result = host.run([host.iosonde, "opensnoop", "--btf", f"{tmp}/fifo", "--", "true"], timeout=20)
    assert result.returncode == 125 and "regular file" in result.err, str(result)


# --- the file is moved ---


def ticking(host, rows, *options):
    argv = [host.iosonde, "opensnoop", *options, "-O", rows, "--"]
    return started(host, [*argv, host.workload, "--silent", "tick", "10", "3000", "/dev/null"])


@pytest.mark.parametrize("how", ["signal", "by itself"])
def test_file_is_moved(host, tmp, how):
    """Rows after that are in a new file, with a header of its own; none is lost on the way."""
    rows = f"{tmp}/rows"
    with ticking(host, rows, "-o", "csv") as sonde:
        wait_until("rows", lambda: b"workload" in host.read_file(rows))
        host.run(["mv", rows, f"{tmp}/old"])
        if how == "signal":
            sonde.signal(signal.SIGUSR2)
        else:
            host.run(["touch", rows])
        wait_until("new rows", lambda: b"workload" in host.read_file(rows))
        old = host.read_file(f"{tmp}/old")
        sonde.signal(signal.SIGTERM)
        result = sonde.wait(20)
    new = host.read_file(rows)
    assert host.read_file(f"{tmp}/old") == old and old.endswith(b"\n")
    assert new.split(b"\n")[0] == old.split(b"\n")[0], "a header"
    generated, shown, _, lost = account(result)
    assert lost == 0 and (old + new).count(b"\n") - 2 == shown == generated


def test_file_is_emptied(host, tmp):
    """As logrotate's copytruncate does: what follows begins at the beginning."""
    rows = f"{tmp}/rows"
    with ticking(host, rows, "-o", "json") as sonde:
        wait_until("rows", lambda: host.read_file(rows))
        host.run(["sh", "-c", f": >'{rows}'"])
        wait_until("new rows", lambda: host.read_file(rows))
        sonde.signal(signal.SIGTERM)
        sonde.wait(20)
    data = host.read_file(rows)
    assert b"\0" not in data and parse_rows(data)[-1]["type"] == "summary"


# --- signals ---


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM])
def test_ends_cleanly_and_tells_the_command(host, tmp, number):
    rows = f"{tmp}/rows"
    script = f"'{host.workload}' --silent burst 5 /dev/null; "
    script += "trap 'exit 9' HUP QUIT TERM; echo on; while :; do sleep 0.05; done"
    argv = [host.iosonde, "opensnoop", "-o", "json", "-O", rows, "--", "sh", "-c", script]
    with started(host, argv) as sonde:
        wait_until("rows", lambda: host.read_file(rows).count(b"/dev/null") >= 5)
        time.sleep(0.3)
        sonde.signal(number)
        result = sonde.wait(10)
    assert result.returncode == 9, str(result)
    assert read_run(host, "opensnoop", result, rows).summary["lost"] == 0


def test_ignored_hangup_stays_ignored(host, tmp):
    """nohup"""
    sonde = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--", "sleep", "1"]
    with started(host, under("trap '' HUP; exec \"$@\"", *sonde)) as process:
        wait_attached(host, process.pid)
        process.signal(signal.SIGHUP)
        result = process.wait(20)
    assert result.returncode == 0 and result.seconds > 1, str(result)


def test_report_on_request(host, tmp):
    """SIGUSR1: what there is until now, and on it goes. All reports together are everything."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "--by", "comm", "-i", "1h", "-o", "json", "-O", rows, "-p"]
    with started(host, [host.workload, "tick", "10", "3000", "/dev/null"]) as job:
        with started(host, [*argv, str(job.pid)]) as sonde:
            wait_attached(host, sonde.pid)
            for n in (1, 2):
                time.sleep(0.3)
                sonde.signal(signal.SIGUSR1)
                wait_until("a report", lambda n=n: host.read_file(rows).count(b"\n") == n)
            time.sleep(0.3)
            sonde.signal(signal.SIGTERM)
            result = sonde.wait(10)
    run = read_run(host, "opensnoop", result, rows)
    counts = [json.loads(line)["count"] for line in host.read_file(rows).splitlines()[:-1]]
    assert len(counts) == 3 and all(counts) and sum(counts) == run.summary["generated"]
    assert result.err.count("so far") == 2, str(result)


def test_command_of_another_user(host, tmp):
    """Whom iosonde, without any privilege by then, can't pass a signal on to."""
    argv = [host.iosonde, "opensnoop", "-O", f"{tmp}/rows", "--"]
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "30"]
    with started(host, [*argv, *command]) as sonde:
        job = child_of(host, sonde.pid, "sleep")
        sonde.signal(signal.SIGTERM)
        result = sonde.wait(10)
        host.run(["kill", "-9", str(job)])
    assert result.returncode == 143 and "cannot pass SIGTERM" in result.err, str(result)
    assert account(result)[3] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_stopped_before_it_began(host, tmp, number):
    argv = [host.iosonde, "layers", "-O", f"{tmp}/rows", "--", "true"]
    with started(host, argv) as sonde:
        path = f"/proc/{sonde.pid}/task/{sonde.pid}/children"
        job = int(wait_until("held", lambda: host.read_file(path).split())[0])
        host.run(["kill", "-STOP", str(job)])
        wait_attached(host, sonde.pid)
        assert proc_status(host, job)["State"][0] == "T"
        assert proc_status(host, job)["Name"] == "iosonde"
        sonde.signal(number)
        result = sonde.wait(10)
    assert result.returncode == 128 + number, str(result)
    assert account(result)[:1] == (0,)


# --- numbers that are used again ---

# In a pid namespace of its own, where nobody else takes numbers. $1 workload, $2 iosonde, $3 its rows,
# $4 a fifo, and what names the targets: -p, -t, or nothing for a command.
AGAIN = r"""
work=$1 sonde=$2 rows=$3 fifo=$4 how=$5
attached() { until grep -q "^CapEff:.0*$" /proc/$1/status; do sleep 0.05; done; }
ready() { until grep -q "^SigCgt:.*[2367abef]..$" /proc/$1/status; do sleep 0.05; done; }
stranger() { # gets number $1
	while test -e /proc/$1; do sleep 0.05; done
	echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
	"$work" burst 70 /dev/null >/dev/null &
	test $! = $1 || echo "not $1 but $!"
	wait $!
}
if test $how = command; then
	script='"$0" burst 3 /dev/null >/dev/null & echo $! >"$1.pid"; wait $!; read _ <"$1"'
	"$sonde" opensnoop -o json -O "$rows" -- sh -c "$script" "$work" "$fifo" & run=$!
	until test -s "$fifo.pid"; do sleep 0.05; done
	stranger $(cat "$fifo.pid")
	echo >"$fifo"
	wait $run
	exit
fi
"$work" --go burst 3 /dev/null >/dev/null & first=$!
"$work" --go burst 4 /dev/null >/dev/null & second=$!
ready $first; ready $second
test $how = -t-alone && second= how=-t
"$sonde" opensnoop -o json -O "$rows" $how $first${second:+,$second} & run=$!
attached $run
kill -USR1 $first; wait $first
stranger $first
test -z "$second" || { kill -USR1 $second; wait $second; }
wait $run
"""


@pytest.mark.enough_on(*ENDS)
@pytest.mark.parametrize("how, opens", [("-p", 7), ("-t", 7), ("-t-alone", 3), ("command", 3)])
def test_number_used_again(host, tmp, how, opens):
    """Whoever gets it is a stranger, and isn't waited for."""
    host.run(["mkfifo", f"{tmp}/fifo"])
    script = ["sh", "-c", AGAIN, "sh", host.workload, host.iosonde, f"{tmp}/rows", f"{tmp}/fifo"]
    result = host.run(["unshare", "-p", "-f", "--mount-proc", *script, how], timeout=30)
    assert result.returncode == 0 and b"not" not in result.stdout, str(result)
    run = read_run(host, "opensnoop", result, f"{tmp}/rows")
    mine = [r for r in run.of("open") if r["comm"] == "workload" and r["path"] == "/dev/null"]
    assert len(mine) == opens, (len(mine), run.summary)


# --- clocks ---


def wall_times(rows):
    return [datetime.datetime.fromisoformat(r["time"][:19]).timestamp() for r in rows]


@pytest.mark.enough_on(*ENDS)
def test_time_namespace(host, tmp):
    """Whose monotonic clock is 100,000 s ahead."""
    rows = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "-T", "-o", "json", "-O", rows, "--where", "time >= 0s", "--"]
    work = [host.workload, "--silent", "burst", "3", "/dev/null"]
    began = int(host.run(["date", "+%s"]).stdout)
    result = host.run(["unshare", "-T", "-f", "--monotonic", "100000", *argv, *work])
    assert result.returncode == 0, str(result)
    run = read_run(host, "opensnoop", result, rows)
    opens = [r for r in run.of("open") if r["path"] == "/dev/null"]
    assert len(opens) == 3 and all(0 < r["time_ns"] < 60e9 for r in opens), opens
    zone = datetime.datetime.now().astimezone().utcoffset().total_seconds()
    assert all(began - 1 <= t + zone <= began + 60 for t in wall_times(opens)), (began, opens)


@pytest.mark.enough_on(*ENDS)
@pytest.mark.only_on("5.10", "6.1", "6.12", "sid")
def test_clock_that_is_set(host, tmp):
    """The time of day follows, the time since the start doesn't."""
    rows = f"{tmp}/rows"

    def step(seconds):
        host.run(["sh", "-c", f"date -s @$(( $(date +%s) + {seconds} ))"])

    with ticking(host, rows, "-o", "json", "-T") as sonde:
        wait_until("rows", lambda: host.read_file(rows).count(b"\n") > 30)
        step(5000)
        before = host.read_file(rows).count(b"\n")
        wait_until("more rows", lambda: host.read_file(rows).count(b"\n") > before + 100)
        sonde.signal(signal.SIGTERM)
        sonde.wait(20)
        step(-5000)
    opens = [r for r in parse_rows(host.read_file(rows)) if r["type"] == "open"]
    walls = wall_times(opens)
    assert 4980 < walls[-1] - walls[0] - (opens[-1]["time_ns"] - opens[0]["time_ns"]) / 1e9 < 5020
