# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""--ustack: the right name or the address, whatever the traced program does about it."""

import subprocess

from tracer import trace

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
PEOPLE = ["cmd_tick", "main"]


def names_of(row):
    return {frame.split("+")[0] for frame in row["ustack"]}


def opens_of(run, path="/dev/null"):
    return [r for r in run.of("open") if r["path"] == path]


def test_after_exec(host, tmp):
    """One process, two programs: no frame of the first one in a stack of the second."""
    script = 'read x </dev/null; exec "$@"'
    argv = ["sh", "-c", script, "sh", host.workload, "tick", "200", "4", "/dev/null"]
    rows = opens_of(trace(host, tmp, "opensnoop", ["--ustack"], argv))
    of_shell = [r for r in rows if r["comm"] != "workload"]
    of_work = [r for r in rows if r["comm"] == "workload"]
    assert len(of_shell) == 1 and len(of_work) == 4
    assert len({r["pid"] for r in rows}) == 1
    assert not [f for r in of_shell for f in r["ustack"] if f.endswith("(workload)")]
    known = [f for r in of_work for f in r["ustack"] if "(" in f]
    assert known and all(f.endswith("(workload)") for f in known), known
    for row in of_work[:3]:
        assert set(PEOPLE) <= names_of(row), row


def test_of_another_user(host, tmp):
    """As root: the files that somebody else's process has mapped are read as one's own."""
    host.run(["chmod", "755", tmp])
    argv = [*NOBODY, host.workload, "tick", "200", "4", "/dev/null"]
    run = trace(host, tmp, "opensnoop", ["--ustack"], argv)
    rows = [r for r in opens_of(run) if r["comm"] == "workload"]
    assert len(rows) == 4 and {r["uid"] for r in rows} == {65534}
    for row in rows[:3]:
        assert set(PEOPLE) <= names_of(row), row


def test_links_to_debug_files_are_not_followed(host, tmp, tmp_path):
    """A FIFO would never open, and root would open whatever the file names; nor is a server asked."""
    link = tmp_path / "link"
    link.write_bytes(b"fifo".ljust(8, b"\0") + b"\1\2\3\4")
    made = tmp_path / "made"
    workload = host.build / "tests/workload/workload"
    section = [f".gnu_debuglink={link}"]
    subprocess.run(
        ["objcopy", "--strip-all", "--add-section", *section, workload, made], check=True
    )
    host.put(made, f"{tmp}/workload")
    host.run(["chmod", "755", f"{tmp}/workload"])
    host.run(["mkfifo", f"{tmp}/fifo"])
    out = f"{tmp}/rows"
    argv = [host.iosonde, "opensnoop", "--ustack", "-o", "csv", "-O", out, "--", f"{tmp}/workload"]
    env = {"DEBUGINFOD_URLS": "http://192.0.2.1/"}
    result = host.run([*argv, "tick", "100", "3", "/dev/null"], timeout=30, env=env)
    assert result.returncode == 0, str(result)
    lines = [x for x in host.read_file(out).decode().splitlines() if "/dev/null" in x]
    assert len(lines) == 3
    assert not [x for x in lines if "main+" in x]
    assert [x for x in lines[:2] if "(workload)" in x] == lines[:2]
