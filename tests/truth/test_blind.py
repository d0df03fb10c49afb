# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What tests/blind.toml says that a rung can't see: it must be declared, and isn't shown half."""

import tomllib

import pytest
from fileops import path_of
from host import ROOT
from tracer import trace

LIST = tomllib.loads((ROOT / "tests/blind.toml").read_text())["blind"]
CASES = [(e, command) for e in LIST if "test" not in e for command in e["commands"]]
# So that everything is shown, and once.
OPTIONS = {
    "fileslower": ["0"],
    "fsslower": ["0", "--ops", "read,write"],
    "filetop": ["-i", "100"],
    "dirtop": ["-i", "100"],
    "readpath": ["-F"],
}


@pytest.mark.parametrize(
    "entry, command", CASES, ids=[f"{c}-{e['truth'][0].split()[0]}" for e, c in CASES]
)
def test_declared(host, rung, tmp, entry, command):
    if rung not in entry["rungs"]:
        return  # seen there, as the command's own truths say
    assert entry["reason"].strip()
    steps = [f"open {tmp}/x rwc", "ftruncate 4096", *entry["truth"]]
    run = trace(host, tmp, command, OPTIONS.get(command, []), [host.workload, "steps", *steps])
    done = [o for o in run.work[0]["opens"] if o["id"] in entry["truth"]]
    assert len(done) == len(entry["truth"])
    if any(o["ret"] < 0 for o in done):
        return  # the kernel has no such call
    assert entry["says"] in run.summary["blind"]
    key = "dir" if command == "dirtop" else "path"
    shown = tmp if command == "dirtop" else f"{tmp}/x"
    assert shown.encode() not in {path_of(r, key) for r in run.rows if r["type"] != "summary"}
