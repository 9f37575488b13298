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
FILTERED = pytest.StashKey[bool]()


def pytest_addoption(parser):
    parser.addoption("--table", metavar="FILE", help="write the table into this file")


def pytest_configure(config):
    config.addinivalue_line("markers", "feature(name): the table's row; {parameters} are filled in")
    config.addinivalue_line("markers", "seconds(n): the test's time limit")
    config.stash[TABLE] = Table()
    config.stash[FILTERED] = False


def pytest_deselected(items):
    for item in items[:1]:
        item.config.stash[FILTERED] = True


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
        feature = marker.args[0].format(**parameters.params)
        table = item.config.stash[TABLE]
        client = parameters.params["client"]
        if report.skipped:
            reason = str(call.excinfo.value)
            lacks = reason.startswith("lacks: ")
            table.add(
                feature, client, "lacks" if lacks else "skipped", reason.removeprefix("lacks: ")
            )
        elif report.failed:
            table.add(feature, client, "failed")
        elif report.when == "call":
            table.add(feature, client, "passed")
    if report.failed and "server" in item.funcargs:
        report.sections.append(("the server's log", item.funcargs["server"].log_tail()))
    return report


def pytest_sessionfinish(session, exitstatus):
    path = session.config.getoption("--table")
    whole = exitstatus in (0, 1) and not session.config.stash[FILTERED] and session.testscollected
    if path and whole and not session.shouldstop:
        session.config.stash[TABLE].write(path)


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

    def make(settings=None):
        servers.append(Server(settings))
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
