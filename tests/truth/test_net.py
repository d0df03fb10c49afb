# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The commands about TCP, beside programs that know their connections and the kernel's own counters."""

import errno
import signal
from collections import Counter

import pytest
from conftest import GUESTS
from tracer import check_pairs, read_run, started, trace, wait_attached


def told(run, workload):
    return [w for w in run.work if w["workload"] == workload]


def books(run):
    (found,) = told(run, "books")
    return found


def checked(host, tmp, command, options, what, *numbers, status=0):
    """Alone in a network namespace, beside the kernel's own counters of that: the run, and the pairs."""
    argv = [host.workload, "net", f"here:{what}", *numbers]
    within = ["unshare", "-n"]
    run = trace(host, tmp, command, ["--check", *options], argv, within=within, status=status)
    pairs = check_pairs(run)
    for name, r in pairs.items():
        if r["state"] in ("same", "explained", "differs"):
            proto, key = name.split()
            assert proto == "Tcp" and r["kernel"] <= books(run)[key], (r, books(run))
    return run, pairs


def same(pairs, **wanted):
    """So many of each, in our eyes and in the kernel's."""
    got = {k.split()[1]: (r["ours"], r["others"], r["kernel"], r["state"]) for k, r in pairs.items()}
    assert got == {k: (n, 0, n, "same") for k, n in wanted.items()}


def error(code):
    return errno.errorcode[code] if code else None


def test_connects(host, tmp):
    """Each attempt once, with its outcome: blocking and not, refused, given up, timed out; nothing else."""
    run, pairs = checked(host, tmp, "tcpconnect", [], "connects")
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
    fails = by_error["ECONNREFUSED"] + by_error["ETIMEDOUT"]
    same(pairs, ActiveOpens=len(rows) - by_error["ENETUNREACH"], AttemptFails=fails)
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
    run, pairs = checked(host, tmp, "tcpaccept", [], "accepts", "8", str(max(10, host.few(125))))
    seen = Counter((r["tid"], r["lport"], r["rport"]) for r in run.of("tcpaccept"))
    wanted = Counter(
        (w["tid"], w["lport"], port) for w in told(run, "accepts") for port in w["ports"]
    )
    assert seen == wanted
    same(pairs, PassiveOpens=sum(seen.values()))
    assert {(r["raddr"], r["laddr"]) for r in run.of("tcpaccept")} == {
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    }


@pytest.mark.enough_on("running", "5.10")
def test_many_connections(host, tmp):
    """As fast as they can be made: none is missing."""
    n = host.few(10000)
    for command, ends in (("tcpconnect", 1), ("tcpaccept", 1), ("tcplife", 2)):
        run, pairs = checked(host, tmp, command, [], "burst", str(n))
        assert n == books(run)["PassiveOpens"] and len(run.of(command)) == ends * n
        assert {(r["state"], r["others"], r["allowed"]) for r in pairs.values()} == {("same", 0, 0)}


def life(r):
    """A row, or what a workload tells: which connection's end, and how much went through it."""
    who = (r["pid"], r["laddr"], r["lport"], r["raddr"], r["rport"])
    return (*who, r.get("tx_bytes", r.get("tx")), r.get("rx_bytes", r.get("rx")))


def lives(run):
    return Counter(map(life, told(run, "life")))


