"""Consumers: from where, until when, and what they may not."""
import concurrent.futures
import random
import time

import pytest

import exchange
from clients import CLIENTS, ClientError, Record
from clients.base import OFFSET_OUT_OF_RANGE


@pytest.fixture(scope="module")
def hundreds(session_server):
    """(topic, records): 900 in batches of 1 to 100, timestamps 10 ms apart."""
    writer = CLIENTS["confluent-kafka"](session_server.address)
    writer.create_topics(["hundreds"])
    records = [Record(b"%d" % n, b"k", timestamp=1_000_000 + 10 * n) for n in range(900)]
    start = 0
    for size in [1, 2, 97, 100, 100, 300, 300]:
        writer.produce("hundreds", records[start:start + size])
        start += size
    return "hundreds", records


@pytest.mark.feature("reads from any offset")
def test_reads_from_any_offset(client, hundreds):
    topic, records = hundreds
    choices = random.Random(1)
    for offset in [0, 1, 2, 3, 899, *choices.sample(range(900), 3)]:
        count = min(20, 900 - offset)
        received = client.consume(topic, 0, offset, count)
        exchange.check(received, records[offset:offset + count], first=offset)


@pytest.mark.feature("first and next offset")
def test_the_bounds_of_a_partition(client, hundreds):
    assert tuple(client.bounds(hundreds[0], 0)) == (0, 900)


@pytest.mark.feature("offsets by timestamp")
def test_offsets_by_timestamp(client, hundreds):
    topic, _ = hundreds
    asked = {0: 0, 1_000_000: 0, 1_000_001: 1, 1_004_440: 444, 1_008_990: 899, 1_008_991: None}
    assert {time: client.offset_at(topic, 0, time) for time in asked} == asked


@pytest.mark.feature("an offset that is not there: OFFSET_OUT_OF_RANGE (1)")
def test_an_offset_out_of_range(client, hundreds):
    with pytest.raises(ClientError) as refusal:
        client.consume(hundreds[0], 0, 5_000, 1)
    assert refusal.value.code == OFFSET_OUT_OF_RANGE


@pytest.mark.feature("waits at the end for what comes")
def test_a_consumer_waits_at_the_end(client, clients, topic):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.consume, topic, 0, 0, 1)
        time.sleep(1.5)
        assert not waiting.done()
        exchange.partner(client, clients).produce(topic, [Record(b"late")])
        exchange.check(waiting.result(timeout=30), [Record(b"late")])


@pytest.mark.feature("isolation read_committed")
def test_read_committed(client, hundreds):
    topic, records = hundreds
    received = client.consume(topic, 0, 0, 900, isolation="read_committed")
    exchange.check(received, records)
