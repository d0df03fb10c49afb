# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Programs that a test writes down as a list of calls: tests/workload/steps.c."""


def steps(host, where, *calls):
    """The command that does these calls, names relative to the directory where."""
    return [host.workload, "steps", f"chdir {where}", *calls]


class Done:
    """What the calls returned, in order and by the step's own text."""

    def __init__(self, run):
        (work,) = run.work
        self.pid = work["pid"]
        self.results = work["opens"][1:]  # without the chdir
        self.ret = {o["id"]: o["ret"] for o in self.results}
        self.err = {o["id"]: o["err"] for o in self.results}
