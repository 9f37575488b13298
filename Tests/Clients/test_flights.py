"""Real events, produced by each client and consumed by each."""
import pytest

import exchange
import flights
from clients import CLIENTS


@pytest.fixture(scope="session")
def produced(request, session_server):
    """(topic, records by partition) of one producer."""
    producer = CLIENTS[request.param](session_server.address)
    topic = f"flights-{producer.name}"
    CLIENTS["confluent-kafka"](session_server.address).create_topics([topic], flights.PARTITIONS)
    records = flights.records()
    if producer.name == "kcat":
        records = exchange.without_timestamps(flights.grouped())
    producer.produce(topic, records)
    return topic, [
        [record for record in records if record.partition == partition]
        for partition in range(flights.PARTITIONS)
    ]


@pytest.mark.parametrize("produced", CLIENTS, indirect=True)
@pytest.mark.feature("flights produced by {produced}, consumed in order")
def test_flights_arrive_whole_and_in_order(produced, client):
    topic, partitions = produced
    for partition, records in enumerate(partitions):
        assert records
        exchange.check(client.consume(topic, partition, 0, len(records)), records)
