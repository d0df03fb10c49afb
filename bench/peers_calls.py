# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The experiments of bench/peers about calls and files: what is done, and what a tool must show.

Each tool gets the options that a user would give it for the question; both get the same load.
"""

import errno
import re

from peers_base import (FOR_EVER, KIB, MKFS, Check, Session, characters, ending, of_file, plural,
                        shown)

MS = 1_000_000

# ---------------------------------------------------------------- opens

LONG = "/".join(["d" * 200, "e" * 200])  # 401 characters


def error_name(lines):
    """Of opensnoop's PID COMM FD ERR PATH."""
    return ",".join(errno.errorcode.get(int(x.split()[3]), x) for x in lines)


OPENSNOOP = Session(
    "opensnoop",
    prepare=lambda p: [["mkdir", "-p", f"{p.dir}/{LONG}"],
                       [p.workload, "--silent", "make", f"{p.dir}/thousand", "10"]],
    loads=lambda p: [
        [p.workload, "--silent", "burst", "1000", f"{p.dir}/thousand"],
        p.steps("open not-there r", f"open {LONG} r", "creat by-creat", "openat2 by-openat2 rwc",
                "uring-open by-uring rwc"),
    ],
    checks=[
        shown("1,000 opens, one after the other", "/thousand", 1000),
        Check("an open that fails", "ENOENT",
              lambda rows, p: ",".join(r["err"] or "-" for r in of_file(rows, "not-there")),
              lambda lines, p: error_name(ending(lines, "not-there")), lambda p: "not-there"),
        Check("a path of 401 characters", "401 characters",
              lambda rows, p: characters(r["path"] for r in of_file(rows, "eee")),
              lambda lines, p: characters(x.split()[-1] for x in lines if "ddd" in x),
              lambda p: "ddd"),
        shown("creat()", "by-creat"),
        shown("openat2()", "by-openat2"),
        shown("an open by io_uring", "by-uring"),
    ],
)

STATSNOOP = Session(
    "statsnoop",
    prepare=lambda p: [["mkdir", f"{p.dir}/all"], ["touch", f"{p.dir}/by-statx"]],
    loads=lambda p: [["/peers/stat", f"{p.dir}/by-statx"],
                     [p.workload, "--silent", "stats", f"{p.dir}/all"]],
    checks=[
        shown("statx(), as stat and ls call it", "/by-statx"),
        shown("lstat()", "plain/x"),
        shown("newfstatat()", "//proc//self"),
        Check(
            "statfs()", "1 row",
            lambda rows, p: plural(len([r for r in rows if r.get("path") == "/none"]), "row"),
            lambda lines, p: plural(len([x for x in lines if x.split()[-1] == "/none"]), "row"),
            lambda p: "/none"),
        Check("newfstatat() by 20 processes that end at once", "20 rows",
              lambda rows, p: plural(len([r for r in rows
                                          if (r.get("path") or "").startswith("gone-")]), "row"),
              lambda lines, p: plural(len([x for x in lines
                                           if x.split()[-1].startswith("gone-")]), "row"),
              lambda p: "gone-"),
    ],
)

# ---------------------------------------------------------------- programs

ARGS = [f"argument{n:02}" for n in range(1, 24)]  # with the name and "args": 25
BIG = "b" * 300


def args_with(rows, word):
    return [r["args"] for r in rows if r["type"] == "exec" and any(word in a for a in r["args"])]


def count_args(lists, first):
    """Of the one program with this argument: how many words follow its path, itself included."""
    return plural(sum(len(args) for args in lists if first in args), "argument")


EXECSNOOP = Session(
    "execsnoop",
    options=lambda p: ["--max-args", "40"],
    peer_options=lambda p: ["-x", "--max-args", "40"],
    loads=lambda p: [[p.workload, "args", *ARGS], [p.workload, "args", BIG],
                     [p.workload, "--silent", "exec", "/nonexistent/program", "failing"]],
    may_fail=True,
    checks=[
        Check("a program with 25 arguments", "25 arguments",
              lambda rows, p: count_args(args_with(rows, ARGS[0]), ARGS[0]),
              lambda lines, p: count_args(
                  [x[x.index(p.workload):].split() for x in lines if ARGS[0] in x], ARGS[0]),
              lambda p: ARGS[0]),
        Check("an argument of 300 characters", "300 characters",
              lambda rows, p: characters(a[-1] for a in args_with(rows, "bbb")),
              lambda lines, p: characters(m[0] for x in lines for m in re.finditer("bbb+", x)),
              lambda p: "bbb"),
        Check("a start that fails", "ENOENT",
              lambda rows, p: ",".join(r["err"] or "-" for r in rows if r["type"] == "exec" and (
                  r.get("path") == "/nonexistent/program")),
              lambda lines, p: ",".join(errno.errorcode.get(-int(x.split()[3]), x.split()[3])
                                        for x in lines if x.split()[4] == "/nonexistent/program"),
              lambda p: "/nonexistent/program"),
    ],
)

