# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Debian packages of any release, through a private apt directory.

The mirror and its keyring are the ones that this machine's apt is configured with, so that no host
name stands here and nothing of the machine's own package state is read or changed.
"""

import fcntl
import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

APT = Path("/etc/apt")
RELEASES = {
    "buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid",
    "oldoldstable", "oldstable", "stable", "testing", "unstable",
}


class DebianError(Exception):
    """No mirror is configured, or apt failed; the text says on what."""


def parse_deb822(text):
    """The paragraphs of a .sources file as dicts with lower-case keys."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields, key = {}, None
        for line in paragraph.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":
                if key:
                    fields[key] += "\n" + line
                continue
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
        if fields:
            yield fields


def parse_list(text):
    """The lines of a classic .list file, in the shape of parse_deb822's paragraphs."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line.split("#")[0].strip())
        if not match:
            continue
        options, uri, suite, components = match.groups()
        fields = {"types": "deb", "uris": uri, "suites": suite, "components": components}
        for option in (options or "").split():
            name, _, value = option.partition("=")
            if name.lower() == "signed-by":
                fields["signed-by"] = value.replace(",", " ")
        yield fields


def configured_sources(apt=APT):
    lists = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        yield from parse_deb822(path.read_text())
    for path in lists:
        if path.exists():
            yield from parse_list(path.read_text())


def find_mirror(apt=APT):
    """(uri, signed-by or None) of the first source that carries a whole Debian release."""
    for source in configured_sources(apt):
        if source.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in source.get("types", "").split():
            continue
        if "main" not in source.get("components", "").split():
            continue
        # Security and update suites, and third parties, don't name a bare release.
        if RELEASES.intersection(source.get("suites", "").split()):
            return source["uris"].split()[0], source.get("signed-by")
    raise DebianError(f"no Debian mirror among the sources in {apt}")


@contextmanager
def locked(path):
    """Holds an exclusive lock on path, for processes that fill the same cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Archive:
    """One release's packages; directory holds the private apt state."""

    def __init__(self, suite, directory):
        self.suite = suite
        self.directory = Path(directory)
        self.environ = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}

    def _write_sources(self):
        uri, signed_by = find_mirror()
        text = f"Types: deb\nURIs: {uri}\nSuites: {self.suite}\nComponents: main\n"
        if signed_by:
            text += f"Signed-By: {signed_by}\n"
        (self.directory / "suite.sources").write_text(text)

    def _run(self, tool, *args, cwd=None):
        state = self.directory
        options = {
            "Dir::Etc::sourcelist": state / "suite.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            # Empty: a kernel installed on this machine would shadow the release's own.
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "APT::Architecture": "amd64",
            "APT::Get::List-Cleanup": "true",
        }
        if os.geteuid() == 0:
            # The cache may lie where the unprivileged _apt user can't write.
            options["APT::Sandbox::User"] = "root"
        argv = [tool]
        for name, value in options.items():
            argv += ["-o", f"{name}={value}"]
        done = subprocess.run(argv + list(args), cwd=cwd, env=self.environ, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        # apt-get update reports a mirror that doesn't answer as a warning only.
        failed = "Some index files failed to download" in done.stderr
        if done.returncode or failed:
            raise DebianError(f"{tool} {' '.join(args)} ({self.suite}): {done.stderr.strip()}")
        return done.stdout

    def update(self):
        for part in ("lists/partial", "cache/archives/partial"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").write_text("")
        self._write_sources()
        self._run("apt-get", "update")

    def depends(self, package):
        """Names that package depends on; alternatives are all listed."""
        text = self._run("apt-cache", "depends", package)
        return re.findall(r"^\s*\|?(?:Pre)?Depends: ([^<\s]+)", text, re.M)

    def version(self, package):
        text = self._run("apt-cache", "show", "--no-all-versions", package)
        return re.search(r"^Version: (\S+)", text, re.M)[1]

    def download(self, packages, directory):
        """Puts the packages' .deb files, checked against the signed index, into directory."""
        directory.mkdir(parents=True, exist_ok=True)
        self._run("apt-get", "download", *packages, cwd=directory)
        return sorted(directory.glob("*.deb"))


def unpack(deb, directory):
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(directory)], check=True)
