# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Debian kernels in QEMU, for tests: see README.md."""

from .debian import DebianError
from .machine import Machine, MachineDied, Process, Result
from .image import ImageError
from .kernels import KERNELS, Kernel, KernelError, fetch

__all__ = ["KERNELS", "DebianError", "ImageError", "Kernel", "KernelError", "Machine",
           "MachineDied", "Process", "Result", "fetch"]
