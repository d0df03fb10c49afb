# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""profile: samples beside the kernel's own account of CPU time, and where they were taken."""

import gzip
import json
import re
from xml.etree import ElementTree

import pytest
from conftest import GUESTS
from host import ROOT
from tracer import best_of, read_run, trace, trace_running

READS = ("filemap_read", "generic_file_buffered_read")


def names_of(frames):
    return {f.split(" (")[0] for f in frames or []}


def total(rows):
    return sum(r["count"] for r in rows)


def check_number(rows, kernel, hz):
    """As many as the process had CPU time, by the kernel's account: which runs on while a virtual CPU
    is taken away, and meets no timer."""
    due = hz * kernel["run_ns"] / 1e9
    assert 0.6 * due - 3 <= total(rows) <= 1.15 * due + 5, (total(rows), due)


def test_spinners(host, tmp):
    """Two on one CPU: samples are as many as their CPU time says, nearly all of them in spin()."""

    def experiment():
        hz, ms = (99, "1200") if host.emulated else (499, "400")
        run = trace(host, tmp, "profile", ["-F", str(hz)], [host.workload, "busy", "2", ms])
        assert total(run.of("sample")) == run.summary["shown"] and not run.summary["others"]
        for kernel in (w for w in run.work if w["workload"] == "account"):
            rows = [r for r in run.of("sample") if r["pid"] == kernel["pid"]]
            check_number(rows, kernel, hz)
            spinning = [r for r in rows if {"spin", "[stack lost]"} & names_of(r["ustack"])]
            assert total(spinning) >= 0.95 * total(rows) - 1, rows
            assert all(r["comm"] == "workload" for r in rows)
        places = [(r["pid"], str(r["kstack"]), str(r["ustack"])) for r in run.of("sample")]
        assert len(places) == len(set(places)), "functions twice"

    best_of(6 if host.emulated else 3, experiment)


@pytest.mark.enough_on("running", "sid")
def test_one_kind_of_stacks(host, tmp):
    """-c is a period; -U and -K leave out the other's frames, never a sample. One process."""

    def experiment():
        options = ["-c", "2ms", "-U"]
        argv = ["busy", "1", "200"]
        run = trace_running(
            host, tmp, "profile", lambda pids: ["-p", pids[0], "--children", *options], [argv]
        )
        (work,) = run.work
        rows = [r for r in run.of("sample") if r["pid"] == work["pid"]]
        check_number(rows, work, 500)
        assert all(r["kstack"] is None for r in rows)
        run = trace(host, tmp, "profile", ["-K", "-C", "0"], [host.workload, *argv])
        assert run.of("sample") and all(r["ustack"] is None for r in run.of("sample"))

    best_of(3, experiment)


def tree_of(host, tmp, options, argv):
    """[(depth, count, function)] of --tree, largest first at each level."""
    out = f"{tmp}/tree"
    argv = [host.iosonde, "profile", "-F", "999", "--tree", *options, "-O", out, "--", *argv]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0, str(result)
    head, *lines = host.read_file(out).decode().splitlines()
    assert head.split() == ["SHARE", "COUNT", "SELF", "FUNCTION"], head
    host.remove(out)
    rows, at = [], head.index("FUNCTION")
    for line in lines:
        name = line[at:].lstrip()
        rows.append((len(line[at:]) - len(name), int(line.split()[1]), name))
    return rows


def test_warm_reads(host, tmp):
    """What a read of cached pages does with the CPU: under vfs_read, the page cache, and copying."""
    host.run([host.workload, "make", f"{tmp}/file", "4194304"])
    host.run(["cat", f"{tmp}/file"])
    count = "800" if host.emulated else "6000"
    argv = [host.workload, "rw", "pread", count, "262144", f"{tmp}/file"]

    def experiment():
        rows = tree_of(host, tmp, ["--root", "vfs_read"], argv)
        assert [r[2] for r in rows[:2]] == ["all", "vfs_read"], rows
        (cache,) = [i for i, r in enumerate(rows) if r[2] in READS]
        below = []
        for row in rows[cache + 1 :]:
            if row[0] <= rows[cache][0]:
                break
            below.append(row)
        copying = [r for r in below if "copy" in r[2] or "rep_movs" in r[2]]
        assert copying, rows
        assert max(r[1] for r in copying) >= rows[cache][1] / 2, rows
        assert rows[cache][1] >= 0.8 * rows[1][1], rows

    best_of(3, experiment)


