# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a guest boots from: the initramfs with the agent, and the root disk."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from .debian import locked
from .kernels import cache_dir

HERE = Path(__file__).parent
AGENT_SOURCES = ("agent.c", "command.c", "init.c")
# Debian's PATH for users leaves out where the filesystems' tools are.
TOOL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# To reach the root disk and the host; everything else is loaded on demand from the root disk.
BOOT_MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "ext4")
TOOLS = (
    "busybox", "kmod", "mount", "umount", "losetup", "unshare", "nsenter", "setpriv",
    "mkfs.ext4", "tune2fs", "debugfs", "mkfs.xfs", "xfs_io", "mkfs.btrfs", "btrfs",
    "dmsetup", "fuse2fs", "fusermount", "fusermount3", "mount.fuse3",
)
KMOD_LINKS = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")
DATA = ("/etc/mke2fs.conf", "/etc/ld.so.cache", "/usr/share/xfsprogs")
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
              "nobody:x:65534:65534:nobody:/:/bin/sh\n",
    "group": "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n",
    "hostname": "guest\n",
}
ROOT_SIZE = "2G"


class ImageError(Exception):
    """Something that the guest needs is missing on this machine, or could not be built."""


def build_agent():
    """The agent's program, compiled once per content of its sources."""
    sources = [HERE / name for name in AGENT_SOURCES]
    digest = hashlib.sha256()
    for path in (*sources, HERE / "agent.h"):
        digest.update(path.read_bytes())
    program = cache_dir() / "agent" / digest.hexdigest()[:16]
    with locked(program.parent / "lock"):
        if not program.exists():
            for old in program.parent.glob("????????????????"):
                old.unlink()
            temporary = program.with_suffix(".new")
            argv = ["cc", "-std=gnu17", "-Wall", "-Wextra", "-static", "-O2", "-o", temporary]
            done = subprocess.run([*argv, *sources], text=True, capture_output=True)
            if done.returncode:
                raise ImageError(f"the agent doesn't compile:\n{done.stderr}")
            temporary.rename(program)
        return program.read_bytes()


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def loaded_later(programs):
    """The shared libraries that the programs name, and may load themselves."""
    text = subprocess.run(["/sbin/ldconfig", "-p"], text=True, capture_output=True).stdout
    # the first of a name is the one that is taken
    known = dict(reversed(re.findall(r"^\s*(\S+) \(.*\) => (/\S+)$", text, re.M)))
    names = set().union(*(re.findall(rb"\0(lib[\w+-]+\.so\.\d+)(?=\0)", program.read_bytes())
                          for program in programs))
    return [known[name.decode()] for name in sorted(names) if name.decode() in known]


