# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every command that the binary lists, for tests of what all of them promise."""

import re
import subprocess

import pytest
from host import ROOT
from tracer import parse_rows

# Words without which a command doesn't know what to do.
NEEDS = {
    "funccount": ["vfs_read"],
    "funclatency": ["vfs_read"],
    "stackcount": ["vfs_read"],
    "functrace": ["vfs_read"],
    "trace": ["vfs_read"],
    "calltree": ["vfs_read", "--only", "vfs_read"],  # all take an emulated machine long
}


def listed():
    """[(command, its layer)] as the binary on the running kernel lists them, aliases included."""
    binary = ROOT / "build" / "iosonde"
    text = subprocess.run([binary, "list"], capture_output=True, text=True, check=True).stdout
    return [tuple(line.split()[:2]) for line in text.splitlines()]


COMMANDS = [name for name, _ in listed()]
# fsslower and fsdist under the names of one filesystem each: nothing but the filter differs, which
# test_fs.py tries.
SISTERS = re.compile(r"(ext4|xfs|btrfs|nfs|f2fs|fuse|overlay|zfs)(slower|dist)")
every_command = pytest.mark.parametrize("command", [c for c in COMMANDS if not SISTERS.fullmatch(c)])


def argv_of(host, command, *options):
    return [host.iosonde, command, *NEEDS.get(command, []), *options]


_usable = {}


def usable(host, command):
    """Can this kernel run it? Else it must say why, which test_without_any_hook looks at."""
    if (host.name, command) not in _usable:
        result = host.run(argv_of(host, command, "--ebpf", "--", "true"), timeout=60)
        assert result.returncode in (0, 1, 125), str(result)
        if result.returncode:
            assert "no hook" in result.err or "tried" in result.err, str(result)
        _usable[host.name, command] = result.returncode == 0
    return _usable[host.name, command]


def name_in_summary(data):
    """An alias runs the command that it stands for."""
    return parse_rows(data)[-1]["command"]
