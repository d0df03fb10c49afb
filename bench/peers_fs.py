# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The experiments of bench/peers about filesystems and the page cache."""

import re

from peers_base import KIB, Check, Session, plural
from peers_calls import DELAYED, LINES, slow_disk, slow_rows

# ---------------------------------------------------------------- operations


def on_slow_disk(p, *calls):
    return [p.workload, "--silent", "steps", f"chdir {DELAYED}", *calls]


FSSLOWER = Session(
    "fsslower",
    options=lambda p: ["--fs", "ext4", "10"],
    peer_options=lambda p: ["-t", "ext4", "-m", "10"],
    prepare=lambda p: slow_disk(p, "by-pread", "by-io_uring", "by-splice"),
    undo=lambda p: [["umount", DELAYED], ["dmsetup", "remove", "slow"]],
    loads=lambda p: [
        on_slow_disk(p, "open by-pread ro", "4*pread 4096"),
        on_slow_disk(p, "open by-io_uring ro", "5*uring-read 4096"),
        on_slow_disk(p, "open by-splice r", *["drop", "splice 4096"] * 3),
    ],
    checks=[
        slow_rows("4 direct pread() that wait 50 ms for the disk", "by-pread", 4),
        slow_rows("5 direct reads by io_uring", "by-io_uring", 5),
        slow_rows("3 splice() of what isn't in memory", "by-splice", 3),
    ],
)


def peer_total(op):
    """What fsdist's histogram of the operation adds up to."""
    def read(lines, p):
        total, now = 0, None
        for line in lines:
            head = re.match(r"operation = '?(\w+)", line)
            slot = re.match(r"\s*\d+ -> \d+\s*: (\d+)", line)
            if head:
                now = head[1]
            elif slot and now == op:
                total += int(slot[1])
        return total

    return read


def total(experiment, op, count):
    return Check(experiment, count,
                 lambda rows, p: sum(r["count"] for r in rows if r["type"] == "fs_total"
                                     and r["op"] == op), peer_total(op))


FSDIST = Session(
    "fsdist",
    by_pid=True,
    options=lambda p: ["--fs", "ext4", "-p", str(p.pid)],
    peer_options=lambda p: ["-t", "ext4", "-p", str(p.pid)],
    loads=lambda p: [p.steps("open f rwc", "50*write 4096", "7*fsync", "100*pread 4096",
                             "10*splice 4096", "5*open f r")],
    checks=[
        total("100 pread() and 10 splice(): reads", "read", 110),
        total("50 write(): writes", "write", 50),
        total("7 fsync(): syncs", "fsync", 7),
        total("6 openat(): opens", "open", 6),
    ],
)

# ---------------------------------------------------------------- pages

PIECE = 64 * KIB
PAGES = 16384  # so many that programs' own don't matter


def about(seen, want):
    """Whatever else runs there uses pages, too."""
    return want if abs(seen - want) <= PAGES // 10 else seen


def pages(experiment, key, at, want):
    def peer(lines, p):
        """HITS MISSES DIRTIES HITRATIO BUFFERS_MB CACHED_MB"""
        rows = [x.split() for x in lines if re.match(r"\s*\d+\s+\d+\s+\d+\s+[\d.]+%", x)]
        return about(sum(int(r[at]) for r in rows), want)

    return Check(experiment, want,
                 lambda rows, p: about(sum(r[key] for r in rows if r["type"] == "cache"), want),
                 peer)


def cachestat(*calls, checks):
    return Session(
        "cachestat",
        peer_environment=LINES,
        options=lambda p: ["-i", "1"],
        peer_options=lambda p: ["1"],
        prepare=lambda p: [[p.workload, "--silent", "make", f"{p.dir}/f", str(PAGES * 4096)],
                           p.steps("open f r", "drop")],
        loads=lambda p: [p.steps(*calls)],
        checks=checks,
    )


READ = f"{PAGES // 16}*read {PIECE}"
CACHESTAT = [
    cachestat("open f r", READ, checks=[
        pages("64 MiB read that isn't in memory: hits", "hits", 0, 0),
        pages("the same: misses", "misses", 1, PAGES),
    ]),
    cachestat("open f r", READ, "open f r", READ, checks=[
        pages("the same, and read again: hits", "hits", 0, PAGES),
    ]),
    cachestat("open f ro", READ, checks=[
        pages("64 MiB read with O_DIRECT: misses", "misses", 1, 0),
    ]),
    cachestat("open g rwc", f"{PAGES // 16}*write {PIECE}", checks=[
        pages("64 MiB written: dirtied", "dirtied", 2, PAGES),
    ]),
]

SESSIONS = [FSSLOWER, FSDIST, *CACHESTAT]
