# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The commands about TCP, beside programs that know their connections and the kernel's own counters."""

import errno
from collections import Counter

import pytest
from tracer import trace


def told(run, workload):
    return [w for w in run.work if w["workload"] == workload]


def books(run):
    (found,) = told(run, "books")
    return found


def error(code):
    return errno.errorcode[code] if code else None


def test_connects(host, tmp):
    """Each attempt once, with its outcome: blocking and not, refused, given up, timed out; nothing else."""
    run = trace(host, tmp, "tcpconnect", [], [host.workload, "net", "connects"])
    rows = run.of("tcpconnect")

    def seen(r):
        return (
            (r["pid"], r["tid"], r["comm"], r["saddr"], r["sport"], r["daddr"], r["dport"]),
            r["err"],
        )

    def done(w):
        ours = (w["laddr"] or None, w["lport"] or None)
        return (
            (w["pid"], w["tid"], "workload", *ours, w["raddr"], w["rport"]),
            error(w["err"]),
        )

    assert Counter(map(seen, rows)) == Counter(map(done, told(run, "connect"))), rows
    assert all(r["ip"] == (6 if ":" in r["daddr"] else 4) for r in rows)
    by_error = Counter(r["err"] for r in rows)
    assert len(rows) - by_error["ENETUNREACH"] == books(run)["ActiveOpens"]
    assert by_error["ECONNREFUSED"] + by_error["ETIMEDOUT"] == books(run)["AttemptFails"]
    (slow,) = [r for r in rows if r["err"] == "ETIMEDOUT"]
    assert slow["lat_ns"] > 900_000_000 and run.summary["under_way"] == 0


@pytest.mark.enough_on("running")
def test_failed_connects(host, tmp):
    """-x; and addresses in --where, in any spelling."""
    argv = [host.workload, "net", "connects"]
    where = ["-x", "--where", "daddr == ::ffff:10.0.0.0/104"]
    run = trace(host, tmp, "tcpconnect", where, argv)
    assert [r["err"] for r in run.of("tcpconnect")] == ["ENETUNREACH"]
    assert run.summary["filtered"] == len(told(run, "connect")) - 1


def test_accepts(host, tmp):
    """Eight threads that accept from one socket: each row is the right thread's."""
    argv = [host.workload, "net", "accepts", "8", str(max(10, host.few(125)))]
    run = trace(host, tmp, "tcpaccept", [], argv)
    seen = Counter((r["tid"], r["lport"], r["rport"]) for r in run.of("tcpaccept"))
    wanted = Counter(
        (w["tid"], w["lport"], port) for w in told(run, "accepts") for port in w["ports"]
    )
    assert seen == wanted
    assert sum(seen.values()) == books(run)["PassiveOpens"]
    assert {(r["raddr"], r["laddr"]) for r in run.of("tcpaccept")} == {
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    }


@pytest.mark.enough_on("running", "5.10")
def test_many_connections(host, tmp):
    """As fast as they can be made: none is missing."""
    n = host.few(10000)
    argv = [host.workload, "net", "burst", str(n)]
    for command in ("tcpconnect", "tcpaccept"):
        run = trace(host, tmp, command, [], argv)
        assert len(run.of(command)) == n == books(run)["PassiveOpens"]


def test_retransmissions(host, tmp):
    """The kernel's own count of segments, exactly; each type is its connection's."""
    run = trace(host, tmp, "tcpretrans", [], [host.workload, "net", "losses"])
    rows, book = run.of("tcpretrans"), books(run)
    failed = sum(r["segs"] for r in rows if r["err"])
    blind = "failed" in (run.summary.get("blind") or "")
    missing = book["TCPRetransFail"] if blind else 0
    assert sum(r["segs"] for r in rows) == book["RetransSegs"] - missing, (rows, book)
    assert failed == 0 or not blind
    kinds = {w["kind"]: w for w in told(run, "loss")}

    def of(kind):
        w = kinds[kind]
        ports = ("rport", "lport") if w["lport"] else ("rport",)
        return [r for r in rows if all(r[p] == w[p] for p in ports)]

    assert {r["kind"] for r in of("stream")} >= {"R"}
    assert [(r["kind"], r["state"]) for r in of("probe")][:1] == [("L", "ESTABLISHED")]
    assert {(r["kind"], r["state"]) for r in of("synack")} >= {("S", "SYN_RECV")}
    assert {(r["kind"], r["state"]) for r in of("syn")} == {("R", "SYN_SENT")}
    assert sum(r["kind"] == "L" for r in rows) <= book["TCPLossProbes"]
    assert {r["pid"] for r in rows} == {w["pid"] for w in kinds.values()}
