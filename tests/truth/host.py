# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The kernel that is running, as something tests can act on.

A guest of the test machine offers the same methods, so that a test never knows where it runs. What a
test needs from the place goes through here: programs, files, signals. Everything is bytes.
"""

import contextlib
import ctypes
import fcntl
import functools
import os
import pty
import select
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def built_in(directory):
    """The build directory: that one, or $IOSONDE_BUILD, or build."""
    return Path(directory or os.environ.get("IOSONDE_BUILD", ROOT / "build")).absolute()


@dataclass
class Result:
    argv: list
    returncode: int  # as a shell tells it: 128+n for a signal
    stdout: bytes
    stderr: bytes
    seconds: float = 0.0

    @property
    def err(self):
        return self.stderr.decode(errors="replace")

    def __str__(self):
        return (
            f"{' '.join(map(str, self.argv))}\n"
            f"status {self.returncode} after {self.seconds:.2f} s\n"
            f"stdout: {self.stdout[-2000:]!r}\nstderr: {self.stderr[-4000:]!r}"
        )


def as_shell(code):
    return 128 - code if code < 0 else code


@dataclass
class Process:
    """A program under way. Its output goes to files, so that nobody has to read it in time."""

    argv: list
    popen: subprocess.Popen
    out: object
    errors: object
    start: float = field(default_factory=time.monotonic)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=60):
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(10)
            raise
        taken = time.monotonic() - self.start
        texts = []
        for f in (self.out, self.errors):
            f.seek(0)
            texts.append(f.read())
            f.close()
        return Result(self.argv, as_shell(code), *texts, taken)


# Classic tracepoints need the first; not every machine has them mounted.
KERNEL_FILESYSTEMS = {
    "tracefs": "/sys/kernel/tracing",
    "debugfs": "/sys/kernel/debug",
    "securityfs": "/sys/kernel/security",
}


@functools.cache
def own_mounts():
    """A mount namespace for us and our children, with the kernel's own filesystems in it.

    So the machine stays as it was found, also where the kernel itself mounts: tracefs, when somebody
    looks below debugfs. That is done here, at once: later it would be a test that changed something.
    """
    if os.geteuid():
        return
    clone_newns, ms_rec, ms_private = 0x00020000, 0x4000, 0x40000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newns) or libc.mount(b"none", b"/", None, ms_rec | ms_private, None):
        raise OSError(ctypes.get_errno(), "a mount namespace for the tests")
    for kind, where in KERNEL_FILESYSTEMS.items():
        if not os.path.ismount(where):
            # a kernel may lack one
            libc.mount(kind.encode(), where.encode(), kind.encode(), 0, None)
    with contextlib.suppress(OSError):
        os.listdir(f"{KERNEL_FILESYSTEMS['debugfs']}/tracing")


def mounted_by(pid):
    """Which of these a process sees, with multiplicity."""
    lines = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    return sorted(w[1] for w in map(str.split, lines) if w[2] in KERNEL_FILESYSTEMS)


class Host:
    name = "running"
    emulated = False
    slower = 1  # a tolerance of so many ns is so many times larger
    pid = os.getpid()  # of something that runs there

    def __init__(self, build=None):
        own_mounts()
        self.environment = {}  # a test's choice, added to every command's
        self.build = build = built_in(build)
        self._dirs = []
        where = self._reachable(build)
        self.iosonde = str(where / "iosonde")
        self.workload = str(where / "tests/workload/workload")
        self.workload32 = str(where / "tests/workload/workload32")
        # A shell's background jobs ignore it, and so would every program that is started here.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # nohup and others ignore these: we go on to, programs that we start have them as usual.
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
            if signal.getsignal(number) == signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        for path in (self.iosonde, self.workload):
            if not os.access(path, os.X_OK):
                raise FileNotFoundError(f"{path} is not built")

    def _reachable(self, build):
        """The build, or a copy of what is run of it where it lies below a directory of ours alone."""
        above = [build, *build.parents]
        if all(os.stat(path).st_mode & stat.S_IXOTH for path in above):
            return build
        copy = Path(self.tmpdir())
        (copy / "tests/workload").mkdir(parents=True)
        for name in ("iosonde", "tests/workload/workload", "tests/workload/workload32"):
            if (build / name).exists():
                shutil.copy2(build / name, copy / name)
        return copy

    def tmpdir(self):
        """A directory on a disk, open to every user: block and permission tests need both."""
        for parent in (os.environ.get("IOSONDE_TMP"), "/var/tmp", "/home", "/"):
            if parent and os.access(parent, os.W_OK) and self._on_disk(parent):
                made = os.path.realpath(tempfile.mkdtemp(prefix="iosonde-", dir=parent))
                os.chmod(made, 0o755)
                self._dirs.append(made)
                return made
        raise RuntimeError("no writable directory on a disk")

    @staticmethod
    def _on_disk(path):
        kind = subprocess.run(
            ["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True
        ).stdout.strip()
        return kind not in ("tmpfs", "ramfs", "overlayfs", "fuseblk", "nfs", "v9fs")

    def close(self):
        for path in self._dirs:
            shutil.rmtree(path, ignore_errors=True)
            # Trees deeper than a path can name.
            subprocess.run(["rm", "-rf", path], check=False)

    def remove(self, path):
        pass  # close() does

    def few(self, count):
        return count

    def _environment(self, env):
        return {**os.environ, **self.environment, **(env or {})}

    def spawn(self, argv, env=None, cwd=None):
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        popen = subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=self._environment(env),
            cwd=cwd,
        )
        return Process(argv, popen, out, err)

    def run(self, argv, input=None, timeout=60, env=None, cwd=None):
        start = time.monotonic()
        done = subprocess.run(
            [str(a) for a in argv],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            timeout=timeout,
            env=self._environment(env),
            cwd=cwd,
        )
        taken = time.monotonic() - start
        return Result(argv, as_shell(done.returncode), done.stdout, done.stderr, taken)

    def put(self, source, path):
        shutil.copy(source, path)

    def write_file(self, path, data):
        Path(path).write_bytes(data)

    def read_file(self, path):
        return Path(path).read_bytes()

    def exists(self, path):
        return os.path.exists(path)

    def run_pty(self, argv, columns=80, rows=24, timeout=60, env=None, interrupt_after=None):
        """Runs argv on a terminal of that size; stdout and stderr come back mixed, as seen there."""
        start = time.monotonic()
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update({**self._environment(env), "TERM": (env or {}).get("TERM", "xterm")})
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            try:
                os.execvp(argv[0], [str(a) for a in argv])
            finally:
                os._exit(127)
        seen = bytearray()
        while True:
            now = time.monotonic() - start
            if interrupt_after is not None and now > interrupt_after:
                os.write(fd, b"\x03")
                interrupt_after = None
            if now > timeout:
                os.kill(pid, signal.SIGKILL)
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                break
            seen += data
        status = os.waitpid(pid, 0)[1]
        os.close(fd)
        code = as_shell(os.waitstatus_to_exitcode(status))
        return Result(argv, code, bytes(seen), b"", time.monotonic() - start)
