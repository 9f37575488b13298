"""Producers: acknowledgement, and refusal."""
import pytest

import exchange
from clients import ClientError, Record
from clients.base import MESSAGE_TOO_LARGE


@pytest.mark.parametrize("acks", [0, 1, "all"])
@pytest.mark.feature("acks={acks}")
def test_acks(client, clients, topic, acks):
    records = [Record(b"%d" % index, b"k") for index in range(100)]
    client.produce(topic, records, acks=acks)
    exchange.check(clients["kafka-python"].consume(topic, 0, 0, 100), records)


@pytest.mark.feature("idempotent producer")
def test_an_idempotent_producer(client, clients, topic):
    records = [Record(b"%d" % index, b"k") for index in range(2_000)]
    exchange.both_ways(client, clients, topic, records, idempotent=True)


@pytest.mark.feature("too large: MESSAGE_TOO_LARGE (10)")
def test_what_is_too_large_is_refused(client, clients, name):
    clients["confluent-kafka"].create_topics([name], configs={"max.message.bytes": "10000"})
    with pytest.raises(ClientError) as refusal:
        client.produce(name, [Record(b"x" * 20_000)])
    assert refusal.value.code == MESSAGE_TOO_LARGE
    client.produce(name, [Record(b"small")])
    exchange.check(client.consume(name, 0, 0, 1), [Record(b"small")])


@pytest.mark.feature("a topic made by producing into it")
def test_a_topic_is_made_by_producing(client, name):
    client.produce(name, [Record(b"first")])
    exchange.check(client.consume(name, 0, 0, 1), [Record(b"first")])
    assert client.partition_count(name) == 2, "num.partitions"