def libraries(programs):
    """The shared libraries and loaders that the programs need, by the paths they look for."""
    programs = [Path(program) for program in programs if is_elf(program)]
    later = loaded_later(programs)
    dynamic = [*map(str, programs), *later]
    if not dynamic:
        return []
    # Fails for static programs, which is no failure here.
    text = subprocess.run(["ldd", *dynamic], text=True, capture_output=True).stdout
    missing = re.findall(r"^\s*(\S+) => not found", text, re.M)
    if missing:
        raise ImageError(f"shared libraries not found: {', '.join(sorted(set(missing)))}")
    return sorted({*later, *re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", text, re.M)})


class Root:
    """A directory tree that becomes the guest's root."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.programs = []
        for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "etc", "home/user",
                     "mnt", "proc", "root", "run", "sys", "tmp", "var/tmp"):
            (self.directory / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.directory / name).symlink_to(f"usr/{name}")
        (self.directory / "etc/mtab").symlink_to("/proc/self/mounts")
        for name in ("tmp", "var/tmp"):
            os.chmod(self.directory / name, 0o1777)
        for name, text in ETC.items():
            (self.directory / "etc" / name).write_text(text)

    def path(self, guest):
        return self.directory / str(guest).lstrip("/")

    def add(self, local, guest):
        """Copies a file or a directory; the libraries of programs among it follow in the end."""
        local, target = Path(local), self.path(guest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if local.is_dir():
            shutil.copytree(local, target, symlinks=True, dirs_exist_ok=True)
            found = [path for path in local.rglob("*") if path.is_file()]
        else:
            if target.is_symlink():
                target.unlink()  # it may lead out of the tree, to the host's own file
            shutil.copy2(local, target)
            found = [local]
        self.programs += [path for path in found if path.stat().st_mode & stat.S_IXUSR]

    def link(self, guest, to):
        if not self.path(guest).exists() and not self.path(guest).is_symlink():
            self.path(guest).symlink_to(to)

    def add_tools(self):
        for tool in TOOLS:
            found = shutil.which(tool, path=TOOL_PATH)
            if not found:
                raise ImageError(f"{tool} not found: install what {HERE / 'packages'} lists")
            self.add(found, found)
        for name in KMOD_LINKS:
            self.link(f"/usr/sbin/{name}", "/bin/kmod")
        for name in DATA:
            if Path(name).exists():
                self.add(name, name)
        text = subprocess.run(["busybox", "--list-full"], check=True, text=True,
                              capture_output=True, env={"PATH": TOOL_PATH}).stdout
        for applet in text.split():
            if "/" not in applet:
                continue  # linuxrc
            # A real tool wins, wherever it is.
            name = os.path.basename(applet)
            if not any(self.path(f"/usr/{place}/{name}").exists() for place in ("bin", "sbin")):
                self.link(f"/{applet}", "/bin/busybox")

    def add_kernel(self, kernel):
        if kernel.module_dir:
            self.add(kernel.module_dir, f"/lib/modules/{kernel.release}")
            config = kernel.root / "boot" / f"config-{kernel.release}"
            if config.exists():
                self.add(config, f"/boot/{config.name}")

    def add_libraries(self):
        for library in libraries(self.programs):
            if not self.path(library).exists():
                self.add(library, library)


def build_root(kernel, files, directory):
    """The root disk, an ext4 image in directory; files are (local, guest path)."""
    root = Root(directory / "root")
    root.add_tools()
    root.add_kernel(kernel)
    for local, guest in files:
        root.add(local, guest)
    root.add_libraries()
    image = directory / "root.img"
    # prezeroed: else the guest's ext4lazyinit would write in the background of every test.
    argv = ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", root.directory, "-O", "^orphan_file",
            "-E", "assume_storage_prezeroed=1,root_owner=0:0", image, ROOT_SIZE]
    done = subprocess.run(argv, text=True, capture_output=True,
                          env={**os.environ, "PATH": TOOL_PATH})
    if done.returncode:
        raise ImageError(f"mke2fs: {done.stderr.strip()}")
    shutil.rmtree(root.directory)
    return image


def module_order(kernel, names):
    """The files of the modules and of what they need, in the order in which they load."""
    found = []
    for name in names if kernel.root else ():
        argv = ["modprobe", "-S", kernel.release, "-d", kernel.root, "-C", "/dev/null",
                "--show-depends", name]
        done = subprocess.run(argv, text=True, capture_output=True,
                              env={**os.environ, "PATH": TOOL_PATH})
        # One that isn't there is taken for built in: a kernel's own list of those may be missing.
        for path in re.findall(r"^insmod (\S+)", done.stdout, re.M):
            if path not in found:
                found.append(path)
    return [Path(path) for path in found]


def unpacked(path):
    tools = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}
    if path.suffix in tools:
        argv = [tools[path.suffix], "-dc", path]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout
    return path.read_bytes()


def _pad(data):
    return data + bytes(-len(data) % 4)


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One entry of a cpio archive in the "newc" format."""
    encoded = name.encode() + b"\0"
    cpio_entry.inode += 1
    fields = (cpio_entry.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _pad(head + encoded) + _pad(data)


cpio_entry.inode = 0


def build_initrd(kernel, directory):
    """An initramfs with the agent as init, and the modules that it loads first."""
    entries = [cpio_entry(name, stat.S_IFDIR | 0o755) for name in ("dev", "root", "modules")]
    entries.append(cpio_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
    entries.append(cpio_entry("init", stat.S_IFREG | 0o755, build_agent()))
    listed = []
    for path in module_order(kernel, BOOT_MODULES):
        name = "modules/" + path.name.split(".ko")[0] + ".ko"
        entries.append(cpio_entry(name, stat.S_IFREG | 0o644, unpacked(path)))
        listed.append(f"/{name}\n")
    entries.append(cpio_entry("modules/list", stat.S_IFREG | 0o644, "".join(listed).encode()))
    entries.append(cpio_entry("TRAILER!!!", 0))
    initrd = directory / "initrd"
    initrd.write_bytes(b"".join(entries))
    return initrd