def test_lives(host, tmp):
    """Each end once, with who has it and every byte: however it ends, and whoever closes it."""
    run, pairs = checked(host, tmp, "tcplife", [], "lives")
    rows = run.of("tcplife")
    assert Counter(map(life, rows)) == lives(run), rows
    assert all(0 < r["lat_ns"] < 60e9 and r["pid"] and r["newstate"] == "CLOSE" for r in rows)
    assert all(r["ip"] == (6 if ":" in r["laddr"] else 4) for r in rows)
    reset = [r for r in rows if r["oldstate"] in ("ESTABLISHED", "CLOSE_WAIT")]
    assert len(reset) == 6
    same(pairs, ActiveOpens=len(rows) // 2, PassiveOpens=len(rows) // 2, EstabResets=6)
    (crossing,) = {w["lport"] for w in told(run, "life") if w["kind"] == "crossing"} & {
        r["lport"] for r in rows if r["oldstate"] == "CLOSING"
    }
    assert crossing and run.summary["under_way"] == 0


def test_states(host, tmp):
    """Each change, in order, with the time since the one before; the kernel counts some of them."""
    options = ["--states", "--columns", "+sk"]
    run = trace(host, tmp, "tcplife", options, [host.workload, "net", "lives"])
    rows, book, last, ends = run.of("tcplife"), books(run), {}, []
    edges = Counter((r["oldstate"], r["newstate"]) for r in rows)
    assert sum(n for (_, to), n in edges.items() if to == "SYN_SENT") == book["ActiveOpens"]
    assert edges["LISTEN", "SYN_RECV"] == edges["SYN_RECV", "ESTABLISHED"] == book["PassiveOpens"]
    resets = edges["ESTABLISHED", "CLOSE"] + edges["CLOSE_WAIT", "CLOSE"]
    assert resets == book["EstabResets"] and edges["CLOSE", "LISTEN"] == edges["LISTEN", "CLOSE"] == 2
    assert {r["pid"] for r in rows} == {w["pid"] for w in told(run, "life")}
    for r in rows:
        begins = r["newstate"] in ("LISTEN", "SYN_SENT", "SYN_RECV")
        before = None if begins else last[r["sk"]]
        assert r["lat_ns"] == (r["time_ns"] - before["time_ns"] if before else None), (before, r)
        assert r["oldstate"] == (before["newstate"] if before else r["oldstate"])
        last[r["sk"]] = r
        if r["newstate"] == "CLOSE" and r["oldstate"] != "LISTEN":
            ends.append(r)
    assert all(r["newstate"] == "CLOSE" for r in last.values())
    taken = [r for r in ends if r["raddr"]]  # from a listener's queue its address is gone
    assert Counter(map(life, taken)) <= lives(run) and len(taken) + 1 >= len(told(run, "life"))


@pytest.mark.enough_on("running")
def test_lives_without_room(host, tmp):
    """With room for one, the other end of each connection is lost, and counted."""
    usual = host.environment
    host.environment = {**usual, "IOSONDE_ENTRIES": "sessions=1"}
    try:
        run = trace(host, tmp, "tcplife", [], [host.workload, "net", "lives"], lost=None)
    finally:
        host.environment = usual
    assert Counter(map(life, run.of("tcplife"))) <= lives(run)
    assert run.summary["shown"] + run.summary["lost_state"] == len(told(run, "life"))
    assert run.summary["lost_state"] >= 8


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "sid")
def test_lives_of_everybody(host, tmp):
    """Without a target, and of one that has none."""
    argv = [host.workload, "net", "lives"]
    rows = f"{tmp}/all"
    everybody = [host.iosonde, "tcplife", "-o", "json", "-O", rows]
    with started(host, everybody) as process:
        wait_attached(host, process.pid)
        run = trace(host, tmp, "tcplife", ["-u", "nobody"], argv)
        process.signal(signal.SIGINT)
        result = process.wait(30)
    assert not run.of("tcplife") and run.summary["generated"] == 0
    assert Counter(map(life, read_run(host, "tcplife", result, rows).of("tcplife"))) == lives(run)


def test_retransmissions(host, tmp):
    """The kernel's own count of segments, exactly; each type is its connection's."""
    run, pairs = checked(host, tmp, "tcpretrans", [], "losses")
    rows, book = run.of("tcpretrans"), books(run)
    failed = sum(r["segs"] for r in rows if r["err"])
    blind = "failed" in (run.summary.get("blind") or "")
    missing = book["TCPRetransFail"] if blind else 0
    assert sum(r["segs"] for r in rows) == book["RetransSegs"] - missing, (rows, book)
    same(pairs, RetransSegs=book["RetransSegs"] - missing)
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


