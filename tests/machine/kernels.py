# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The kernels that the machine can boot: Debian's, by release, or a developer's own."""

import os
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .debian import Archive, DebianError, locked, unpack

# Debian carries one kernel series per release; sid's, the newest, moves.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "sid": "sid"}
KERNELS = tuple(SUITES)
META_PACKAGE = "linux-image-cloud-amd64"
# Up to 6.x one image package holds everything; 7.x split it, the parts hang below the image.
KERNEL_PACKAGES = re.compile(r"linux-(image|binary|modules|base)-\d")


class KernelError(Exception):
    """A kernel is unknown, or could not be fetched or read."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "iosonde"


@dataclass(frozen=True)
class Kernel:
    """A kernel to boot. root has lib/modules/RELEASE below it, or is None for a monolithic one."""

    name: str
    release: str
    vmlinuz: Path
    root: Path = None

    @property
    def module_dir(self):
        return self.root / "lib/modules" / self.release if self.root else None


def canonical_name(name):
    """A name of KERNELS for a series, a release's name, "newest" or the version that sid has."""
    for kernel, suite in SUITES.items():
        if name in (kernel, suite):
            return kernel
    newest = cached("sid")
    if name == "newest" or newest and newest.release.startswith(name + "."):
        return "sid"
    raise KernelError(f"unknown kernel {name!r}: choose from {', '.join(KERNELS)}")


def _store(name):
    return cache_dir() / "kernels" / SUITES[name]


def cached(name):
    """The kernel fetched last, or None."""
    current = _store(name) / "current"
    if not current.exists():
        return None
    release = current.read_text().strip()
    root = _store(name) / release
    return Kernel(name, release, root / "boot" / f"vmlinuz-{release}", root)


def _kernel_packages(archive):
    """The packages that hold the kernel itself and its modules, found from the meta-package."""
    found, queue = [], [META_PACKAGE]
    while queue:
        for package in archive.depends(queue.pop()):
            if KERNEL_PACKAGES.match(package) and package not in found:
                found.append(package)
                queue.append(package)
    if not found:
        raise KernelError(f"{META_PACKAGE} names no kernel in {archive.suite}")
    return found


def _unpack_kernel(debs, directory):
    """Unpacks into directory, puts modules at lib/ for every release, and returns the version."""
    for deb in debs:
        unpack(deb, directory)
    if not (directory / "lib").exists():
        (directory / "lib").symlink_to("usr/lib")
    packed = [str(path) for path in directory.glob("lib/modules/*/kernel/**/*.ko.xz")]
    if packed:
        # Done here once: an emulated guest takes seconds to unpack the larger ones.
        subprocess.run(["xz", "--decompress", *packed], check=True)
    images = list(directory.glob("boot/vmlinuz-*"))
    if not images:
        images = list(directory.glob("lib/modules/*/vmlinuz"))
    if len(images) != 1:
        raise KernelError(f"expected one kernel in {[deb.name for deb in debs]}, found {images}")
    release = kernel_release(images[0])
    boot = directory / "boot" / f"vmlinuz-{release}"
    if not boot.exists():
        boot.parent.mkdir(exist_ok=True)
        shutil.copy(images[0], boot)
    subprocess.run(["depmod", "-b", str(directory), release], check=True)
    return release


def fetch(name, update=True):
    """The named Debian kernel. With update the mirror is asked for a newer one than the cache's."""
    name = canonical_name(name)
    store = _store(name)
    with locked(store / "lock"):
        if not update and cached(name):
            return cached(name)
        archive = Archive(SUITES[name], cache_dir() / "apt" / SUITES[name])
        try:
            archive.update()
            packages = _kernel_packages(archive)
            old = cached(name)
            versions = [f"{package}={archive.version(package)}" for package in sorted(packages)]
            stamp = store / "packages"
            if old and stamp.exists() and stamp.read_text().split() == versions:
                return old
            with tempfile.TemporaryDirectory(dir=store) as work:
                debs = archive.download(packages, Path(work) / "debs")
                tree = Path(work) / "tree"
                tree.mkdir()
                release = _unpack_kernel(debs, tree)
                if (store / release).exists():
                    shutil.rmtree(store / release)
                tree.rename(store / release)
        except DebianError as error:
            raise KernelError(f"kernel {name}: {error}") from error
        (store / "current").write_text(release + "\n")
        stamp.write_text("\n".join(versions) + "\n")
        if old and old.release != release:
            shutil.rmtree(old.root)
        return cached(name)


def kernel_release(vmlinuz):
    """The release (uname -r) that a bzImage carries, from the x86 boot protocol's header."""
    with open(vmlinuz, "rb") as file:
        head = file.read(0x10000)
    if head[0x202:0x206] != b"HdrS":
        raise KernelError(f"{vmlinuz} is no bzImage")
    (offset,) = struct.unpack_from("<H", head, 0x20E)
    text = head[offset + 0x200 :].split(b"\0", 1)[0]
    return text.split()[0].decode()


def own_kernel(vmlinuz, modules=None):
    """A developer's kernel. modules is its lib/modules/RELEASE directory, or what holds it."""
    release = kernel_release(vmlinuz)
    if modules is None:
        return Kernel("own", release, Path(vmlinuz))
    modules = Path(modules).resolve()
    for root in (modules, *modules.parents):
        if (root / "lib/modules" / release).is_dir():
            return Kernel("own", release, Path(vmlinuz), root)
    raise KernelError(f"no lib/modules/{release} at or above {modules}")


def find(name):
    """The kernel of that name or of that vmlinuz file; $IOSONDE_VMLINUZ is meant by "own"."""
    name = str(name)
    modules = os.environ.get("IOSONDE_MODULES")
    if name == "own":
        if "IOSONDE_VMLINUZ" not in os.environ:
            raise KernelError("kernel 'own' needs IOSONDE_VMLINUZ (and IOSONDE_MODULES)")
        return own_kernel(os.environ["IOSONDE_VMLINUZ"], modules)
    if "/" in name:
        return own_kernel(name, modules)
    return fetch(name, update=False)
