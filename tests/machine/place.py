# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A guest that holds this tree's build, for tests that run on many kernels."""

import os
from pathlib import Path

from .machine import Machine

ROOT = Path(__file__).resolve().parents[2]
# attribute of Place: path below the build directory, and whether it may be missing
PROGRAMS = {
    "iosonde": ("iosonde", False),
    "workload": ("tests/workload/workload", False),
    "workload32": ("tests/workload/workload32", True),
}


class Place(Machine):
    """A Machine whose attributes iosonde, workload and workload32 are paths in the guest."""

    def __init__(self, kernel, build=None, files=(), **options):
        build = Path(build or os.environ.get("IOSONDE_BUILD", ROOT / "build"))
        files = list(files)
        for name, (path, optional) in PROGRAMS.items():
            setattr(self, name, f"/usr/bin/{name}")
            if (build / path).exists():
                files.append((build / path, f"/usr/bin/{name}"))
            elif not optional:
                raise FileNotFoundError(f"{build / path} is not built")
        super().__init__(kernel, files=files, **options)
