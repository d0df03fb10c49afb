# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Where a kernel refuses 32-bit calls, what isn't about them is still proved: a filter refuses them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import check_part, refusal
from tracer import trace

SIGNALS = {"SIGSYS": signal.SIGSYS, "SIGSEGV": signal.SIGSEGV}
REFUSED = {"IOSONDE_WORKLOAD_WITHOUT": "ia32"}
# Of each: part of the workload, command, its kind of row.
PARTS = {
    "opens": ("opensnoop", "open"),
    "stats": ("statsnoop", "stat"),
    "execs": ("execsnoop", "exec"),
    "mounts": ("mountsnoop", "mount"),
}


@pytest.fixture
def without_ia32(host):
    usual = host.environment
    host.environment = {**usual, **REFUSED}
    yield
    host.environment = usual


def test_the_rest_is_seen(request, host, tmp, without_ia32):
    (entry,) = [e for e in request.config.refusals if e["what"] == "ia32"]
    assert set(entry["parts"]) == set(PARTS)
    # the filter's signal, unless the machine was first
    assert refusal(host, "ia32") in [f"a child that tried was ended by {s}" for s in SIGNALS]
    for part, (command, kind) in PARTS.items():
        host.run(["mkdir", f"{tmp}/{part}"])
        run = trace(host, tmp, command, [], [host.workload, part, f"{tmp}/{part}"])
        check_part(host, run.work[0], "ia32")
        ops = [o for o in run.work[0]["opens"] if "uring" not in o["call"]]
        rows = [r for r in run.of(kind) if "uring" not in r.get("call", "")]
        # execsnoop has the start of the workload itself, too
        results = sorted(r["ret"] for r in rows)
        wanted = sorted([o["ret"] for o in ops] + [0] * (part == "execs"))
        assert results == wanted and len(ops) > 15, part


def test_a_32_bit_program_ends(host, tmp, without_ia32):
    """Its first call ends it, where the machine lets it start at all."""
    done = host.run([host.workload, "exec", host.workload32, f"{tmp}/file"])
    ended = [128 + s for s in SIGNALS.values()]
    assert done.returncode in ended or "Exec format error" in done.err, str(done)
    assert not host.exists(f"{tmp}/file")


@pytest.mark.only_on("running")
def test_truths_about_it_are_skipped(request):
    """By the rule in skips.toml alone, aloud, and without failing the run."""
    test = Path(__file__).with_name("test_vfsstat.py")
    argv = [sys.executable, "-m", "pytest", str(test), "-q", "-rs", "-p", "no:cacheprovider"]
    argv += ["--kernel", "running", "--rungs", "default", "-k", "32_bit or decimals"]
    if request.config.getoption("--build"):
        argv += ["--build", request.config.getoption("--build")]
    done = subprocess.run(argv, env={**os.environ, **REFUSED}, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "1 skipped" in said, said
    assert "refused here: a 32-bit system call, getpid by int $0x80; " in said, said
    assert "ia32 is refused: " in said and "its steps in opens, stats" in said, said
