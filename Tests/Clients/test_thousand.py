"""A thousand topics."""
import pytest

import exchange
from clients import CLIENTS, Record
from server import Server

COUNT = 1_000
# Topics in one request: each of them is files made durable, and a request has a time limit.
AT_ONCE = 100
# The tests share a server, and so a process.
pytestmark = pytest.mark.xdist_group("roomy")


@pytest.fixture(scope="module")
def roomy():
    """(server, names): a server of these tests' own, its topics made by the three that can."""
    server = Server()
    try:
        server.start()
        makers = [
            client(server.address) for name, client in CLIENTS.items() if name != "kcat"
        ]
        names = [f"many-{number}" for number in range(COUNT)]
        for turn, start in enumerate(range(0, COUNT, AT_ONCE)):
            makers[turn % len(makers)].create_topics(names[start:start + AT_ONCE])
        yield server, names
        server.stop()
    finally:
        server.remove()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.feature("1,000 topics")
@pytest.mark.seconds(300)
def test_a_thousand_topics(client, roomy):
    server, names = roomy
    client = CLIENTS[client](server.address)
    assert set(names) <= client.topics()
    # Another three for each client, so that each finds its own record alone.
    for place in range(list(CLIENTS).index(client.name), COUNT, COUNT // 2 - 4):
        record = Record(names[place].encode())
        client.produce(names[place], [record])
        exchange.check(client.consume(names[place], 0, 0, 1), [record])


@pytest.mark.seconds(300)
def test_a_record_into_each_of_hundreds_of_topics(roomy):
    server, names = roomy
    client = CLIENTS["confluent-kafka"](server.address)
    # Behind what the clients above have written.
    values = {name: name.encode() for name in names[4:496]}
    client.produce_each(values)
    assert client.consume_each(values) == values
