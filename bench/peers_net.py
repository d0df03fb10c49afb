# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The experiments of bench/peers about connections, in a network namespace of the load's own."""

from peers_base import Check, Session, plural


def of_type(rows, name):
    return [r for r in rows if r["type"] == name]


def words(lines, at_least):
    """Lines of numbers and names, without what a tool says about itself."""
    split = [x.split() for x in lines]
    return [w for w in split if len(w) >= at_least and w[0].isdigit()]


def rows_shown(name, kind, want, width):
    return Check(name, plural(want, "row"),
                 lambda rows, p: plural(len(of_type(rows, kind)), "row"),
                 lambda lines, p: plural(len(words(lines, width)), "row"))


def of_ipv6(found):
    return f"{found.count('6')} of IPv6"


TCPCONNECT = Session(
    "tcpconnect",
    loads=lambda p: [[p.workload, "net", "connects"]],
    checks=[
        rows_shown("14 connects: refused, timed out, given up, with no route", "tcpconnect", 14,
                   6),
        Check("what is spoken, by sockets of IPv6, too", "2 of IPv6",
              lambda rows, p: of_ipv6([str(r["ip"]) for r in of_type(rows, "tcpconnect")]),
              lambda lines, p: of_ipv6([w[2] for w in words(lines, 6)])),
        Check("one without a route", "1 row",
              lambda rows, p: plural(len([r for r in of_type(rows, "tcpconnect")
                                          if r["daddr"] == "10.9.9.9"]), "row"),
              lambda lines, p: plural(len([x for x in lines if "10.9.9.9" in x]), "row")),
    ],
)

TCPLIFE = Session(
    "tcplife",
    loads=lambda p: [[p.workload, "net", "lives"]],
    checks=[
        rows_shown("both ends of 11 connections", "tcplife", 22, 9),
        Check("whose they are", "22 of workload",
              lambda rows, p: f"{sum(r['comm'] == 'workload' for r in of_type(rows, 'tcplife'))} "
                              "of workload",
              lambda lines, p: f"{sum(w[0] != '0' and w[1] == 'workload' for w in words(lines, 9))} "
                               "of workload"),
    ],
)


SESSIONS = [TCPCONNECT, TCPLIFE]
