# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Truth tests: experiments whose outcome is known in advance.

They run on the running kernel or, with --kernel, in a guest of the test machine. A check that can't
run somewhere is named in skips.toml with its reason; any other skip fails the run.
"""

import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("tracer")

from host import ROOT, Host  # noqa: E402

KERNELS = ("running", "5.10", "6.1", "6.12", "sid")
SKIPS = Path(__file__).with_name("skips.toml")


def pytest_addoption(parser):
    parser.addoption(
        "--kernel", default="running", choices=KERNELS, help="where to run the truth tests"
    )
    parser.addoption("--build", default=None, help="build directory (default: build)")


def load_skips(kernel):
    entries = tomllib.loads(SKIPS.read_text()).get("skip", [])
    for entry in entries:
        if set(entry) != {"test", "kernel", "reason"} or not entry["reason"].strip():
            raise pytest.UsageError(f"skips.toml: not a test, kernel and reason: {entry}")
        if entry["kernel"] not in KERNELS:
            raise pytest.UsageError(f"skips.toml: no such kernel: {entry}")
    return {e["test"]: e["reason"] for e in entries if e["kernel"] == kernel}


def short_id(item_or_id):
    """test_x.py::test_y[z], wherever pytest was started."""
    path, _, name = getattr(item_or_id, "nodeid", item_or_id).partition("::")
    return f"{Path(path).name}::{name}"


def pytest_configure(config):
    config.known_skips = load_skips(config.getoption("--kernel"))
    config.wrong_skips = []


def pytest_collection_modifyitems(config, items):
    here = [i for i in items if Path(i.path).parent == Path(__file__).parent]
    ids = {short_id(i) for i in here}
    files = {i.split("::")[0] for i in ids}
    whole = not config.getoption("keyword") and not any("::" in a for a in config.args)
    for test, reason in config.known_skips.items():
        if whole and test.split("::")[0] in files and test not in ids:
            raise pytest.UsageError(f"skips.toml names a test that is not there: {test}")
    for item in here:
        reason = config.known_skips.get(short_id(item))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    excused = getattr(report, "wasxfail", None) is not None or report.skipped
    if excused and short_id(item) not in item.config.known_skips:
        report.outcome = "failed"
        report.longrepr = f"skipped without an entry in skips.toml: {report.longrepr}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
        item.config.wrong_skips.append(short_id(item))


def pytest_terminal_summary(terminalreporter, config):
    for report in terminalreporter.stats.get("skipped", []):
        reason = config.known_skips.get(short_id(report.nodeid))
        if reason:
            terminalreporter.write_line(f"skipped: {short_id(report.nodeid)}: {reason}")


def pytest_sessionfinish(session, exitstatus):
    # Belt and braces: a whole module skipped at import never reaches makereport.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for report in reporter.stats.get("skipped", []) if reporter else []:
        if short_id(report.nodeid) not in session.config.known_skips:
            session.config.wrong_skips.append(report.nodeid)
    if session.config.wrong_skips and exitstatus == 0:
        session.exitstatus = 1


@pytest.fixture(scope="session")
def host(request):
    kernel = request.config.getoption("--kernel")
    if kernel == "running":
        place = Host(request.config.getoption("--build"))
        yield place
        place.close()
        return
    sys.path.insert(0, str(ROOT))
    from tests.machine import machine

    with machine.Machine(kernel) as place:
        yield place


@pytest.fixture
def tmp(host):
    return host.tmpdir()


@pytest.fixture(scope="module")
def module_tmp(host):
    return host.tmpdir()
