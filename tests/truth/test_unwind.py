# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""--ustack=dwarf: the callers of programs without frame pointers, in whatever way they are built."""

import pytest
from tracer import best_of, trace

CHAIN = ["fourth", "third", "second", "first"]
# Where programs and their threads begin; a program without symbols has none of its own, libc has.
STARTS = {"main", "_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "thread"}
STARTS |= {"clone", "clone3", "__clone3", "__GI___clone3", "_dl_start", "_dl_start_user"}
CODE = """
import json, re
data = [{"a": i, "b": [str(j) for j in range(20)]} for i in range(1000)]
for _ in range(9):
    json.loads(json.dumps(data)), re.findall("[0-9]+", json.dumps(data))
"""


def names(row):
    """Functions of the user's, innermost first, without offset, version and file."""
    return [f.split(" (")[0].split("+0x")[0].split("@")[0] for f in row["ustack"] or []]


def total(rows):
    return sum(r["count"] for r in rows)


def put_programs(host, tmp):
    """{way to link it: path}, of a program, and of the library that it can bring in."""
    where = host.build / "tests/workload"
    files = {way: where / f"frames_{way}" for way in ("static", "fixed", "pie")}
    files["library"] = where / "libframes.so"
    for way, path in files.items():
        host.put(path, f"{tmp}/{path.name}")
        host.run(["chmod", "755", f"{tmp}/{path.name}"])
        files[way] = f"{tmp}/{path.name}"
    return files


def rate(host):
    return ["-F", "199"] if host.emulated else ["-F", "999"]


def check_chain(rows, command, chain):
    """Of the samples in the innermost function, 95 % and more tell the whole chain."""
    there = [r for r in rows if r["comm"] == command[:15] and names(r)[:1] == chain[:1]]
    whole = [r for r in there if names(r)[: len(chain)] == chain]
    assert total(there) >= 20 and total(whole) >= 0.95 * total(there), (command, rows)


def sample(host, tmp, argv, options=(), way="dwarf"):
    run = trace(host, tmp, "profile", [f"--ustack={way}", *rate(host), *options], argv)
    assert total(run.of("sample")) == run.summary["generated"] - run.summary["filtered"]
    return run.of("sample")


def test_ways_to_link(host, tmp):
    """Static, at a fixed address, position-independent, a library that comes later, a thread, a file
    that is deleted, one that only a mount namespace of its own has. Frame pointers tell none of it."""
    paths = put_programs(host, tmp)
    ms = "400" if host.emulated else "200"
    spin, main = ["spin", ms], [*CHAIN, "main"]
    lib = [f"lib_{f}" for f in CHAIN]
    hidden = f"{tmp}/hidden"
    host.run(["mkdir", hidden])
    mounts = f"mount -t tmpfs none {hidden} && cp {paths['pie']} {hidden}/inside && exec {hidden}/inside "
    delete = f"exec 3<{tmp}/gone; rm {tmp}/gone; exec /proc/self/fd/3 "
    cases = [
        ("frames_static", [paths["static"], *spin], main),
        ("frames_pie", [paths["pie"], "thread", ms], [*CHAIN, "thread"]),
        ("frames_fixed", [paths["fixed"], *spin, paths["library"]], [*lib, "main"]),
        ("inside", ["unshare", "-m", "sh", "-c", mounts + " ".join(spin)], main),
        ("3", ["sh", "-c", delete + " ".join(spin)], main),
    ]
    for command, argv, chain in cases[: 3 if host.emulated else None]:  # files are iosonde's own matter
        host.run(["cp", paths["pie"], f"{tmp}/gone"])

        def experiment(command=command, argv=argv, chain=chain):
            check_chain(sample(host, tmp, argv), command, chain)

        best_of(3, experiment)
    if host.emulated:
        return
    rows = sample(host, tmp, [paths["static"], *spin], way="fp")
    assert not [r for r in rows if "main" in names(r) and "fourth" in names(r)], rows


def test_waits(host, tmp):
    """Off the CPU: the stack that a thread left with, and for how long; one that has no room is said."""
    paths = put_programs(host, tmp)
    argv = [paths["pie"], "wait", "100"]
    run = trace(host, tmp, "offcputime", ["--ustack=dwarf"], argv)
    waits = [r for r in run.of("offcpu") if r["cause"] == "blocked" and "fourth" in names(r)]
    assert total(waits) >= 3 and total(run.of("offcpu")) == run.summary["shown"]
    assert all([f for f in names(r) if f in (*CHAIN, "main")] == [*CHAIN, "main"] for r in waits), waits
    assert all(r["total_ns"] >= 2000000 * r["count"] for r in waits), waits
    few = {"IOSONDE_ENTRIES": "ustack_copies=1"}
    rows = f"{tmp}/few"
    threads = [host.iosonde, "offcputime", "--ustack=dwarf", "-o", "csv", "-O", rows, "--"]
    result = host.run([*threads, host.workload, "busy", "3", "50"], env=few, timeout=60)
    assert result.returncode == 0, str(result)
    text = host.read_file(rows).decode()
    assert "[stack lost]" in text and "0 lost" in result.err, (text, result.err)


@pytest.mark.enough_on("running", "5.10")
def test_no_room(host, tmp):
    """A ring that is too small for a stack: each that is lost is counted."""
    paths = put_programs(host, tmp)
    options = ["--ustack=dwarf", *rate(host), "--buffer", "4K"]
    run = trace(host, tmp, "profile", options, [paths["pie"], "spin", "300", paths["library"]], lost=None)
    assert run.summary["lost_ring"] > 0
    assert run.summary["generated"] == run.summary["shown"] + run.summary["lost"], run.summary


@pytest.mark.enough_on("running")
def test_formats(host, tmp):
    """Trees and graphs are made of these stacks, too."""
    paths = put_programs(host, tmp)
    options = ["--ustack=dwarf", *rate(host), "-f", "--root", "second", "-O", f"{tmp}/folded"]
    argv = [host.iosonde, "profile", *options, "--speedscope", f"{tmp}/speedscope", "--"]
    result = host.run([*argv, paths["pie"], "spin", "200"], timeout=60)
    assert result.returncode == 0, str(result)
    lines = host.read_file(f"{tmp}/folded").decode().splitlines()
    assert lines and all(x.startswith("second;third;fourth") for x in lines), lines
    assert b'"third"' in host.read_file(f"{tmp}/speedscope")


def reaches_start(row):
    return bool(STARTS & set(names(row)[-6:]))


@pytest.mark.only_on("running")
def test_stock_programs(host, tmp):
    """As the distribution builds them: 95 % of their samples and more go back to where the program
    began. What is found while one is being loaded, or ends, has no stack of its own yet, or any more."""
    source = "".join(
        f"int f{n}(int x) {{ int a[64]; for (int i = 0; i < 64; i++) a[i] = x * i + {n};"
        " for (int i = 1; i < 64; i++) a[i] ^= a[i - 1] * x; return a[x & 63]; }\n"
        for n in range(60)
    )
    host.write_file(f"{tmp}/f.c", source.encode())
    for comm, argv in (
        ("python3", ["/usr/bin/python3", "-c", CODE]),
        ("cc1", ["/usr/bin/gcc", "-O2", "-c", f"{tmp}/f.c", "-o", "/dev/null"]),
    ):

        def experiment(comm=comm, argv=argv):
            rows = [r for r in sample(host, tmp, argv) if r["comm"] == comm and r["ustack"]]
            short = [r for r in rows if not reaches_start(r)]
            told = (comm, total(rows), total(short), [r["ustack"] for r in short][:5])
            assert total(rows) >= 50 and total(short) <= 0.05 * total(rows), told

        best_of(3, experiment)
