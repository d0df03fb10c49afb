# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Truth tests: experiments whose outcome is known in advance.

They run on the running kernel or, with --kernel, in guests of the test machine, each booted once.
The kernel ends every test's id. A check that can't run somewhere is named in skips.toml with its
reason, or with what a kernel may refuse; any other skip fails the run.
"""

import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("tracer")

from host import ROOT, Host, mounted_by  # noqa: E402

sys.path.insert(0, str(ROOT))

from guest import Guest  # noqa: E402
from refusals import refusal  # noqa: E402

from tests.machine.debian import DebianError  # noqa: E402
from tests.machine.kernels import KernelError  # noqa: E402
from tests.machine.machine import MachineDied  # noqa: E402

GUESTS = ("5.10", "6.1", "6.12", "sid")
KERNELS = ("running", *GUESTS)
# What the engine promises for all commands is tried on the oldest and the newest kernel, too.
ENDS = ("running", "5.10", "sid")
# The rungs that a kernel chooses by itself, and those it falls back to where it lacks these abilities
# (all at once: they are independent of each other), by the environment that hides them.
RUNGS = {"default": {}, "low": {"IOSONDE_WITHOUT": "task_storage,rdonly_cast,tp_btf_exact,fentry"}}
NO_LOWER_RUNGS = ("5.10",)  # it has fentry alone, and what is below that is run for other commands
SKIPS = Path(__file__).with_name("skips.toml")
MISSING = "the kernel could not be fetched, which --allow-missing-kernel allows"


def pytest_addoption(parser):
    parser.addoption(
        "--kernel",
        action="append",
        choices=KERNELS,
        help="where to run the truth tests (default: running); may be given several times",
    )
    parser.addoption(
        "--rungs",
        choices=("all", "default"),
        default="all",
        help="default: only what the kernel chooses by itself, no fall-backs that it doesn't need",
    )
    parser.addoption(
        "--enough",
        action="store_true",
        help="each module on the kernels that its ENOUGH_ON names: another one would show the same",
    )
    parser.addoption("--build", default=None, help="build directory (default: build)")
    parser.addoption(
        "--allow-missing-kernel",
        action="store_true",
        help="skip the tests of a kernel that could not be fetched, instead of failing them",
    )


def load_skips():
    """{(test, kernel): reason}"""
    entries = tomllib.loads(SKIPS.read_text()).get("skip", [])
    skips = {}
    for entry in entries:
        if set(entry) != {"test", "kernels", "reason"} or not entry["reason"].strip():
            raise pytest.UsageError(f"skips.toml: not a test, kernels and reason: {entry}")
        for kernel in entry["kernels"]:
            if kernel not in KERNELS:
                raise pytest.UsageError(f"skips.toml: no such kernel: {entry}")
            skips[entry["test"], kernel] = entry["reason"]
    return skips


def load_refusals():
    """[{what, tried, tests, parts}]"""
    entries = tomllib.loads(SKIPS.read_text()).get("refused", [])
    for entry in entries:
        if set(entry) != {"what", "tried", "tests", "parts"} or not entry["tests"]:
            raise pytest.UsageError(f"skips.toml: not what, tried, tests and parts: {entry}")
    return entries


def kernel_of(item):
    call = getattr(item, "callspec", None)
    return call.params.get("host") if call else None


def short_id(item):
    """test_x.py::test_y[z], wherever pytest was started, without the kernel."""
    path, _, name = item.nodeid.partition("::")
    kernel = kernel_of(item)
    if kernel:
        name = name.removesuffix(f"[{kernel}]")
        if name.endswith(f"-{kernel}]"):
            name = name.removesuffix(f"-{kernel}]") + "]"
    return f"{Path(path).name}::{name}"


def pytest_configure(config):
    config.addinivalue_line("markers", "only_on(kernel, ...): where the test has something to show")
    config.addinivalue_line("markers", "enough_on(kernel, ...): ENOUGH_ON of a test")
    config.known_skips = load_skips()
    config.refusals = load_refusals()
    config.refused_here = {}
    config.wrong_skips = []


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    """The kernel comes last, so that it ends the id. Guests where a module or a test wants only those."""
    if "host" not in metafunc.fixturenames:
        return
    kernels = metafunc.config.getoption("--kernel") or ["running"]
    marker = metafunc.definition.get_closest_marker("only_on")
    where = marker.args if marker else getattr(metafunc.module, "ONLY_ON", KERNELS)
    metafunc.parametrize("host", [k for k in kernels if k in where], indirect=True, scope="session")


def enough(item):
    """Is it to be run there, where each truth is run on the kernels that decide it, and no others?"""
    kernel = kernel_of(item)
    if kernel is None:  # about no kernel at all
        return "running" in (item.config.getoption("--kernel") or ["running"])
    marker = item.get_closest_marker("enough_on")
    return kernel in (marker.args if marker else getattr(item.module, "ENOUGH_ON", KERNELS))


def pointless(item):
    """The same experiment as another one, or none at all where no kernel was left for it.

    A module with rungs of its own has the fixture "ladder", and says in LADDERS which of its values
    each kernel offers.
    """
    params = getattr(item, "callspec", None) and item.callspec.params or {}
    if params.get("rung") == "low" and (
        kernel_of(item) in NO_LOWER_RUNGS or item.config.getoption("--rungs") == "default"
    ):
        return True
    if item.config.getoption("--enough") and not enough(item):
        return True
    lacking = getattr(item.module, "lacking", None)  # a module's own parameters
    if lacking and lacking(params, kernel_of(item)):
        return True
    ladder = getattr(item.module, "LADDERS", None)
    if ladder and "ladder" in params and params["ladder"] not in ladder[kernel_of(item)]:
        return True
    return "host" in item.fixturenames and kernel_of(item) not in KERNELS


def check_skips_exist(config, mine, here):
    """A skip of a test that isn't there any more would hide the next one of its name."""
    if config.getoption("keyword") or any("::" in a for a in config.args):
        return
    there = {(short_id(i), kernel_of(i)) for i in here}
    files = {test.split("::")[0] for test, _ in there}
    kernels = {kernel for _, kernel in there}
    lower = config.getoption("--rungs") != "default"
    for test, kernel in config.known_skips:
        if not lower and ("[low-" in test or "[low]" in test):
            continue
        if kernel in kernels and test.split("::")[0] in files and (test, kernel) not in there:
            raise pytest.UsageError(f"skips.toml names a test that is not there: {test}, {kernel}")
    functions = {short_id(i).split("[")[0] for i in mine}
    for test in (t for entry in config.refusals for t in entry["tests"]):
        if test.split("::")[0] in files and test not in functions:
            raise pytest.UsageError(f"skips.toml names a test that is not there: {test}")