@pytest.mark.enough_on("running", "5.10")
def test_folded(host, tmp):
    """The same lines as flame graphs are drawn from, marked as the kernel's where they are."""
    argv = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=1000"]
    result = host.run([host.iosonde, "profile", "-F", "999", "-f", "-a", "-O", f"{tmp}/f", "--", *argv])
    assert result.returncode == 0, str(result)
    lines = host.read_file(f"{tmp}/f").decode().splitlines()
    assert lines and all(int(x.rpartition(" ")[2]) > 0 for x in lines), lines
    assert [x for x in lines if ";vfs_read_[k];" in x and x.startswith("dd;")], lines
    # dd and its library have no frame pointers: what was in that register is no caller
    user = [[f for f in x.split(";")[1:] if not f.split(" ")[0].endswith("_[k]")] for x in lines]
    assert not [u for u in user if len(u) > 1 and u[0].startswith("0x")], user


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
def test_idle(host, tmp):
    """A CPU that has nothing to do is left out, unless asked for: then no sample is missing."""
    found = {}
    for options in ([], ["-I"]):
        rows = f"{tmp}/rows"
        argv = [host.iosonde, "profile", *options, "-d", "0.5", "-o", "json", "-O", rows]
        result = host.run(argv, timeout=60)
        assert result.returncode == 0, str(result)
        found[bool(options)] = read_run(host, "profile", result, rows)
        host.remove(rows)
    assert not [r for r in found[False].of("sample") if r["pid"] == 0]
    idle = [r for r in found[True].of("sample") if r["pid"] == 0]
    assert idle and all(r["comm"].startswith("swapper/") for r in idle), json.dumps(idle)

SVG = "{http://www.w3.org/2000/svg}"


def frames_of(picture):
    """[(name, x, w, y)] of a flame graph, and the total."""
    root = ElementTree.fromstring(picture)
    found = []
    for g in root.iter(f"{SVG}g"):
        name = g.find(f"{SVG}title").text.rsplit(": ", 1)[0]
        y = float(g.find(f"{SVG}rect").get("y"))
        found.append((name, int(g.get("data-x")), int(g.get("data-w")), y))
    return found, int(root.get("data-total"))


