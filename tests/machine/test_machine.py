# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Tests of the test machine itself. IOSONDE_MACHINE_KERNEL chooses another kernel than 5.10."""

import os
import signal
import subprocess
import time

import pytest

from machine import KernelError, Machine, MachineDied, channel, debian, kernels

KERNEL = os.environ.get("IOSONDE_MACHINE_KERNEL", "5.10")
ALL_BYTES = bytes(range(256))


@pytest.fixture(scope="module")
def guest():
    with Machine(KERNEL, files=[("/usr/bin/find", "/opt/find")]) as machine:
        yield machine


# ---------------------------------------------------------------- without a guest


def test_decoder_takes_any_pieces():
    frames = [(channel.STDOUT, 7, ALL_BYTES), (channel.EXIT, 7, b""),
              (channel.STDERR, 9, b"x" * 999)]
    stream = b"".join(channel.pack(*frame) for frame in frames)
    for size in (1, 11, 12, 13, 500, len(stream)):
        decoder, got = channel.Decoder(), []
        for start in range(0, len(stream), size):
            got += decoder.feed(stream[start : start + size])
        assert got == frames
        assert not decoder.pending


def test_null_byte_in_argument_is_refused():
    with pytest.raises(ValueError):
        channel.pack_exec(1, ["a\0b"], {}, "/", 0)


