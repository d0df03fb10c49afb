# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""tests/blind.toml, for tests of commands that have rungs of their own."""

import tomllib

from host import ROOT

LIST = tomllib.loads((ROOT / "tests/blind.toml").read_text())["blind"]


def what_is_blind(request, rung):
    """What the output must say of this test's truth on the rung; None: it must be shown."""
    name = f"{request.node.path.name}::{request.node.originalname}"
    said = [e["says"] for e in LIST if e.get("test") == name and rung in e["rungs"]]
    return said[0] if said else None