@pytest.mark.enough_on("running")
def test_flame_graph(host, tmp):
    """A picture that XML's own parser takes: every frame on its caller, and within it; a program may
    be called anything. A name, nothing else, stays behind; what can't be written is said."""
    out = f"{tmp}/graph.svg"
    hostile = f"{tmp}/<b>&\x1b]]>;"
    host.run(["cp", host.workload, hostile])
    argv = [host.iosonde, "profile", "-F", "999", "--svg", out, "--", hostile, "busy", "2", "200"]
    result = host.run(argv, timeout=60)
    assert result.returncode == 0 and b"COUNT" not in result.stdout, str(result)
    picture = host.read_file(out)
    frames, total = frames_of(picture)
    assert frames[0][0] == "all" and frames[0][1:3] == (0, total) and total > 5
    assert re.search(rf"\b{total} shown", result.err), result.err
    for name, x, w, y in frames[1:]:
        assert [f for f in frames if f[3] == y + 16 and f[1] <= x and x + w <= f[1] + f[2]], name
    assert [n for n, *_ in frames if n.startswith("<b>&\\")] and [n for n, *_ in frames if n == "spin"]
    left = host.run(["ls", tmp]).stdout.split(b"\n")
    assert [n for n in left if n.startswith(b"graph")] == [b"graph.svg"], left
    theirs = f"{tmp}/theirs"  # root may make files there, until its privileges are gone
    host.run(["mkdir", theirs])
    host.run(["chown", "65534", theirs])
    for _ in range(2):
        argv[5] = f"{theirs}/graph.svg"
        result = host.run(argv, timeout=60)
        assert result.returncode == 0, str(result)
        assert frames_of(host.read_file(argv[5]))[1] > 5
    full = host.run([host.iosonde, "profile", "--svg", "/dev/full", "--", "true"])
    assert full.returncode == 125 and "No space left" in full.err, str(full)
    host.run(["mkfifo", f"{tmp}/pipe"])
    host.run(["ln", "-s", "pipe", f"{tmp}/link"])
    pipe = host.run([host.iosonde, "profile", "--svg", f"{tmp}/link", "--", "true"], timeout=20)
    assert pipe.returncode == 125 and "is a pipe" in pipe.err, str(pipe)
    host.run(["touch", f"{tmp}/mine"])
    host.run(["chmod", "600", f"{tmp}/mine"])
    host.run([host.iosonde, "profile", "--svg", f"{tmp}/mine", "--", "true"])
    assert host.run(["stat", "-c", "%a", f"{tmp}/mine"]).stdout == b"600\n"
    nowhere = host.run([host.iosonde, "profile", "--svg", f"{tmp}/no/dir.svg", "--", "true"])
    assert nowhere.returncode == 125 and "cannot write" in nowhere.err, str(nowhere)
    check_script(host, out, total, dict((n, w) for n, _, w, _ in frames))


def fields(data):
    """[(number, value)] of a protocol buffer's message: numbers and bytes."""

    def number(at):
        n = shift = 0
        while True:
            n |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 0x80:
                return n, at

    at, found = 0, []
    while at < len(data):
        key, at = number(at)
        n, at = number(at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + n]))
            at += n
        else:
            assert key & 7 == 0, key
            found.append((key >> 3, n))
    return found


def of_pprof(packed):
    """({stack, outermost frame first: value}, (what, unit)) of a profile for pprof."""
    top = fields(gzip.decompress(packed))
    text = [v.decode() for k, v in top if k == 6]
    names = {m[1]: text[m[2]] for m in (dict(fields(v)) for k, v in top if k == 5)}
    places = {m[1]: names[dict(fields(m[4]))[1]] for m in (dict(fields(v)) for k, v in top if k == 4)}
    (kind,) = (dict(fields(v)) for k, v in top if k == 1)
    stacks = {}
    for sample in (fields(v) for k, v in top if k == 2):
        frames = [places[v] for k, v in sample if k == 1]
        (value,) = (v for k, v in sample if k == 2)
        stacks[";".join(reversed(frames))] = value
    return stacks, (text[kind[1]], text[kind[2]])


def of_speedscope(text):
    profile = json.loads(text)
    names = [f["name"] for f in profile["shared"]["frames"]]
    assert len(set(names)) == len(names)
    (of,) = profile["profiles"]
    assert of["type"] == "sampled" and of["endValue"] == sum(of["weights"]), of["endValue"]
    stacks = (";".join(names[i] for i in s) for s in of["samples"])
    return dict(zip(stacks, of["weights"], strict=True)), (of["name"], of["unit"])


def of_folded(text):
    return {s: int(n) for s, n in (x.rsplit(" ", 1) for x in text.decode().splitlines())}


