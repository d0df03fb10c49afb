# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""functrace: a row per call, and in it what is known in advance that the call was passed."""

import pytest
from conftest import GUESTS
from test_bounds import small
from test_funccount import LACKING, WAYS
from tracer import trace

MS = 1000000
BYTES = 5000
ARGS = "(file->f_path.dentry->d_name.name, file, count, *pos, file->f_path.mnt->mnt_root->d_sb->s_id[0])"


def lacking(params, kernel):
    """Ways to hook that the kernel doesn't have."""
    return params.get("way") in LACKING.get(kernel, ())


def steps(host, tmp):
    calls = [f"100*write {BYTES}", "100*read 1", "7*fsync"]
    return [host.workload, "--silent", "steps", f"open {tmp}/known rwc", *calls]


def traced(host, tmp, options, argv):
    """The run, and how many calls it says that it missed: test_funclatency.py has the reason."""
    run = trace(host, tmp, "functrace", options, argv, timeout=120, lost=None)
    missed = run.summary["lost_missed"]
    assert run.summary["lost"] == missed and (not missed or host.name == "sid"), run.summary
    return run.of("call"), missed, run


def names_of(frames):
    return [f.split("+")[0] for f in frames]


def of(rows, function, n, missed=0):
    """Those of @function, which was called @n times."""
    found = [r for r in rows if r["function"] == function]
    assert n - missed <= len(found) <= n, (function, len(found), n, missed)
    return found


def test_system_calls(host, tmp):
    """By name, and what they return; each call that was made, and none that --where leaves out."""
    patterns = ["sys_read", "sys_write(count, fd, arg3)", "sys_fsync()", "sys_openat"]
    options = ["-R", "--kstack", *patterns, "--where", 'count >= 1 || filename ~ "*/known" || lat < 0']
    rows, missed, run = traced(host, tmp, options, steps(host, tmp))
    fsyncs = run.summary["filtered"]
    assert 7 - missed <= fsyncs <= 60, "and what the loader does"
    for row in of([r for r in rows if r["count"] == 1], "sys_read", 100, missed):
        assert (row["ret"], row["err"]) == (0, None) and row["lat_ns"] > 0, row
        assert row["args"][0] == f"fd={row['fd']}" and row["args"][2] == "count=1", row
        assert names_of(row["kstack"])[-1].startswith("entry_SYSCALL"), row
    for row in of(rows, "sys_write", 100, missed):
        assert row["ret"] == row["count"] == row["arg3"] == BYTES and "buf" in row, row
        assert row["args"] == [f"count={BYTES}", f"fd={row['fd']}", f"arg3={BYTES}"], row
    opened = [r for r in rows if r["filename"] == f"{tmp}/known"]
    assert len(opened) >= 1 - missed and all(r["ret"] == r["fd"] or r["ret"] > 2 for r in opened)


@pytest.mark.enough_on("running", "5.10")
def test_without_return(host, tmp):
    """At the entry: no hook at the end, and no column of it. A name that isn't there is told, too."""
    argv = ["sh", "-c", f"cat {tmp}/nothing; true"]
    options = ["sys_openat", "--where", f'filename == "{tmp}/nothing"']
    (row,) = traced(host, tmp, options, argv)[0]
    assert "ret" not in row and "lat_ns" not in row and row["flags"] == 0 and row["dfd"] == -100
    (row,) = traced(host, tmp, [*options[:2], options[2] + " && ret < 0"], argv)[0]
    assert (row["ret"], row["err"]) == (-2, "ENOENT"), "who asks for ret gets it"


