# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The kernel types that programs were compiled with are the kernel's own: see tests/btf."""

import subprocess


def test_types_are_the_kernels(host, tmp_path):
    btf = tmp_path / "btf"
    btf.write_bytes(host.read_file("/sys/kernel/btf/vmlinux"))
    objects = sorted(host.build.glob("*.bpf.full.o"))
    assert objects
    checker = host.build / "tests/btf/check_types"
    done = subprocess.run([checker, *objects, "--btf", btf], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
