# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What `workload files` says that it did, operation by operation, and sums of it."""

from collections import defaultdict
from dataclasses import dataclass

from tracer import text_of, trace


@dataclass
class Op:
    route: str
    write: bool
    fd: int
    asked: int
    offset: int | None
    ret: int
    err: str | None
    path: bytes | None

    @property
    def bytes(self):
        return max(self.ret, 0)

    @property
    def rw(self):
        return "write" if self.write else "read"


@dataclass
class Files:
    run: object
    work: dict
    ops: list
    where: str

    @property
    def rows(self):
        """In the order in which they ended; the last write is that of the result."""
        kind = next(r["type"] for r in self.run.rows if r["type"] != "summary")
        return sorted(self.run.of(kind), key=lambda r: r["time_ns"])[:-1]

    def path(self, name):
        return f"{self.where}/{name}".encode()


def op_of(op):
    path = bytes.fromhex(op["full"]) if "full" in op else None
    write, fd = op["id"][0] == "w", int(op["id"][1:])
    return Op(op["call"], write, fd, op["flags"], op["mode"], op["ret"], op["err"], path)


def files(host, tmp, command, options, part, dirs=(), before=()):
    """Traces one part of `workload files` in a directory of its own."""
    where = f"{tmp}/{part}"
    host.run(["rm", "-rf", where])
    host.run(["mkdir", where, *(f"{where}/{d}" for d in dirs)])
    options = [o.format(where=where) for o in options]
    run = trace(host, tmp, command, options, [*before, host.workload, "files", part, where])
    (work,) = run.work
    return Files(run, work, [op_of(o) for o in work["opens"]], where)


def sums(ops, key):
    """{key: reads, writes, errors, bytes and bytes asked for of each}"""
    out = defaultdict(lambda: defaultdict(int))
    for op in ops:
        row = out[key(op)]
        row[f"{op.rw}s"] += 1
        row["errors"] += op.ret < 0
        row[f"{op.rw}_bytes"] += op.bytes
        row[f"{op.rw}_asked_bytes"] += op.asked
    return {k: {n: v for n, v in row.items() if v} for k, row in out.items()}


FIGURES = ("reads", "writes", "errors", "read_bytes", "write_bytes")
ASKED = ("read_asked_bytes", "write_asked_bytes")


def tables(rows, key, figures):
    """The same from a table's rows, of all intervals."""
    out = defaultdict(lambda: defaultdict(int))
    for row in rows:
        for name in figures:
            out[key(row)][name] += row[name]
    return {k: {n: v for n, v in row.items() if v} for k, row in out.items()}


def path_of(row, key="path"):
    return text_of(row, key)
