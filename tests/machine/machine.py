# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A booted guest that runs commands: class Machine."""

import itertools
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import channel, image, kernels

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
}
# tsc=reliable: the slow hpet is the clock of 5.10 and 6.1 without it. panic=-1 with qemu's
# -no-reboot ends the guest at once.
# What isn't tested costs the emulation time: mitigations, memory that is cleared twice. A busy host
# may starve a guest for half a minute, which is no lock-up.
COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=5 tsc=reliable panic=-1 oops=panic softlockup_panic=1"
    " mitigations=off init_on_alloc=0 watchdog_thresh=60"
)
DEATH = re.compile(
    r"^(?:\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])? )?"
    r"(Kernel panic|(?:watchdog: )?BUG:|kernel BUG at|Oops:|general protection fault|"
    r"(?:traps: )?PANIC: |Unable to handle kernel|Internal error)"
)
# With QEMU 7.2's cmpxchg16b a guest dies at random, with garbage in its flags: 6.12 under load in 8
# of 12 runs, without the instruction in none. 7.2 needs it: its task storage always fails without,
# presumably for kmalloc_nolock(), which 6.18 has already. 7.2 survived all of 32 such runs.
NEEDS_CX16 = (6, 18)
CONSOLE_TAIL = 60  # lines that MachineDied shows
LAST_WORDS_S = 5  # that a dying kernel has to finish its trace
ANSWER_S = 30  # in which an agent that runs answers the simplest question, on a busy machine
SCRATCH_DEVICE = "/dev/vdb"


class MachineDied(Exception):
    """The guest panicked, reported a bug, hung or ended. The text ends with its last lines."""


@dataclass
class Result:
    """What a command did. returncode is as a shell tells it: 128+n for signal n."""

    returncode: int
    stdout: bytes
    stderr: bytes
    argv: list = ()
    seconds: float = 0.0  # as the host sees it

    @property
    def err(self):
        return self.stderr.decode(errors="replace")

    def __str__(self):
        return (f"{' '.join(map(str, self.argv))}\n"
                f"status {self.returncode} after {self.seconds:.2f} s\n"
                f"stdout: {self.stdout[-2000:]!r}\nstderr: {self.stderr[-4000:]!r}")


def run_directory():
    """A directory for one guest's disks; those that killed processes left behind go."""
    base = kernels.cache_dir() / "run"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.iterdir():
        if not Path(f"/proc/{old.name.split('-')[0]}").exists():
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=base)


class Process:
    """A command, or a file on its way, in the guest. Machine.spawn() makes them."""

    def __init__(self, machine, number, what, sink=None):
        self._machine = machine
        self._number = number
        self._what = what
        self._sink = sink
        self._output = {channel.STDOUT: bytearray(), channel.STDERR: bytearray()}
        self.pid = None
        self.returncode = None
        self._error = None
        self._started = time.monotonic()
        self._seconds = None

    @property
    def stdout(self):
        """What came so far."""
        return bytes(self._output[channel.STDOUT])

    @property
    def stderr(self):
        return bytes(self._output[channel.STDERR])

    def _take(self, kind, payload):
        if kind in self._output:
            if self._sink:
                self._pass_on(1 if kind == channel.STDOUT else 2, payload)
            else:
                self._output[kind] += payload
        elif kind == channel.STARTED:
            self.pid = channel.unpack_number(payload)
        elif kind == channel.EXIT:
            code = os.waitstatus_to_exitcode(channel.unpack_number(payload))
            self.returncode = code if code >= 0 else 128 - code
            self._seconds = time.monotonic() - self._started
        elif kind == channel.ERROR:
            self._error = channel.unpack_number(payload)

    def _pass_on(self, fd, payload):
        try:
            self._sink(fd, payload)
        except OSError:
            # Nobody reads on: what SIGPIPE is to a local process.
            self._sink = lambda fd, payload: None
            self.kill()

    @property
    def _ended(self):
        return self.returncode is not None or self._error is not None

    def running(self):
        self._machine.check(ask=False)
        return not self._ended

    def write(self, data):
        """More input, for a process spawned with keep_input or tty."""
        view = memoryview(data)
        for start in range(0, len(view), channel.CHUNK):
            chunk = bytes(view[start : start + channel.CHUNK])
            self._machine._send(channel.pack(channel.INPUT, self._number, chunk))

    def end_input(self):
        self._machine._send(channel.pack(channel.INPUT, self._number))

    def signal(self, number):
        """Sends the signal to the process alone, not to its children."""
        self._machine._send(channel.pack_signal(self._number, number, 0))

    def kill(self):
        """Ends the process and what is left of its process group."""
        self._machine._send(channel.pack_signal(self._number, signal.SIGKILL, 1))

    def wait(self, timeout=60):
        """Result when the process has ended and all have closed its output.

        After timeout it is killed, and subprocess.TimeoutExpired holds what it has written.
        """
        if not self._machine._wait(lambda: self._ended, timeout):
            self._machine.check()
            self.kill()
            raise subprocess.TimeoutExpired(self._what, timeout, self.stdout, self.stderr)
        if self._error is not None:
            name = self._what if isinstance(self._what, str) else self._what[0]
            raise OSError(self._error, os.strerror(self._error), name)
        argv = [] if isinstance(self._what, str) else self._what
        return Result(self.returncode, self.stdout, self.stderr, argv, self._seconds)