@pytest.mark.enough_on("running", "5.10", "sid")
def test_latency(host, tmp):
    """No less than was slept, which is in memory of the program; how long, by group."""
    ms = 30
    argv = [host.workload, "--silent", "sleepers", "2", str(ms)]
    options = ["-R", "sys_clock_nanosleep(rqtp->tv_nsec, rqtp)"]
    rows, missed, _ = traced(host, tmp, options, argv)
    for row in of(rows, "sys_clock_nanosleep", 10, missed):
        assert row["rqtp_tv_nsec"] == ms * MS and row["lat_ns"] >= ms * MS and row["ret"] == 0, row
        assert row["args"][0] == f"rqtp->tv_nsec={ms * MS}" and row["rqtp"] > 4096, row
    by = ["--by", "function,rqtp->tv_nsec"]
    _, missed, run = traced(host, tmp, [*options, *by], argv)
    (group,) = run.of("group")
    assert 10 - missed <= group["count"] <= 10, group
    assert group["rqtp_tv_nsec"] == ms * MS <= group["p50_ns"], group


def test_tracepoints(host, tmp):
    """Their arguments, which are structs of the kernel's."""
    patterns = ["t:sched:sched_switch(prev->comm, prev->pid, prev->mm->owner->mm->owner->pid)"]
    patterns += ["t:syscalls:sys_exit_getppid"]
    rows, missed, _ = traced(host, tmp, patterns, [host.workload, "getppid", "50"])
    for row in of(rows, "syscalls:sys_exit_getppid", 50, missed):
        assert row["ret"] > 0 and row["args"] == [f"ret={row['ret']}"], row
    switches = [r for r in rows if r["function"] == "sched:sched_switch"]
    assert switches
    for row in switches:
        assert (row["prev_comm"], row["prev_pid"]) == (row["comm"], row["tid"]), row
        owner = row["prev_mm_owner_mm_owner_pid"]  # a task that has ended has none: absent, and not 0
        assert owner in (row["pid"], None), row
    assert rows[-1]["prev_mm_owner_mm_owner_pid"] is None, "its last one"


@pytest.mark.enough_on("running")
def test_no_room(host, tmp):
    """For calls under way: counted as lost."""
    argv = [host.workload, "sleepers", "12", "30"]
    options = ["-R", "sys_clock_nanosleep", "--pending", "4"]
    run = trace(host, tmp, "functrace", options, argv, lost=None)
    missed, lost = run.summary["lost_missed"], run.summary["lost_state"]
    assert lost and lost + missed == run.summary["lost"] and (not missed or host.name == "sid")
    assert 60 - missed <= len(run.of("call")) + lost <= 60, run.summary
    with small(host, "events=4096"):
        argv = [host.workload, "--silent", "--cpu", "0", "getppid", "3000"]
        run = trace(host, tmp, "functrace", ["sys_getppid", "--buffer", "4K"], argv, lost=None)
    missed = run.summary["lost_missed"]
    assert 3000 - missed <= len(run.of("call")) + run.summary["lost_ring"] <= 3000, run.summary


SOME_WAYS = [
    "kprobe.multi",
    pytest.param("kprobe", marks=pytest.mark.enough_on("6.1")),
    pytest.param("fentry", marks=pytest.mark.enough_on("5.10")),
]


@pytest.mark.only_on(*GUESTS)
@pytest.mark.parametrize("way", SOME_WAYS)
def test_functions(host, tmp, way):
    """By each way to hook: the same arguments, those of a file by its name and path."""
    host.environment = WAYS[way]
    try:
        options = ["--kstack", f"vfs_write{ARGS}", "/^vfs_(fsync_range|nosuch)$/"]
        options += ["--where", 'file->f_path.dentry->d_name.name == "known" || datasync == 0']
        rows, missed, run = traced(host, tmp, options, steps(host, tmp))
    finally:
        host.environment = {}
    writes = of(rows, "vfs_write", 100, missed)
    for i, row in enumerate(writes):
        assert row["file_f_path_dentry_d_name_name"] == "known" and row["file"] == f"{tmp}/known", row
        assert row["count"] == BYTES and (missed or row["pos"] == i * BYTES), row
        assert row["args"][1:3] == [f'file="{tmp}/known"', f"count={BYTES}"], row
        assert names_of(row["kstack"])[-1].startswith("entry_SYSCALL"), row
        assert "vfs_write" in names_of(row["kstack"])[0] or way == "fentry", row
    assert len({r["file_f_path_mnt_mnt_root_d_sb_s_id_0"] for r in writes}) == 1
    for row in [r for r in rows if r["function"] == "vfs_fsync_range"]:
        assert (row["start"], row["end"], row["file"]) == (0, 2**63 - 1, f"{tmp}/known"), row