@pytest.mark.enough_on("running")
def test_other_programs_formats(host, tmp):
    """For speedscope and pprof, of the same run: the same stacks, with the same values, as -f prints."""
    out = {k: f"{tmp}/{k}" for k in ("folded", "speedscope", "pprof", "svg")}
    hostile = f'{tmp}/"<b>\x1b'
    host.run(["cp", host.workload, hostile])
    kinds = {
        "profile": (["-F", "999"], ("count", "count"), ("count", "none")),
        "offcputime": ([], ("total", "nanoseconds"), ("total", "nanoseconds")),
    }
    for command, (more, for_pprof, for_speedscope) in kinds.items():
        argv = [host.iosonde, command, "-f", "-O", out["folded"], *more]
        for kind in ("speedscope", "pprof", "svg"):
            argv += [f"--{kind}", out[kind]]
        result = host.run([*argv, "--", hostile, "busy", "2", "100"], timeout=60)
        assert result.returncode == 0, str(result)
        told = of_folded(host.read_file(out["folded"]))
        assert len(told) > 3 and [s for s in told if s.startswith('"<b>')], told
        per = 1000 if "nanoseconds" in for_pprof else 1  # -f has microseconds
        pprof, kind = of_pprof(host.read_file(out["pprof"]))
        assert ({s: n // per for s, n in pprof.items()}, kind) == (told, for_pprof)
        assert of_speedscope(host.read_file(out["speedscope"])) == (pprof, for_speedscope)
        assert frames_of(host.read_file(out["svg"]))[1] == sum(pprof.values())
        host.remove(out["folded"])


@pytest.mark.enough_on("running")
def test_what_has_changed(host, tmp):
    """--diff: of each frame the share that it had, red where it has more and blue where it has less."""
    base, out = f"{tmp}/base", f"{tmp}/svg"
    argv = [host.iosonde, "profile", "-F", "999", "--svg", out, "--diff", base, "--", host.workload]
    argv += ["busy", "2", "100"]
    # a stack that is gone had four fifths
    host.write_file(base, b"workload;main;gone 80\n# a remark\nworkload;main 20\n")
    result = host.run(argv, timeout=60)
    assert result.returncode == 0, str(result)
    root = ElementTree.fromstring(host.read_file(out))
    told = {}
    for g in root.iter(f"{SVG}g"):
        title = g.find(f"{SVG}title").text
        red, _, blue = (int(n) for n in re.findall(r"\d+", g.find(f"{SVG}rect").get("fill")))
        now, was = (float(n) for n in re.findall(r"([\d.]+)%", title))
        assert (red == 245 if now > was else blue == 245 if now < was else True), title
        told[title.split(": ")[0]] = was
    assert told["workload"] == 100 and told.get("spin", 0) == 0 and "gone" not in told, told
    for text, why in ((b"nonsense\n", "line 1"), (b"", "no stacks")):
        host.write_file(base, text)
        result = host.run(argv)
        assert result.returncode == 125 and why in result.err, str(result)
    result = host.run([host.iosonde, "profile", "--diff", base, "--", "true"])
    assert result.returncode == 2 and "--svg" in result.err, str(result)


def check_script(host, out, total, widths):
    """A click zooms, a search colours and adds up, the way back is there."""
    steps = ["click", "spin", "search", "^spin$", "hover", "spin", "reset"]
    script = ROOT / "tests/truth/flame_dom.js"
    result = host.run(["node", script, out, *steps])
    assert result.returncode == 0, str(result)
    clicked, searched, hovered, reset = json.loads(result.stdout)
    (spin,) = [f for f in clicked["frames"] if f["name"].startswith("spin: ")]
    assert (spin["x"], spin["width"], spin["dim"]) == (10, 1180, False), spin
    assert [f for f in clicked["frames"] if f["name"].startswith("all: ")][0]["dim"]
    assert searched["matched"].startswith("matched: ")
    share = float(searched["matched"].split()[1].rstrip("%"))
    assert share >= 100 * widths["spin"] / total - 0.1, (share, widths)
    assert [f["name"].split(":")[0] for f in searched["frames"] if f["found"]] == ["spin"]
    assert hovered["details"].startswith("spin: ")
    assert all(0 <= f["x"] <= 1190 and not f["dim"] for f in reset["frames"])
    assert len(reset["frames"]) > len(clicked["frames"])