DATA = "size=1m," + "x" * 1000
MOUNTSNOOP = Session(
    "mountsnoop",
    prepare=lambda p: [["mkdir", f"{p.dir}/on"]],
    loads=lambda p: [["mount", "-t", "tmpfs", "some-source", f"{p.dir}/on"],
                     ["umount", f"{p.dir}/on"],
                     ["mount", "-t", "tmpfs", "-o", DATA, "long-data", f"{p.dir}/on"]],
    may_fail=True,
    checks=[
        Check("a mount with its source and type", "1 row",
              lambda rows, p: plural(len([r for r in rows if r.get("source") == "some-source" and
                                          r["fs"] == "tmpfs" and r["ret"] == 0]), "row"),
              lambda lines, p: plural(len([x for x in lines if re.search(
                  r'mount\("some-source", ".*/on", "tmpfs", .*\) = 0', x)]), "row"),
              lambda p: "some-source"),
        Check("the umount", "1 row",
              lambda rows, p: plural(len([r for r in rows if r.get("name") in ("umount", "umount2")
                                          and r["target"].endswith("/on")]), "row"),
              lambda lines, p: plural(len([x for x in lines if re.search(
                  r'umount\w*\(".*/on"', x)]), "row"), lambda p: "umount"),
        Check("1,000 characters of data", "1000 characters",
              lambda rows, p: characters(r["data"].partition(",")[2] for r in rows
                                         if r.get("source") == "long-data"),
              lambda lines, p: characters(m[0] for x in lines for m in re.finditer("xxx+", x)),
              lambda p: "long-data"),
    ],
)

SYSCOUNT = Session(
    "syscount",
    by_pid=True,
    options=lambda p: ["-p", str(p.pid)],
    peer_options=lambda p: ["-p", str(p.pid), "-T", "400"],
    loads=lambda p: [[p.workload, "getppid", "1000"]],
    checks=[
        Check("1,000 calls of getppid()", "1000 calls",
              lambda rows, p: plural(sum(r["count"] for r in rows if r.get("call") == "getppid"),
                                     "call"),
              lambda lines, p: plural(sum(int(x.split()[1]) for x in lines
                                          if x.split()[0] == "getppid"), "call"),
              lambda p: "getppid"),
    ],
)

# ---------------------------------------------------------------- files


def sums(reads, writes, read_kib, write_kib):
    parts = [f"{plural(n, what)}, {kib} KiB" for n, what, kib in
             ((reads, "read", read_kib), (writes, "write", write_kib)) if n]
    return "; ".join(parts) or "nothing"


def file_sums(rows, name):
    found = [r for r in of_file(rows, name) if r["type"] == "file"]
    return sums(*(sum(r[k] for r in found) // unit for k, unit in
                  (("reads", 1), ("writes", 1), ("read_bytes", KIB), ("write_bytes", KIB))))


def top_sums(lines, name):
    """Of filetop's TID COMM READS WRITES R_Kb W_Kb T FILE."""
    found = [x.split() for x in lines if x.split()[-1] == name]
    return sums(*(sum(int(f[i]) for f in found) for i in range(2, 6)))


def moved(experiment, name, want):
    """Operations and bytes of one file."""
    return Check(experiment, want, lambda rows, p: file_sums(rows, f"/{name}"),
                 lambda lines, p: top_sums(lines, name), lambda p: name)


def rw(p, call, count, name, *more):
    return [p.workload, "--silent", "rw", call, str(count), "4096", f"{p.dir}/{name}", *more]


FILETOP = Session(
    "filetop",
    options=lambda p: ["-i", FOR_EVER],
    peer_options=lambda p: ["-C", "-r", "200", FOR_EVER],
    prepare=lambda p: [[p.workload, "--silent", "make", f"{p.dir}/{name}", str(64 * KIB)]
                       for name in ("direct", "vectored", "sent", "ring")],
    loads=lambda p: [
        [p.workload, "--silent", "files", "sizes", p.dir],
        rw(p, "preadv", 8, "direct", "direct"), rw(p, "pwritev", 8, "vectored"),
        rw(p, "sendfile", 8, "sent"),
        p.steps("open ring rw", "8*uring-read 4096", "8*uring-write 4096"),
    ],
    checks=[
        moved("256 writes of 4 KiB", "big", "256 writes, 1024 KiB"),
        moved("100 reads that ask for 1 MiB of a 10-byte file", "ten",
              "100 reads, 0 KiB; 1 write, 0 KiB"),
        moved("8 pwritev() of 4 KiB", "vectored", "8 writes, 32 KiB"),
        moved("8 preadv() of 4 KiB with O_DIRECT", "direct", "8 reads, 32 KiB"),
        moved("8 sendfile() of 4 KiB: the file sent", "sent", "8 reads, 32 KiB"),
        moved("8 reads and 8 writes of 4 KiB by io_uring", "ring",
              "8 reads, 32 KiB; 8 writes, 32 KiB"),
    ],
)

DELAYED = "/mnt/disk"


