# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""check_types sees each kind of difference. The "kernel" is a small one of our own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("IOSONDE_BUILD", Path(__file__).resolve().parents[2] / "build"))
KERNEL = """
struct inner { unsigned int number; };
struct other { int x; };
struct thing {
	int pid;
	unsigned long flags;
	struct inner in;
	struct inner *to;
	char name[16];
	unsigned int low : 3;
	struct { short hidden; };
} thing;
struct other other;
"""
PROGRAM = """
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
%s
#pragma clang attribute pop
__attribute__((section("raw_tp/x"), used)) long program(struct %s *t)
{
	return (long)(%s);
}
"""


def compiled(directory, name, text):
    source, out = directory / f"{name}.c", directory / f"{name}.o"
    source.write_text(text)
    clang = shutil.which("clang") or "clang-14"
    subprocess.run(
        [clang, "-target", "bpf", "-g", "-O2", "-c", source, "-o", out], check=True, timeout=60
    )
    return out


def check(tmp_path, types, read, name="thing"):
    kernel = compiled(tmp_path, "kernel", KERNEL)
    program = compiled(tmp_path, "program", PROGRAM % (types, name, read))
    checker = BUILD / "tests/btf/check_types"
    return subprocess.run(
        [checker, program, "--btf", kernel], capture_output=True, text=True, timeout=60
    )


INNER = "struct inner { unsigned int number; };"
RIGHT = [
    ("struct thing { int pid; };", "t->pid"),
    ("struct thing { int pid; unsigned long flags; };", "t->pid"),
    (INNER + "struct thing { struct inner in; };", "t->in.number"),
    (INNER + "struct thing { struct inner *to; };", "t->to->number"),
    ("struct thing { char name[16]; };", "t->name[1]"),
    ("struct thing { short hidden; };", "t->hidden"),
]


@pytest.mark.parametrize("types, read", RIGHT, ids=range(len(RIGHT)))
def test_same_types(tmp_path, types, read):
    done = check(tmp_path, types, read)
    assert done.returncode == 0, done.stdout + done.stderr


WRONG = [
    ("struct thing { long pid; };", "t->pid", "thing.pid: 8 bytes, the kernel's has 4"),
    ("struct thing { unsigned int pid; };", "t->pid", "thing.pid: unsigned"),
    ("struct thing { int *pid; };", "t->pid", "thing.pid: a type of another kind"),
    ("struct thing { int gone; };", "t->gone", "thing.gone: the kernel has no such field"),
    ("struct thing { int pid; int gone; };", "t->pid", "thing.gone: the kernel has no such"),
    ("struct thing { char name[32]; };", "t->name[1]", "thing.name: an array longer"),
    ("struct thing { unsigned int low; };", "t->low", "thing.low: a bit-field"),
    (
        "struct inner { unsigned long number; }; struct thing { struct inner in; };",
        "t->in.number",
        "inner.number: 8 bytes",
    ),
    (
        "struct inner { unsigned long number; }; struct thing { struct inner *to; };",
        "t->to->number",
        "inner.number: 8 bytes",
    ),
    (
        "struct other { int x; }; struct thing { struct other *to; };",
        "t->to->x",
        "thing.to: points to other, the kernel's to inner",
    ),
]


@pytest.mark.parametrize("types, read, says", WRONG, ids=[w[2] for w in WRONG])
def test_differences(tmp_path, types, read, says):
    done = check(tmp_path, types, read)
    assert done.returncode == 1 and says in done.stderr, done.stdout + done.stderr


def test_type_that_is_not_there(tmp_path):
    done = check(tmp_path, "struct missing { int x; };", "t->x", "missing")
    assert done.returncode == 1 and "missing: the kernel has no such type" in done.stderr


def test_flavours(tmp_path):
    """What a flavour has beyond the kernel is no error, what both have must be the same."""
    gone = "struct thing___old { int gone; unsigned long flags; };"
    assert check(tmp_path, gone, "t->flags", "thing___old").returncode == 0
    wide = "struct thing___old { int gone; unsigned int flags; };"
    done = check(tmp_path, wide, "t->flags", "thing___old")
    assert done.returncode == 1 and "thing___old.flags: 4 bytes" in done.stderr, done.stderr
    # To CO-RE a field of another kind isn't there.
    any_size = "struct thing___any_size { long pid; unsigned int flags; };"
    assert check(tmp_path, any_size, "t->flags", "thing___any_size").returncode == 0
    kind = "struct thing___old { int *pid; };"
    assert check(tmp_path, kind, "(long)t->pid", "thing___old").returncode == 0
    none = "struct missing___old { int x; };"
    assert "no such" not in check(tmp_path, none, "t->x", "missing___old").stderr


def test_object_without_types(tmp_path):
    checker = BUILD / "tests/btf/check_types"
    (tmp_path / "no.o").write_bytes(b"\x7fELF rubbish")
    kernel = compiled(tmp_path, "kernel", KERNEL)
    done = subprocess.run([checker, tmp_path / "no.o", "--btf", kernel], capture_output=True)
    assert done.returncode == 1
    assert subprocess.run([checker], capture_output=True).returncode == 2