@pytest.mark.enough_on("running", "5.10", "sid")
def test_connects_at_once(host, tmp):
    """A thousand under way at a time: each has waited for the answer to its second packet."""
    run, pairs = checked(host, tmp, "tcpconnect", [], "at-once", "1000")
    rows, (work,) = run.of("tcpconnect"), told(run, "at-once")
    assert Counter(r["sport"] for r in rows) == Counter(work["ports"]) and len(rows) == 1000
    assert {(r["pid"], r["dport"], r["err"]) for r in rows} == {(work["pid"], work["rport"], None)}
    assert all(r["lat_ns"] > 500e6 for r in rows) and run.summary["under_way"] == 0
    same(pairs, ActiveOpens=1000, AttemptFails=0)


# A pair of ends in two namespaces, each of which keeps what it sends for a while and loses some. The
# names are whole: a guest's shell prefers its own programs.
FAR = """
bad="netem delay 5ms loss 10%"
unshare -n sleep 600 & far=$!
trap "kill $far" EXIT
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
/usr/bin/ip link add v0 type veth peer name v1 netns $far
/usr/bin/ip address add 10.1.1.1/24 dev v0
/usr/bin/ip link set v0 up
within="nsenter -t $far -n"
$within /usr/bin/ip address add 10.1.1.2/24 dev v1
$within /usr/bin/ip link set v1 up
$within /usr/bin/tc qdisc add dev v1 root $bad
/usr/bin/tc qdisc add dev v0 root $bad
$within "$1" --silent net here:serve 7000 $2 $3 & server=$!
shift 3
"$@" || exit
wait $server
"""


@pytest.mark.only_on(*GUESTS)
@pytest.mark.enough_on("5.10", "6.12")
def test_a_bad_network(host, tmp):
    """Another namespace, delay and loss: all that this one sends again, and nothing of the other's."""
    for module in ("veth", "sch_netem"):
        assert host.run(["modprobe", module]).returncode == 0
    n, size = "5", "30000"
    within = ["unshare", "-n", "sh", "-ec", FAR, "sh", host.workload, n, size]
    argv = [host.workload, "net", "here:fetch", "7000", n, size, "10.1.1.2"]
    run = trace(host, tmp, "tcpretrans", ["--check"], argv, within=within)
    rows, (work,) = run.of("tcpretrans"), told(run, "fetch")
    same(check_pairs(run), RetransSegs=sum(r["segs"] for r in rows))
    assert {(r["pid"], r["raddr"], r["rport"]) for r in rows} == {(work["pid"], "10.1.1.2", 7000)}
    assert {r["lport"] for r in rows} <= set(work["ports"]) and len(rows) >= 3, rows


@pytest.mark.enough_on("running")
def test_pairs_of_others(host, tmp):
    """Who is no target is in the kernel's counters; beside those of another namespace nothing is ours."""
    for command in ("tcpconnect", "tcpaccept", "tcplife"):
        run, pairs = checked(host, tmp, command, ["-u", "nobody"], "lives")
        assert not run.of(command) and run.summary["generated"] == 0
        assert all(r["ours"] == 0 for r in pairs.values()), pairs
        assert any(r["others"] for r in pairs.values()), pairs
        assert all(r["state"] != "differs" for r in pairs.values()), pairs
    argv = ["unshare", "-n", host.workload, "net", "here:lives"]
    run = trace(host, tmp, "tcplife", ["--check"], argv, within=["unshare", "-n"])
    same(check_pairs(run), ActiveOpens=0, PassiveOpens=0, EstabResets=0)
    assert run.of("tcplife")


