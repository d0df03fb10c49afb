# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The sample tools on the running kernel, with what the truth tests use to run and read iosonde."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "truth"))
pytest.register_assert_rewrite("tracer")

from host import ROOT, Host  # noqa: E402


class Samples(Host):
    """Runs the samples' own program wherever a test says iosonde."""

    def __init__(self):
        super().__init__()
        self.build = Path(os.environ.get("IOSONDE_BUILD", ROOT / "build")).resolve()
        self.iosonde = str(self.build / "tests/sample/iosonde-sample")
        if not os.access(self.iosonde, os.X_OK):
            raise FileNotFoundError(f"{self.iosonde} is not built")


@pytest.fixture(scope="session")
def host():
    place = Samples()
    yield place
    place.close()


@pytest.fixture
def tmp(host):
    return host.tmpdir()