@pytest.mark.parametrize(
    "name, text",
    [
        ("sources.list.d/a.sources",
         "Types: deb\nURIs: http://x.invalid/sec\nSuites: bookworm-security\nComponents: main\n\n"
         "# off\nEnabled: no\nTypes: deb\nURIs: http://off.invalid\nSuites: sid\n"
         "Components: main\n\n"
         "Types: deb deb-src\nURIs: http://m.invalid/debian\nSuites: bookworm bookworm-updates\n"
         "Components: main contrib\nSigned-By: /k.gpg\n"),
        ("sources.list",
         "# deb http://no.invalid sid main\ndeb-src http://src.invalid sid main\n"
         "deb http://x.invalid/apt bookworm-pgdg main\ndeb http://y.invalid bookworm stable\n"
         "deb [arch=amd64 signed-by=/k.gpg] http://m.invalid/debian bookworm main non-free\n"),
    ],
)
def test_mirror_is_found_in_apt_configuration(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert debian.find_mirror(tmp_path) == ("http://m.invalid/debian", "/k.gpg")


def test_inline_key_is_kept(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/d.sources").write_text(
        "Types: deb\nURIs: http://m.invalid\nSuites: sid\nComponents: main\n"
        "Signed-By:\n -----BEGIN\n .\n abc\n -----END\n")
    assert debian.find_mirror(tmp_path)[1] == "\n -----BEGIN\n .\n abc\n -----END"


def test_no_mirror_is_an_error(tmp_path):
    with pytest.raises(debian.DebianError):
        debian.find_mirror(tmp_path)


def test_unknown_kernel_is_an_error():
    with pytest.raises(KernelError, match="unknown kernel '5.11'"):
        Machine("5.11")


# ---------------------------------------------------------------- commands


def test_boots_the_kernel_asked_for(guest):
    assert guest.run(["uname", "-r"]).stdout.decode().strip() == guest.release
    assert guest.release == kernels.kernel_release(guest.kernel.vmlinuz)
    assert guest.boot_s < 15


def test_own_kernel_boots():
    kernel = kernels.find(KERNEL)
    os.environ["IOSONDE_MODULES"] = str(kernel.module_dir)
    try:
        with Machine(str(kernel.vmlinuz), memory=1024) as machine:
            assert (machine.name, machine.release) == ("own", kernel.release)
            machine.modprobe("loop")
    finally:
        del os.environ["IOSONDE_MODULES"]


def test_streams_and_status_are_kept_apart(guest):
    result = guest.run(["sh", "-c", "echo out; echo err >&2; exit 42"])
    assert (result.returncode, result.stdout, result.stderr) == (42, b"out\n", b"err\n")


def test_binary_input_arguments_and_environment(guest):
    assert guest.run(["cat"], input=ALL_BYTES * 100).stdout == ALL_BYTES * 100
    name = bytes(range(1, 256))
    assert guest.run(["printf", "%s", name]).stdout == name
    result = guest.run(["sh", "-c", "printf %s \"$X$PATH\""], env={"X": "a b\n"})
    assert result.stdout.startswith(b"a b\n/usr/local/sbin:")
    assert guest.run(["pwd"], cwd="/var/tmp").stdout == b"/var/tmp\n"


def test_input_is_empty_by_default_and_may_be_ignored(guest):
    assert guest.run(["cat"]).stdout == b""
    assert guest.run(["cat"], input=b"").stdout == b""
    assert guest.run(["true"], input=bytes(1 << 20)).returncode == 0


def test_big_output_is_complete(guest):
    size = 20 << 20
    result = guest.run(["sh", "-c", f"yes 0123456 | head -c {size}"])
    assert result.stdout == b"0123456\n" * (size // 8)


def test_big_input_is_complete(guest):
    data = os.urandom(4 << 20)
    assert guest.run(["cat"], input=data).stdout == data


def test_commands_run_at_the_same_time(guest):
    readers = [guest.spawn(["sh", "-c", f"read x; echo {n} $x"], keep_input=True)
               for n in range(20)]
    for n, reader in reversed(list(enumerate(readers))):
        assert reader.running()
        reader.write(f"line {n}\n".encode())
    for n, reader in enumerate(readers):
        assert reader.wait(20).stdout == f"{n} line {n}\n".encode()
        assert not reader.running()


def test_command_that_is_not_there(guest):
    with pytest.raises(FileNotFoundError, match="no-such"):
        guest.run(["no-such"])
    with pytest.raises(PermissionError):
        guest.run(["/etc/passwd"])
    with pytest.raises(FileNotFoundError):
        guest.run(["true"], cwd="/no/such")


def test_signals(guest):
    script = "trap 'echo got; exit 3' USR1; echo $$; while :; do sleep 0.1; done"
    process = guest.spawn(["sh", "-c", script])
    deadline = time.monotonic() + 20
    while not process.stdout and time.monotonic() < deadline:
        time.sleep(0.05)
    process.signal(signal.SIGUSR1)
    result = process.wait(20)
    assert (result.returncode, result.stdout) == (3, f"{process.pid}\ngot\n".encode())
    process = guest.spawn(["sleep", "100"])
    process.signal(signal.SIGTERM)
    assert process.wait(20).returncode == 128 + signal.SIGTERM


def test_timeout_kills_the_command_and_its_children(guest):
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        guest.run(["sh", "-c", "echo here; sleep 4321 & sleep 4321; true"], timeout=2)
    assert caught.value.stdout == b"here\n"
    time.sleep(0.5)
    assert b"4321" not in guest.run(["ps"]).stdout


def test_terminal(guest):
    result = guest.run_pty(["sh", "-c", "tty; stty size; echo err >&2"], columns=99, rows=33)
    assert result.stdout.startswith(b"/dev/pts/")
    assert result.stdout.endswith(b"\r\n33 99\r\nerr\r\n")
    assert guest.run_pty(["sleep", "100"], interrupt_after=1).returncode == 128 + signal.SIGINT


def test_reader_of_the_output_that_goes_away(guest):
    def gone(fd, data):
        raise BrokenPipeError

    process = guest.spawn(["yes"], sink=gone)
    assert process.wait(20).returncode == 128 + signal.SIGKILL
    assert guest.run(["true"]).returncode == 0


# ---------------------------------------------------------------- files, disks, modules


def test_files(guest, tmp_path):
    path = f"{guest.tmpdir()}/made/on the way"
    assert not guest.exists(path)
    guest.write_file(path, ALL_BYTES * 5000)
    assert guest.exists(path)
    assert guest.read_file(path) == ALL_BYTES * 5000
    guest.write_file(path, b"")
    assert guest.read_file(path) == b""
    local = tmp_path / "program"
    local.write_bytes(b"#!/bin/sh\necho ran $1\n")
    guest.put(local, path, 0o755)
    assert guest.run([path, "so"]).stdout == b"ran so\n"
    assert guest.run(["stat", "-c", "%a %u", path]).stdout == b"755 0\n"


def test_file_errors(guest):
    with pytest.raises(FileNotFoundError):
        guest.read_file("/no/such")
    with pytest.raises(IsADirectoryError):
        guest.read_file("/etc")
    with pytest.raises(IsADirectoryError):
        guest.write_file("/etc", b"")
    with pytest.raises(OSError, match="Invalid argument"):
        guest.write_file("/proc/sys/kernel/printk", b"nonsense")


def test_files_of_the_kernel(guest):
    assert b"nodev\tproc\n" in guest.read_file("/proc/filesystems")
    guest.write_file("/sys/kernel/tracing/set_event", b"sched:sched_switch\n")
    assert guest.read_file("/sys/kernel/tracing/set_event") == b"sched:sched_switch\n"
    guest.write_file("/sys/kernel/tracing/set_event", b"")
    assert guest.exists("/sys/kernel/btf/vmlinux")


def test_program_given_by_the_caller_has_its_libraries(guest):
    assert guest.run(["/opt/find", "/opt", "-type", "f"]).stdout == b"/opt/find\n"


@pytest.mark.parametrize("kind", ["proc", "sysfs", "devtmpfs", "devpts", "tracefs", "debugfs",
                                  "securityfs", "bpf", "cgroup2", "ext4"])
def test_mounts(guest, kind):
    assert f" {kind} " in guest.read_file("/proc/mounts").decode()


@pytest.mark.parametrize("name", """xfs btrfs nfs nfsd fuse overlay null_blk scsi_debug loop brd
    zram dm-mod dm-delay dm-flakey dm-crypt raid1 sch_netem veth bfq virtio_blk
    virtio_net""".split())
def test_modules(guest, name):
    guest.modprobe(name)


def test_module_parameters_and_errors(guest):
    guest.run(["modprobe", "-r", "null_blk"])
    guest.modprobe("null_blk", "nr_devices=1", "irqmode=2", "completion_nsec=5000000")
    assert guest.read_file("/sys/module/null_blk/parameters/completion_nsec") == b"5000000\n"
    with pytest.raises(RuntimeError, match="no_such_module"):
        guest.modprobe("no_such_module")


@pytest.mark.parametrize(
    "kind, make",
    [
        ("ext4", ["mkfs.ext4", "-q"]),
        ("xfs", ["mkfs.xfs", "-q", "-f", "-m", "bigtime=0,inobtcount=0", "-i", "nrext64=0"]),
        ("btrfs", ["mkfs.btrfs", "-q", "-f", "-R", "^free-space-tree"]),
    ],
)
def test_filesystems_on_the_scratch_disk(guest, kind, make):
    assert guest.read_file("/sys/block/vdb/size") == b"2097152\n"
    made = guest.run([*make, "/dev/vdb"])
    assert made.returncode == 0, made.stderr
    mounted = guest.run(["mount", "-t", kind, "/dev/vdb", "/mnt"])
    assert mounted.returncode == 0, mounted.stderr
    guest.write_file("/mnt/file", ALL_BYTES)
    assert guest.run(["umount", "/mnt"]).returncode == 0
    assert not guest.exists("/mnt/file")


def test_fuse_and_device_mapper(guest):
    guest.modprobe("fuse")
    guest.modprobe("dm-delay")
    script = """set -e
        mkfs.ext4 -q /dev/vdb
        fuse2fs /dev/vdb /mnt -o rw
        grep -q '^/dev/vdb /mnt fuse' /proc/mounts
        umount /mnt
        while pidof fuse2fs; do sleep 0.1; done
        echo '0 8192 delay /dev/vdb 0 50' | dmsetup create --noudevsync slow
        dmsetup mknodes"""
    result = guest.run(["sh", "-c", script])
    assert result.returncode == 0, result
    reads = ["dd", "if=/dev/mapper/slow", "of=/dev/null", "bs=4096", "count=10", "iflag=direct"]
    assert 0.5 < guest.run(reads).seconds < 5
    assert guest.run(["dmsetup", "remove", "--noudevsync", "slow"]).returncode == 0


def test_throttled_disk_is_slow():
    with Machine(KERNEL, memory=1024, throttle_iops=20) as machine:
        argv = ["dd", "if=/dev/vdb", "of=/dev/null", "bs=4096", "count=40", "iflag=direct"]
        assert 1.5 < machine.run(argv).seconds < 10


def test_icount_runs():
    with Machine(KERNEL, memory=1024, icount=True) as machine:
        assert machine.run(["nproc"]).stdout == b"1\n"


# ---------------------------------------------------------------- dying


def test_panic_is_reported_with_the_last_lines():
    with pytest.raises(MachineDied) as caught:
        with Machine(KERNEL, memory=1024) as machine:
            machine.run(["sh", "-c", "echo about to die > /dev/kmsg; echo c > /proc/sysrq-trigger"])
    assert "about to die" in str(caught.value)
    assert "sysrq_handle_crash" in str(caught.value)
    assert "Kernel panic" in str(caught.value)


def test_death_between_commands_is_not_overlooked():
    with pytest.raises(MachineDied, match="sysrq_handle_crash"):
        with Machine(KERNEL, memory=1024) as machine:
            machine.spawn(["sh", "-c", "sleep 1; echo c > /proc/sysrq-trigger"])
            time.sleep(4)


def test_bug_report_that_the_kernel_survives_is_reported():
    line = "BUG: Bad page state in process test"
    with pytest.raises(MachineDied, match=line):
        with Machine(KERNEL, memory=1024) as machine:
            machine.run(["sh", "-c", f"echo '<2>{line}' > /dev/kmsg"])


def test_guest_that_ends_is_reported():
    with pytest.raises(MachineDied, match="has ended"):
        with Machine(KERNEL, memory=1024) as machine:
            machine.run(["reboot", "-f"])


def test_hang_ends_by_the_limit(monkeypatch):
    monkeypatch.setattr("machine.machine.ANSWER_S", 3)
    with pytest.raises(MachineDied, match="does not answer"):
        with Machine(KERNEL, memory=1024) as machine:
            # A stopped virtual machine: nothing in the guest runs, the console is silent.
            os.kill(machine._qemu.pid, signal.SIGSTOP)
            machine.run(["true"], timeout=1)


def test_boot_that_hangs_ends_by_the_limit():
    with pytest.raises(MachineDied, match="did not boot within 3 s"):
        with Machine(KERNEL, memory=1024, append="rdinit=/nothing root=/dev/none rootwait",
                     boot_timeout=3):
            pass


def test_guest_does_not_outlive_its_user(tmp_path):
    program = tmp_path / "user.py"
    program.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))!r})\n"
        "from machine import Machine\n"
        f"machine = Machine({KERNEL!r}, memory=1024)\n"
        "machine.start()\n"
        "print(machine._qemu.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n")
    done = subprocess.run(["/usr/bin/python3", program], stdout=subprocess.PIPE)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{pid}")
