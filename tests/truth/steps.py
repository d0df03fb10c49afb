# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Programs that a test writes down as a list of calls: tests/workload/steps.c."""

ENOSYS = 38


def steps(host, where, *calls):
    """The command that does these calls, names relative to the directory where."""
    return [host.workload, "steps", f"chdir {where}", *calls]


class Done:
    """What the calls returned, by the step's own text."""

    def __init__(self, run):
        (work,) = run.work
        self.pid = work["pid"]
        self.ret = {o["id"]: o["ret"] for o in work["opens"]}
        self.err = {o["id"]: o["err"] for o in work["opens"]}

    def refused(self, step):
        """io_uring or libaio isn't there, or the kernel is too old for the operation."""
        return self.err[step] in ("ENOSYS", "EINVAL", "EOPNOTSUPP")
