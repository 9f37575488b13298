"""What the client tests share: servers, clients, the flights, time limits, and the table."""
import faulthandler
import itertools
import signal

import pytest

import flights as flight_data
from clients import CLIENTS, Lacks
from server import Server
from table import Table

SECONDS = 180
TABLE = pytest.StashKey[Table]()
ORDER = pytest.StashKey[int]()


def pytest_addoption(parser):
    parser.addoption("--table", metavar="FILE", help="write the table into this file")


def pytest_configure(config):
    config.addinivalue_line("markers", "feature(name): the table's row; {parameters} are filled in")
    config.addinivalue_line("markers", "seconds(n): the test's time limit")
    config.addinivalue_line("markers", "alone: measures how long somebody waits; nothing runs beside")
    config.stash[TABLE] = Table()
    config.pluginmanager.register(TableKeeper(config.stash[TABLE]))


def pytest_collection_modifyitems(items):
    for place, item in enumerate(items):
        item.stash[ORDER] = place


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Nothing hangs: a test that takes too long fails, and where Python cannot end it, the run."""
    marker = item.get_closest_marker("seconds")
    seconds = marker.args[0] if marker else SECONDS
    # A larger file of events takes longer.
    seconds = round(seconds * max(1, flight_data.size() / 27_000))

    def too_late(*_):
        raise TimeoutError(f"the test took more than {seconds} seconds")

    faulthandler.dump_traceback_later(seconds + 60, exit=True)
    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


class TableKeeper:
    """Fills the table where results arrive: in the controller when tests run in several processes."""

    def __init__(self, table):
        self.table = table

    def pytest_runtest_logreport(self, report):
        for name, entry in report.user_properties:
            if name == "table":
                self.table.add(*entry)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except Lacks as reason:
        pytest.skip(f"lacks: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marker = item.get_closest_marker("feature")
    parameters = getattr(item, "callspec", None)
    if marker and parameters and "client" in parameters.params:
        outcome, note = outcome_of(report, call)
        if outcome:
            feature = marker.args[0].format(**parameters.params)
            entry = feature, parameters.params["client"], outcome, note, item.stash[ORDER]
            # User properties travel from the process that ran the test to the one that reports.
            report.user_properties.append(("table", entry))
    if report.failed and "server" in item.funcargs:
        report.sections.append(("the server's log", item.funcargs["server"].log_tail()))
    return report


def outcome_of(report, call):
    """("passed", "failed", "lacks", "skipped" or None, note)"""
    if report.skipped:
        reason = str(call.excinfo.value)
        lacks = reason.startswith("lacks: ")
        return "lacks" if lacks else "skipped", reason.removeprefix("lacks: ")
    if report.failed:
        return "failed", ""
    return ("passed" if report.when == "call" else None), ""


def pytest_sessionfinish(session, exitstatus):
    options = session.config.option
    is_worker = hasattr(session.config, "workerinput")
    # Those that run alone have no rows.
    is_whole = exitstatus in (0, 1) and not options.keyword and options.markexpr == "not alone"
    if options.table and is_whole and not is_worker and not session.shouldstop:
        session.config.stash[TABLE].write(options.table)


@pytest.fixture(scope="session")
def session_server():
    server = Server({
        "auto.create.topics.enable": "true", "num.partitions": 2, "message.max.bytes": 16_000_000,
    })
    try:
        yield server.start()
        server.stop()
        server.verify()
    finally:
        server.remove()


@pytest.fixture
def server(session_server):
    """The server that most tests share."""
    session_server.check()
    yield session_server
    session_server.check()


@pytest.fixture
def own_server():
    """Makes servers for this test alone: own_server(name=value, …) with dots in a dictionary."""
    servers = []

    def make(settings=None, prefix=()):
        servers.append(Server(settings, prefix=prefix))
        return servers[-1].start()

    yield make
    for server in servers:
        server.remove()


@pytest.fixture(params=CLIENTS)
def client(request, server):
    """Each client in turn, at the shared server."""
    return CLIENTS[request.param](server.address)


@pytest.fixture
def clients(server):
    """All of them by name, at the shared server."""
    return {name: client(server.address) for name, client in CLIENTS.items()}


_numbers = itertools.count(1)


@pytest.fixture
def name():
    """A topic's name that no other test has."""
    return f"topic-{next(_numbers)}"


@pytest.fixture
def topic(name, clients):
    """A topic of one partition."""
    clients["confluent-kafka"].create_topics([name])
    return name
