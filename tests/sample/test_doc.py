# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The example of docs/adding-a-tool.md, taken from the page, built as it stands there, and run."""

import re
import shlex
import subprocess
from pathlib import Path

import jobs
import pytest
from extract_doc import DOC, blocks, extract
from host import ROOT
from tracer import trace

SAMPLE = "tests/sample/"
NAME = "sampleevents"


def test_page_shows_the_sample():
    """The page and the sample in the tree are one: who mends one mends both."""
    files = blocks(DOC.read_text())
    assert list(files) == [SAMPLE + NAME + end for end in (".h", ".bpf.c", ".c")] + ["meson.build"]
    for path, content in files.items():
        if path != "meson.build":
            assert content == (ROOT / path).read_text(), path


def test_line_is_one_of_the_catalogue():
    """It has the form of the lines that meson.build really has."""
    form = re.compile(r"\['\w+', '\w+'\],")
    line = blocks(DOC.read_text())["meson.build"].strip()
    listed = re.search(r"^tools = \[\n(.*?)^\]", (ROOT / "meson.build").read_text(), re.M | re.S)
    lines = [entry.strip() for entry in listed[1].splitlines()]
    assert form.fullmatch(line) and lines and all(form.fullmatch(entry) for entry in lines)


class Builder:
    """Repeats the commands of the project's own build, with the page's files as input."""

    def __init__(self, build, tree):
        self.build, self.tree, self.out = build, Path(tree), Path(tree, "out")
        self.out.mkdir()

    def command(self, target):
        """The command that makes a target, as a list."""
        told = subprocess.run(
            ["ninja", "-C", self.build, "-t", "commands", "-s", target],
            capture_output=True,
            text=True,
            check=True,
        )
        return shlex.split(told.stdout.splitlines()[-1])

    def moved(self, word):
        """Sources from the page, results next to them."""
        if word.endswith(".c") and SAMPLE in word:
            return str(self.tree / (self.build / word).resolve().relative_to(ROOT))
        if word.startswith("-I"):
            return word
        return word.replace(SAMPLE, f"{self.out}/")

    def run(self, words):
        done = subprocess.run(words, cwd=self.build, capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"

    def make(self, target, compiles=True):
        words = [self.moved(w) for w in self.command(SAMPLE + target)]
        (self.out / target).parent.mkdir(exist_ok=True)
        # the page's header before the one of the tree
        at = 2 if Path(words[0]).name in ("ccache", "sccache") else 1  # behind the compiler's name
        self.run([*words[:at], f"-I{self.tree}", *words[at:]] if compiles else words)
        return str(self.out / target)

    def catalogue(self, line):
        """tools/catalogue.c, with the page's line as the whole list."""
        name = re.fullmatch(r"\['\w+', '(\w+)'\],", line)[1]
        made = str(self.out / "catalogue.o")
        words = [
            made if w.endswith("catalogue.c.o") else w.replace("catalogue.c.o.d", "catalogue.d")
            for w in self.command(SAMPLE + "iosonde-sample.p/catalogue.c.o")
        ]
        source = next(w for w in words if w.endswith("catalogue.c"))
        words[words.index(source)] = str(ROOT / "tools/catalogue.c")
        self.run([*words, f"-DTOOLS=TOOL({name})"])
        return made

    def link(self, objects):
        words = self.command(SAMPLE + "iosonde-sample")
        program = str(self.out / "iosonde-doc")
        words[words.index("-o") + 1] = program
        ours = [w for w in words if not (w.startswith(SAMPLE) and w.endswith(".o"))]
        at = ours.index(program) + 1
        self.run([*ours[:at], *objects, *ours[at:]])
        return program


@pytest.fixture(scope="module")
def built(host):
    """The program that the page leads to."""
    tree = Path(host.tmpdir())
    _, line = extract(tree)
    b = Builder(host.build, tree)
    b.make(NAME + ".bpf.full.o")
    b.make(NAME + ".bpf.o", compiles=False)
    b.make(NAME + ".bpf.o.gz", compiles=False)
    objects = [b.make(NAME + ".embed.o", compiles=False), b.make(f"iosonde-sample.p/{NAME}.c.o")]
    return b.link([*objects, b.catalogue(line)])


class Doc:
    """The host, with the page's program as iosonde."""

    def __init__(self, host, program):
        self.iosonde, self.run = program, host.run
        self.exists, self.read_file = host.exists, host.read_file


def test_example_runs(host, tmp, built):
    listed = host.run([built, "list"])
    assert listed.returncode == 0 and listed.stdout.split()[0].decode() == NAME
    done = trace(Doc(host, built), tmp, NAME, ["-c", "getppid"], jobs.python(jobs.PARENTS))
    assert len(done.of("sample")) == done.summary["shown"] == 1000
    assert done.summary["filtered"] == 500


def test_examples_of_the_page_run(host, built):
    """The lines behind $ that start iosonde, as they are printed."""
    lines = re.findall(r"^\$ build/iosonde (.*)$", DOC.read_text(), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        done = host.run([built, *shlex.split(line)])
        assert done.returncode == 0, str(done)
    assert done.stdout.count(b'"call":"umask"') == 2  # it sets one to see the old, and puts it back


def test_a_mistake_on_the_page_is_found(host):
    """What is built comes from the page, not from the tree."""
    tree = Path(host.tmpdir())
    extract(tree, DOC.read_text().replace("__u32 tid;", "__u32 tidy;"))
    with pytest.raises(AssertionError, match="tid"):
        Builder(host.build, tree).make(NAME + ".bpf.full.o")