@pytest.mark.enough_on("running")
def test_a_pair_that_disagrees(host, tmp):
    """With a hook less the kernel has counted more: that is said, and the run has failed."""
    usual = host.environment
    host.environment = {**usual, "IOSONDE_WITHOUT": "retrans_synack"}
    try:
        run, pairs = checked(host, tmp, "tcpretrans", [], "losses", status=125)
    finally:
        host.environment = usual
    row = pairs["Tcp RetransSegs"]
    assert row["state"] == "differs" and row["kernel"] - row["ours"] == row["off"] >= 1, row
    assert row["ours"] == sum(r["segs"] for r in run.of("tcpretrans"))
    assert b"must agree with the kernel's counters" in run.result.stderr


def talk(r):
    """Who, to whom: a row, or what a workload tells. Of UDP that isn't connected, only who."""
    peer = r["path"] if r["proto"] == "unix" else r["rport"]
    return (r["pid"], r["proto"], r["lport"] or 0, peer)


def moved(r):
    tx, rx = (r.get(f"{k}_bytes", r.get(k)) for k in ("tx", "rx"))
    return (r["sends"], r["recvs"], r["again"], tx, rx)


def test_talks(host, tmp):
    """Each call and byte of two processes, by process and peer, whatever calls they choose."""
    path = f"{tmp}/socket"
    run = trace(host, tmp, "netio", ["-i", "100"], [host.workload, "net", "talk", path])
    rows, work = run.of("netio"), told(run, "talk")
    unconnected = [w for w in work if w["kind"] == "udp"]
    for w, other in zip(unconnected, reversed(unconnected)):
        w["rport"] = other["lport"]
    assert {talk(r): moved(r) for r in rows} == {talk(w): moved(w) for w in work}, rows
    assert len(rows) == len(work) and all(r["errors"] == 0 for r in rows)
    assert run.summary["shown"] == sum(w["sends"] + w["recvs"] for w in work)
    for w in work:
        # what the socket counted, with the FIN where that had come
        assert w["proto"] != "tcp" or 0 <= w["socket_rx"] - w["rx"] <= 1, w
    for r in rows:
        assert r["bytes"] == r["tx_bytes"] + r["rx_bytes"] and r["count"] == r["sends"] + r["recvs"]
        assert r["total_ns"] == r["cpu_ns"] + r["runq_ns"] + r["wait_ns"], r
        assert 0 < r["max_ns"] <= r["total_ns"] and r["waits"] <= r["count"]
    slow = {w["pid"]: talk(w) for w in work if w["kind"] == "slow"}
    waits, pauses = sorted((r for r in rows if talk(r) in slow.values()), key=lambda r: -r["wait_ns"])
    # ten pauses of 5 ms; beside busy neighbours who waits may come late to some of them
    assert waits["wait_ns"] >= 30e6 and waits["waits"] >= 6, waits
    assert waits["wait_ns"] > 5 * waits["cpu_ns"] or host.emulated, waits
    assert pauses["wait_ns"] < waits["wait_ns"] / 2 or host.emulated, pauses  # its sleep is no call


@pytest.mark.enough_on("running")
def test_talks_of_some(host, tmp):
    """By protocol, by version; each call that is left out is counted."""
    path = f"{tmp}/socket"
    whole = trace(host, tmp, "netio", ["-i", "100"], [host.workload, "net", "talk", path])
    calls = sum(w["sends"] + w["recvs"] for w in told(whole, "talk"))
    for options, kinds in (
        (["--proto", "unix"], {"unix"}),
        (["-6"], {"tcp6", "batches"}),
        (["--proto", "tcp", "-4"], {"tcp", "slow", "sendfile"}),
    ):
        run = trace(host, tmp, "netio", ["-i", "100", *options], [host.workload, "net", "talk", path])
        work = [w for w in told(run, "talk") if w["kind"] in kinds]
        mine = sum(w["sends"] + w["recvs"] for w in work)
        assert {talk(r) for r in run.of("netio")} == {talk(w) for w in work}
        assert run.summary["shown"] == mine and abs(run.summary["filtered"] + mine - calls) < 20