def slow_disk(p, *names):
    """ext4 on a disk whose requests take 50 ms, with files of these names."""
    table = "0 65536 delay /dev/ram0 0 50"
    return [
        ["sh", "-c", "modprobe brd rd_nr=1 rd_size=32768; modprobe dm-delay"],
        ["sh", "-c", f"echo '{table}' | dmsetup create slow && dmsetup mknodes"],
        [*MKFS, "/dev/mapper/slow"],
        ["mount", "/dev/mapper/slow", DELAYED],
        *[[p.workload, "--silent", "make", f"{DELAYED}/{name}", str(64 * KIB)]
          for name in names],
    ]


def slow_rows(experiment, name, count):
    def iosonde(rows, p):
        found = [r for r in of_file(rows, f"/{name}") if r["bytes"] == 4096
                 and 40 * MS <= r["lat_ns"]]
        return plural(len(found), "row")

    def peer(lines, p):
        """TIME COMM PID T BYTES OFF_KB LAT(ms) FILENAME"""
        found = [x.split() for x in lines if x.split()[-1] == name]
        return plural(len([f for f in found if f[4] == "4096" and float(f[6]) >= 40]), "row")

    return Check(experiment, f"{count} rows", iosonde, peer, lambda p: name)


def slow_load(p, call, count):
    path = f"{DELAYED}/by-{call}"
    return [p.workload, "--silent", "rw", call, str(count), "4096", path, "direct"]


FILESLOWER = Session(
    "fileslower",
    peer="fsslower",
    options=lambda p: ["10"],
    peer_options=lambda p: ["-t", "ext4", "-m", "10"],
    prepare=lambda p: slow_disk(p, "by-pread", "by-preadv", "by-pwritev"),
    undo=lambda p: [["umount", DELAYED], ["dmsetup", "remove", "slow"]],
    loads=lambda p: [slow_load(p, "pread", 8), slow_load(p, "preadv", 6),
                     slow_load(p, "pwritev", 5)],
    checks=[
        slow_rows("8 pread() that wait 50 ms for the disk", "by-pread", 8),
        slow_rows("6 preadv()", "by-preadv", 6),
        slow_rows("5 pwritev()", "by-pwritev", 5),
    ],
)


def vfs_column(title):
    """Sum of a column of vfsstat's, whose interval is a second."""
    def read(lines, p):
        at = next(x.split().index(title) for x in lines if title in x.split())
        rows = [x.split() for x in lines if re.match(r"\d\d:\d\d:\d\d", x)]
        separate = rows[0][1] == ":"
        return sum(int(r[at + separate]) for r in rows)

    return read


# As `stdbuf -oL` does it: a line is written when it is there. SIGINT ends vfsstat without its
# last lines otherwise, if they don't go to a terminal.
LINES = {"LD_PRELOAD": "/usr/libexec/coreutils/libstdbuf.so", "_STDBUF_O": "L"}

VFSSTAT = Session(
    "vfsstat",
    peer_environment=LINES,
    options=lambda p: ["-i", "1"],
    peer_options=lambda p: ["1"],
    loads=lambda p: [p.steps("10*open new% rwc", "3*mknod node%", "ftruncate 4096", "5*fsync",
                             "7*fdatasync", "11*msync")],
    checks=[
        Check("5 fsync(), 7 fdatasync(), 11 msync(): syncs", 23,
              lambda rows, p: sum(r["fsyncs"] for r in rows if r["type"] == "vfs"),
              vfs_column("FSYNC/s")),
        Check("10 opens that make a file, 3 mknod(): creates", 13,
              lambda rows, p: sum(r["creates"] for r in rows if r["type"] == "vfs"),
              vfs_column("CREATE/s")),
    ],
)


def lived(experiment, name, least_s):
    """One row, of an age between least_s and a second and a half more."""
    def verdict(ages):
        if len(ages) != 1 or least_s <= ages[0] <= least_s + 1.5:
            return plural(len(ages), "row")
        return f"an age of {ages[0]:.2f} s"

    return Check(experiment, "1 row",
                 lambda rows, p: verdict([(r["age_ns"] or 0) / 1e9
                                          for r in of_file(rows, f"/{name}")]),
                 lambda lines, p: verdict([float(x.split()[-2]) for x in lines
                                           if x.split()[-1] == name]), lambda p: name)


FILELIFE = Session(
    "filelife",
    loads=lambda p: [p.steps(
        "open short rwc", "open target rwc", "open incoming rwc", "open linked rwc", "sleep 1000",
        "unlink short", "rename incoming target", "link linked second", "unlink linked")],
    checks=[
        lived("a file of 1 s", "short", 1),
        lived("a file of 1 s that another is renamed over", "target", 1),
        Check("a link removed, where the file has another", "0 rows",
              lambda rows, p: plural(len(of_file(rows, "/linked")), "row"),
              lambda lines, p: plural(len(ending(lines, " linked")), "row"), lambda p: "linked"),
    ],
)

SESSIONS = [OPENSNOOP, STATSNOOP, EXECSNOOP, MOUNTSNOOP, SYSCOUNT, FILETOP, FILESLOWER, VFSSTAT,
            FILELIFE]