def pytest_collection_modifyitems(config, items):
    mine = [i for i in items if Path(i.path).parent == Path(__file__).parent]
    left_out = [i for i in mine if pointless(i)]
    here = [i for i in mine if i not in left_out]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if i not in left_out]
    check_skips_exist(config, mine, here)
    for item in here:
        reason = config.known_skips.get((short_id(item), kernel_of(item)))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def is_known_skip(item, report):
    if getattr(item, "refused", None) or (short_id(item), kernel_of(item)) in item.config.known_skips:
        return True
    return item.config.getoption("--allow-missing-kernel") and MISSING in str(report.longrepr)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    excused = getattr(report, "wasxfail", None) is not None or report.skipped
    if excused and is_known_skip(item, report):
        report.expected_skip = True
    elif excused:
        report.outcome = "failed"
        report.longrepr = f"skipped without an entry in skips.toml: {report.longrepr}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
        item.config.wrong_skips.append(item.nodeid)


def pytest_sessionfinish(session, exitstatus):
    # Belt and braces: a whole module skipped at import never reaches makereport.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for report in reporter.stats.get("skipped", []) if reporter else []:
        if not getattr(report, "expected_skip", False):
            session.config.wrong_skips.append(report.nodeid)
    if session.config.wrong_skips and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter, config):
    """What a kernel has refused is said aloud, also of truths of which only a part is left out."""
    for (kernel, what), (why, entry) in config.refused_here.items():
        terminalreporter.write_line(
            f"{kernel}: {what} is refused: {entry['tried']}; {why}. Left out: the truths about it, "
            f"and its steps in {', '.join(entry['parts'])}"
        )


def make_guest(config, kernel):
    try:
        return Guest(kernel, config.getoption("--build"))
    except (DebianError, KernelError) as error:
        if config.getoption("--allow-missing-kernel"):
            pytest.skip(f"{MISSING}: {error}")
        raise


@pytest.fixture(scope="session")
def host(request):
    if request.param == "running":
        before = mounted_by(1)
        place = Host(request.config.getoption("--build"))
        yield place
        place.close()
        assert mounted_by(1) == before, "the machine's mounts are not as they were found"
        return
    with make_guest(request.config, request.param) as place:
        yield place


@pytest.fixture(autouse=True)
def alive(request):
    """A guest that has died fails the test it died in, and the later ones at once."""
    place = request.getfixturevalue("host") if "host" in request.fixturenames else None
    try:
        if place and place.emulated:
            place.check(ask=False)
    except MachineDied as died:
        pytest.fail(f"the guest had died before: {str(died).splitlines()[0]}", pytrace=False)
    yield
    if place and place.emulated:
        place.check(ask=False)


@pytest.fixture(autouse=True)
def offered(request, alive):
    """Skips a test that is about what this very kernel refuses, as skips.toml has it."""
    function = short_id(request.node).split("[")[0]
    for entry in request.config.refusals:
        if "host" not in request.fixturenames or function not in entry["tests"]:
            continue
        host = request.getfixturevalue("host")
        why = refusal(host, entry["what"])
        if why:
            request.config.refused_here[host.name, entry["what"]] = (why, entry)
            request.node.refused = why
            pytest.skip(f"refused here: {entry['tried']}; {why}")


@pytest.fixture
def tmp(host):
    path = host.tmpdir()
    yield path
    host.remove(path)


@pytest.fixture(scope="module")
def module_tmp(host):
    path = host.tmpdir()
    yield path
    host.remove(path)


@pytest.fixture(scope="module", params=RUNGS)
def rung(host, request):
    """The module's tests run with the hooks and helpers that the kernel offers, and with the fall-backs."""
    host.environment = RUNGS[request.param]
    yield request.param
    host.environment = {}


@pytest.fixture
def by_calls(host, rung):
    """On 5.10: what counts file I/O there, without functions of the VFS that help it."""
    usual = host.environment
    host.environment = {**usual, "IOSONDE_WITHOUT": "fileio_return_rest"}
    yield
    host.environment = usual