class Machine:
    """A guest, running between start() and stop() or inside a with statement.

    kernel: a name of kernels.KERNELS, a path to a vmlinuz, or "own" ($IOSONDE_VMLINUZ).
    files: (local, guest path) to put on the root disk, with the shared libraries they need.
    throttle_iops: operations per second of the scratch disk, which is /dev/vdb, empty.
    icount: guest time counts instructions, on one processor; what the host does meanwhile is not
    seen. "skip": idle time is skipped, too, so that timers are exact, but disks and the console are
    slow by any amount.
    """

    process_type = Process

    def __init__(self, kernel="5.10", smp=2, memory=2048, files=(), scratch_mib=1024,
                 throttle_iops=0, icount=False, append="", qemu_args=(), boot_timeout=60):
        self.kernel = kernels.find(kernel)
        self.name = self.kernel.name
        self.release = self.kernel.release
        self.console = []  # complete lines so far
        self.boot_s = None
        self._options = {"smp": 1 if icount else smp, "memory": memory, "icount": icount,
                         "append": append, "extra": qemu_args, "iops": throttle_iops}
        self._files, self._scratch_mib, self._boot_timeout = files, scratch_mib, boot_timeout
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._processes = {}
        self._ready = False
        self._death = None  # why
        self._doom_reason = None  # the console's line that foretells it
        self._doomed = None  # when a dying guest's last words end
        self._stopping = False
        self._qemu = self._socket = self._reader = self._directory = None

    # ---------------------------------------------------------------- life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, traceback):
        died = self.stop()
        if died and kind is None:
            raise died

    def _arguments(self, root, scratch, initrd, channel_fd):
        options = self._options
        # thread=multi of QEMU 7.2 lets guests die at random.
        accel = ["-accel", "tcg,thread=single"]
        if options["icount"]:
            sleep = "off" if options["icount"] == "skip" else "on"
            accel = ["-accel", "tcg", "-icount", f"shift=0,sleep={sleep}"]
        numbers = tuple(int(part) for part in re.findall(r"\d+", self.release)[:2])
        # Without a fifth level of page tables and protection keys it is an eighth faster.
        cpu = "max,-la57,-pku" + ("" if numbers >= NEEDS_CX16 else ",-cx16")
        throttle = f",throttling.iops-total={options['iops']}" if options["iops"] else ""
        return [
            "qemu-system-x86_64", *accel, "-cpu", cpu, "-smp", str(options["smp"]),
            "-m", str(options["memory"]), "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-serial", "stdio", "-kernel", str(self.kernel.vmlinuz),
            "-initrd", str(initrd), "-append", f"{COMMAND_LINE} {options['append']}".strip(),
            "-drive", f"file={root},if=none,id=root,format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root,serial=root",
            "-drive", f"file={scratch},if=none,id=scratch,format=raw,cache=unsafe{throttle}",
            "-device", "virtio-blk-pci,drive=scratch,serial=scratch",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=channel,fd={channel_fd}",
            "-device", "virtserialport,chardev=channel,name=channel", *options["extra"],
        ]

    def start(self):
        self._directory = run_directory()
        directory = Path(self._directory.name)
        try:
            root = image.build_root(self.kernel, self._files, directory)
            scratch = directory / "scratch.img"
            scratch.touch()
            os.truncate(scratch, self._scratch_mib << 20)
            initrd = image.build_initrd(self.kernel, directory)
            self._launch(root, scratch, initrd)
            if not self._wait(lambda: self._ready, self._boot_timeout):
                raise self._died(f"did not boot within {self._boot_timeout} s")
        except BaseException:
            self.stop()
            raise

    def _launch(self, root, scratch, initrd):
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(ANSWER_S)
        started = time.monotonic()
        with theirs:
            self._qemu = subprocess.Popen(
                self._arguments(root, scratch, initrd, theirs.fileno()), bufsize=0,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()])
        self._started = started
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self):
        """Ends the guest. Returns a MachineDied when it had died before."""
        if self._qemu:
            self._stopping = True
            self._qemu.kill()
            self._reader.join()
            self._qemu.wait()
            self._qemu.stdout.close()
            self._socket.close()
            self._qemu = None
        if self._directory:
            self._directory.cleanup()
            self._directory = None
        return self._died(self._death) if self._death else None

    def _died(self, reason):
        tail = "\n".join(self.console[-CONSOLE_TAIL:])
        return MachineDied(f"guest {self.name} ({self.release}): {reason}. Its last lines:\n{tail}")

    def check(self, ask=True):
        """Raises MachineDied when the guest is dead or, if asked, doesn't answer."""
        if ask and not self._death:
            probe = self._begin("probe", lambda number: channel.pack_get(number, "/proc/version"))
            if not self._wait(lambda: probe._ended, ANSWER_S):
                self._death = "hangs, it does not answer"
        if self._death:
            raise self._died(self._death)

    # ---------------------------------------------------------------- the reader's thread

    def _read(self):
        decoder = channel.Decoder()
        selector = selectors.DefaultSelector()
        selector.register(self._qemu.stdout, selectors.EVENT_READ)
        selector.register(self._socket, selectors.EVENT_READ)
        line = b""
        while True:
            for key, _ in selector.select(0.5):
                try:
                    data = os.read(key.fd, 1 << 16)
                except ConnectionResetError:
                    data = b""
                if key.fileobj is self._socket:
                    if not data:
                        selector.unregister(self._socket)
                    self._take_frames(decoder.feed(data))
                    continue
                *lines, line = (line + data).split(b"\n")
                self._take_lines(lines)
                if not data:
                    self._take_lines([line])
                    if self._doom_reason or not self._stopping:
                        self._end(self._doom_reason or "the virtual machine has ended")
                    return
            if self._doomed and time.monotonic() > self._doomed:
                self._end(self._doom_reason)

    def _take_lines(self, lines):
        for raw in lines:
            text = raw.decode(errors="replace").rstrip("\r")
            self.console.append(text)
            if DEATH.match(text) and not self._doom_reason:
                self._doom_reason = text
                self._doomed = time.monotonic() + LAST_WORDS_S

    def _end(self, reason):
        with self._changed:
            self._death = self._death or reason
            self._changed.notify_all()

    def _take_frames(self, frames):
        for kind, number, payload in frames:
            with self._changed:
                if kind == channel.HELLO:
                    self.boot_s = time.monotonic() - self._started
                    self._ready = True
                process = self._processes.get(number)
                if process:
                    process._take(kind, payload)
                    if process._ended:
                        del self._processes[number]
                self._changed.notify_all()

    # ---------------------------------------------------------------- commands

    def _wait(self, condition, timeout):
        """False after timeout seconds; raises MachineDied when the guest dies meanwhile."""
        with self._changed:
            met = self._changed.wait_for(lambda: condition() or self._death, timeout)
            if self._death and not condition():
                raise self._died(self._death)
            return bool(met)

    def _send(self, frame):
        self.check(ask=False)
        try:
            with self._sending:
                self._socket.sendall(frame)
        except OSError as error:
            # The console's end may tell more, and comes just after.
            self._wait(lambda: False, LAST_WORDS_S)
            self._end(f"takes no input ({error})")
            raise self._died(self._death) from error

    def _begin(self, what, frame_of, sink=None):
        number = next(self._numbers)
        process = self.process_type(self, number, what, sink)
        with self._changed:
            self._processes[number] = process
        self._send(frame_of(number))
        return process

    def spawn(self, argv, input=None, env=None, cwd=None, keep_input=False, tty=None, sink=None):
        """Starts a command and returns when it has been executed.

        Its input is /dev/null, or input, or what write() sends if keep_input. env is added to
        the guest's own environment. tty, (rows, columns), gives it a terminal. sink(fd, bytes)
        gets the output instead of the process, in another thread.
        """
        feeds = input is not None or keep_input or tty
        flags = (0 if feeds else channel.EXEC_NO_INPUT) | (channel.EXEC_TTY if tty else 0)
        environment = {**ENVIRONMENT, **(env or {})}

        def frame(number):
            return channel.pack_exec(number, argv, environment, cwd or "/", flags, tty or (0, 0))

        process = self._begin(list(argv), frame, sink)
        if not self._wait(lambda: process.pid or process._ended, ANSWER_S):
            self.check()
        if process._error is not None:
            process.wait()  # raises
        if input:
            process.write(input)
        if feeds and not keep_input and not tty:
            process.end_input()
        return process

    def run(self, argv, input=None, timeout=60, env=None, cwd=None):
        """Runs a command to its end. Raises subprocess.TimeoutExpired after killing it, and
        OSError when it could not be executed, as subprocess.run() does."""
        return self.spawn(argv, input, env, cwd).wait(timeout)

    def run_pty(self, argv, columns=80, rows=24, timeout=60, env=None, interrupt_after=None):
        """Runs argv on a terminal of that size; stdout and stderr come back mixed, as seen there.

        interrupt_after: seconds after which Ctrl-C is typed. After timeout argv is killed.
        """
        process = self.spawn(argv, env={"TERM": "xterm", **(env or {})}, tty=(rows, columns))
        if interrupt_after is not None:
            if not self._wait(lambda: process._ended, interrupt_after):
                process.write(b"\x03")
        if not self._wait(lambda: process._ended, timeout):
            process.kill()
        return process.wait()

    # ---------------------------------------------------------------- files and modules

    def tmpdir(self):
        """A new directory on the root disk, open to every user."""
        made = f"/var/tmp/iosonde-{next(self._numbers)}"
        self.run(["mkdir", "-m", "755", made])
        return made

    def put(self, local, remote, mode=None):
        """Copies a file from the host, with its permissions unless mode says others."""
        local = Path(local)
        self._write(remote, local.read_bytes(), local.stat().st_mode & 0o7777 if mode is None
                    else mode)

    def write_file(self, path, data):
        """Makes the file, and directories on its way, or replaces what it holds."""
        self._write(path, data, None)

    def _write(self, path, data, mode):
        process = self._begin(str(path), lambda number: channel.pack_put(number, path, mode))
        process.write(data)
        process.end_input()
        process.wait()

    def read_file(self, path):
        return self._begin(str(path), lambda number: channel.pack_get(number, path)).wait().stdout

    def exists(self, path):
        return self.run(["test", "-e", path]).returncode == 0

    def modprobe(self, name, *params):
        """Loads a module and what it needs; nothing happens when it is there already."""
        result = self.run(["modprobe", name, *params])
        if result.returncode:
            raise RuntimeError(f"modprobe {name}: {result.stderr.decode(errors='replace').strip()}")
