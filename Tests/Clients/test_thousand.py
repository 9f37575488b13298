"""A thousand topics."""
import pytest

import exchange
from clients import CLIENTS, Record
from server import Server

COUNT = 1_000


@pytest.fixture(scope="module")
def roomy():
    """A server of these tests' own: a thousand topics more would slow the others' listings."""
    server = Server()
    try:
        yield server.start()
        server.stop()
    finally:
        server.remove()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.feature("1,000 topics")
@pytest.mark.seconds(120)
def test_a_thousand_topics(client, roomy):
    client = CLIENTS[client](roomy.address)
    # kcat has no administration: somebody else makes them for it.
    maker = CLIENTS["confluent-kafka"](roomy.address) if client.name == "kcat" else client
    names = [f"{client.name}-{number}" for number in range(COUNT)]
    maker.create_topics(names)
    try:
        assert set(names) <= client.topics()
        for name in (names[0], names[COUNT // 2], names[-1]):
            client.produce(name, [Record(name.encode())])
            exchange.check(client.consume(name, 0, 0, 1), [Record(name.encode())])
        if client.name == "confluent-kafka":
            empty = names[1:COUNT // 2] + names[COUNT // 2 + 1:-1]
            values = {name: name.encode() for name in empty}
            client.produce_each(values)
            assert client.consume_each(values) == values
    finally:
        maker.delete_topics(names)
    assert not set(names) & client.topics()
