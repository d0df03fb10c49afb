# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A guest of the test machine as a place for the truth tests: what Host is for the running kernel."""

import shutil

from host import built_in
from tests.machine.machine import Process
from tests.machine.place import Place

# Programs of which busybox's version isn't enough, their packages, and where they go. Its shell
# prefers its own programs to those of the path.
TOOLS = (
    ("dash", "dash", "/usr/bin/sh"),
    ("nice", "coreutils", "/usr/bin/nice"),
    ("readlink", "coreutils", "/usr/bin/readlink"),
    ("ps", "procps", "/usr/bin/ps"),
    ("unshare", "util-linux", "/usr/bin/unshare"),
    ("ip", "iproute2", "/usr/bin/ip"),
    ("tc", "iproute2", "/usr/bin/tc"),
)
# A third disk, without a file behind it, that takes so many requests a second: /dev/vdc.
THROTTLED_IOPS = 50
THROTTLED_DISK = (
    "-drive",
    "driver=null-co,size=268435456,read-zeroes=on,if=none,id=throttled,"
    f"throttling.iops-total={THROTTLED_IOPS}",
    "-device",
    "virtio-blk-pci,drive=throttled,serial=throttled",
)
# An emulated processor is 10 to 50 times slower, and two share one thread of the host.
PATIENCE = 6


class PatientProcess(Process):
    def wait(self, timeout=60):
        return super().wait(timeout * PATIENCE)


class Guest(Place):
    """A Place whose commands get more time, and an environment that a test may choose."""

    process_type = PatientProcess
    emulated = True
    slower = 10
    pid = 1  # of something that runs there: the agent

    def __init__(self, kernel, build=None, **options):
        self.environment = {}
        self.build = build = built_in(build)
        options.setdefault("boot_timeout", 60 * PATIENCE // 2)
        super().__init__(kernel, build, files=self._tools(), qemu_args=THROTTLED_DISK, **options)

    @staticmethod
    def _tools():
        files = []
        for tool, package, place in TOOLS:
            found = shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin")
            if not found:
                raise FileNotFoundError(f"{tool} not found: install {package}")
            files.append((found, place))
        return files

    def few(self, count):
        """As many repetitions as take about as long as count do natively."""
        return max(1, count // 20)

    def spawn(self, argv, input=None, env=None, cwd=None, **more):
        return super().spawn(argv, input, {**self.environment, **(env or {})}, cwd, **more)

    def remove(self, path):
        self.run(["rm", "-rf", path])
