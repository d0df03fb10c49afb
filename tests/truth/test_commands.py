# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every command: it runs in each format, and its account adds up; or it says why it can't.

On every kernel test_doctor.py does so: each command that is usable, by the hooks that doctor names.
"""

import re

import pytest
from commands import argv_of, every_command, name_in_summary, usable
from tracer import check_summary, parse_rows

ENOUGH_ON = ("running",)
# Every ability that a hook may need, for IOSONDE_WITHOUT.
HOOKS = "tp_btf,fentry,kprobes,kprobe_multi,raw_tracepoints,tracepoints,perf_events,function_graph"


@every_command
@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_traces_a_command(host, tmp, command, form):
    """Rows that can be read, an account that adds up, and the command's own exit status."""
    if not usable(host, command):
        return
    rows = f"{tmp}/rows"
    argv = argv_of(host, command, "-o", form, "-O", rows, "--", "sh", "-c")
    script = f"'{host.workload}' --silent burst 20 /dev/null; exit 7"
    result = host.run([*argv, script], timeout=60)
    assert result.returncode == 7, str(result)
    data = host.read_file(rows)
    if form == "json":
        assert check_summary(parse_rows(data), name_in_summary(data))["lost"] == 0
    else:
        assert b"\x1b" not in data
        assert re.search(r"\d+ lost", result.err), str(result)


@every_command
def test_without_any_hook(host, command):
    """Says what was tried, ends with a failure, and prints no zeros."""
    env = {"IOSONDE_WITHOUT": HOOKS}
    argv = argv_of(host, command, "-o", "json", "-d", "100ms", "--", "echo", "ran")
    result = host.run(argv, env=env, timeout=60)
    assert result.returncode == 125, str(result)
    assert result.stdout == b"", str(result)
    assert "IOSONDE_WITHOUT" in result.err or "tried" in result.err, str(result)
