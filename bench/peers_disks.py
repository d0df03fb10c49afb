# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The experiments of bench/peers about disks: see peers_calls.py."""

import re
from collections import Counter

from peers_base import FOR_EVER, KIB, MKFS, Check, Session, plural

# A real one to the guest, with requests and partitions: of null_blk 5.10 tells nobody the name.
DISK = "vdb"


def direct(p, count, size=4096):
    return [p.workload, "--silent", "--comm", "hundred", "rw", "pread", str(count), str(size),
            f"/dev/{DISK}", "direct"]


def buckets(pairs):
    """low: count, of those that hold something."""
    counts = Counter()
    for low, count in pairs:
        counts[low] += count
    return {low: n for low, n in counts.items() if n}


def peer_buckets(lines):
    found = [re.match(r"\s*(\d+) -> \d+\s*:\s*(\d+)", x) for x in lines]
    return buckets((int(m[1]), int(m[2])) for m in found if m)


BIOLATENCY = Session(
    "biolatency",
    options=lambda p: ["--disk", DISK],
    peer_options=lambda p: ["-d", DISK, FOR_EVER],
    loads=lambda p: [direct(p, 100)],
    checks=[
        Check("100 direct reads", "100 requests",
              lambda rows, p: plural(sum(r["count"] for r in rows if r["type"] == "latency"),
                                     "request"),
              lambda lines, p: plural(sum(peer_buckets(lines).values()), "request")),
    ],
)

BIOSNOOP = Session(
    "biosnoop",
    options=lambda p: ["-D", DISK],
    peer_options=lambda p: ["-d", DISK],
    loads=lambda p: [direct(p, 100)],
    checks=[
        Check("100 direct reads: rows with the reader's name and 4096 bytes", "100 rows",
              lambda rows, p: plural(len([r for r in rows if r.get("comm") == "hundred" and
                                          r["bytes"] == 4096]), "row"),
              lambda lines, p: plural(len([x for x in lines if " hundred " in x and
                                           "4096" in x.split()]), "row"), lambda p: "hundred"),
    ],
)


def owners(pairs):
    """Who wrote how much of the disk, the writer's share only if he is named."""
    total = Counter()
    for comm, size in pairs:
        total[re.sub(r"kworker.*", "kworker", comm)] += size
    if total["scribbler"]:
        return f"scribbler: {total['scribbler']} bytes"
    return ", ".join(f"{comm}: {n} bytes" for comm, n in total.most_common(2)) or "nobody"


WRITEBACK = Session(
    "biosnoop",
    options=lambda p: ["-F", "-D", DISK],
    peer_options=lambda p: ["-d", DISK],
    prepare=lambda p: [
        [*MKFS, f"/dev/{DISK}"],
        ["mount", f"/dev/{DISK}", "/mnt/disk"],
        [p.workload, "--silent", "make", "/mnt/disk/book", str(256 * KIB)], ["sync"]],
    undo=lambda p: [["umount", "/mnt/disk"]],
    loads=lambda p: [[p.workload, "--silent", "--comm", "scribbler", "rw", "write", "64", "4096",
                      "/mnt/disk/book"], ["sync"]],
    checks=[
        Check("a file of 256 KiB written, then sync: who wrote what", "scribbler: 262144 bytes",
              lambda rows, p: owners((r["behalf"] or "nobody", r["bytes"]) for r in rows
                                     if r["type"] == "request"),
              lambda lines, p: owners((x.split()[1], int(x.split()[-2])) for x in lines
                                      if f" {DISK} " in x), lambda p: "262144"),
    ],
)


def sizes(kib):
    return f"{kib.get(4, 0)} of 4 KiB, {kib.get(64, 0)} of 64 KiB"


BITESIZE = Session(
    "bitesize",
    options=lambda p: ["--disk", DISK],
    peer_options=lambda p: ["-d", DISK, FOR_EVER],
    loads=lambda p: [direct(p, 10), direct(p, 10, 64 * KIB)],
    checks=[
        Check("10 direct reads of 4 KiB, 10 of 64 KiB", "10 of 4 KiB, 10 of 64 KiB",
              lambda rows, p: sizes(buckets((r["low_bytes"] // KIB, r["count"]) for r in rows
                                            if r["type"] == "size")),
              lambda lines, p: sizes(peer_buckets(lines))),
    ],
)

BIOPATTERN = Session(
    "biopattern",
    options=lambda p: ["-D", DISK, "-i", FOR_EVER],
    peer_options=lambda p: ["-d", DISK, FOR_EVER],
    loads=lambda p: [direct(p, 10)],
    checks=[
        Check("10 direct reads of 4 KiB, one after the other", "10 requests, 40 KiB",
              lambda rows, p: "; ".join(f"{r['count']} requests, {r['bytes'] // KIB} KiB"
                                        for r in rows if r["type"] == "pattern"),
              lambda lines, p: "; ".join(f"{x.split()[-2]} requests, {x.split()[-1]} KiB"
                                         for x in lines if x.startswith(DISK)), lambda p: DISK),
    ],
)

SESSIONS = [BIOLATENCY, BIOSNOOP, WRITEBACK, BITESIZE, BIOPATTERN]