@pytest.mark.only_on(*GUESTS)
def test_returns(host, tmp):
    """Of functions, by the hook that no waiting call escapes; an enum by name, what faults is absent."""
    argv = ["sh", "-c", f'"$@"; {host.workload} --silent sleepers 2 30', "sh", *steps(host, tmp)]
    patterns = [f"vfs_write{ARGS}", "hrtimer_nanosleep(mode, clockid)", "vfs_read(count, file->f_path)"]
    patterns += ["vfs_open(path, file->f_op->owner->name)"]
    where = 'file == "*" || count == 1 || mode ~ "HRTIMER*" || path ~ "*/known" || ret == %d' % BYTES
    rows, missed, _ = traced(host, tmp, ["-R", *patterns, "--where", where], argv)
    for row in of(rows, "vfs_write", 100, missed):
        assert (row["ret"], row["file"], row["pos"] % BYTES) == (BYTES, f"{tmp}/known", 0), row
    for row in of([r for r in rows if r["count"] == 1], "vfs_read", 100, missed):
        assert (row["ret"], row["file_f_path"]) == (0, f"{tmp}/known"), row
    for row in of(rows, "hrtimer_nanosleep", 10, missed):
        assert row["lat_ns"] >= 30 * MS and row["mode"] == "HRTIMER_MODE_REL", row
    opens = [r for r in rows if r["function"] == "vfs_open"]
    assert len(opens) >= 1 - missed and all(r["file_f_op_owner_name"] is None for r in opens), opens


MISTAKES = [
    ("vfs_read(nothing)", 125, "there are file, buf, count, pos"),
    ("vfs_read(file->nothing)", 125, "struct file has no member 'nothing'"),
    ("vfs_read(count->x)", 125, "'count' is no pointer"),
    ("vfs_read(file->f_path.dentry->d_inode->i_sb.s_uuid)", 125, "s_uuid"),
    ("vfs_read(file", 125, "no kernel function"),
    ("vfs_read(file file)", 2, "--where"),
    ("*", 125, "narrower pattern"),
]


@pytest.mark.enough_on("running")
def test_mistakes(host):
    for pattern, status, text in MISTAKES:
        result = host.run([host.iosonde, "functrace", pattern, "--", "true"], timeout=30)
        assert result.returncode == status and text in result.err, (pattern, str(result))
    for command in ("funccount", "funclatency", "stackcount"):
        result = host.run([host.iosonde, command, "vfs_read(count)"])
        assert result.returncode == 2 and "mean nothing here" in result.err, str(result)


@pytest.mark.enough_on("running", "5.10")
def test_no_way_at_all(host):
    """Functions can't be hooked, or their ends can't: it says what was tried."""
    env = {} if host.name == "running" else {"IOSONDE_WITHOUT": "kprobe_multi,kprobes,fentry"}
    result = host.run([host.iosonde, "functrace", "vfs_read", "-d", "1"], env=env)
    assert result.returncode == 1 and not result.stdout, str(result)
    assert all(f" {way} (" in result.err for way in WAYS), str(result)
    env = {} if host.name == "running" else {"IOSONDE_WITHOUT": "fentry"}
    result = host.run([host.iosonde, "functrace", "-R", "vfs_read", "-d", "1"], env=env)
    assert result.returncode == 1 and "tried fentry (" in result.err, str(result)
