"""What is stored: the same bytes by every backend and way out, and the same after a restart."""
import struct

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

import exchange
import flights
import raw
from clients import CLIENTS, ClientError, Record
from program import BACKENDS, OPTIONAL, TRANSFERS

ZERO_ID = "00000000-0000-0000-0000-000000000000"


def batches():
    """Some hundred batches of 1 to 50 flights, and their counts: a record batch each."""
    events = flights.records()[:4_000]
    start = 0
    while start < len(events):
        count = 1 + start % 50
        builder = DefaultRecordBatchBuilder(
            magic=2, compression_type=0, is_transactional=False, producer_id=-1,
            producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
        )
        part = events[start:start + count]
        for index, event in enumerate(part):
            builder.append(
                index, timestamp=event.timestamp, key=event.key, value=event.value,
                headers=list(event.headers),
            )
        yield len(part), bytes(builder.build())
        start += len(part)


def stored(batch, offset):
    """A batch as the broker gives it out: with its offset and its leader's epoch, neither of
    which the CRC covers. The epoch is the broker's affair, so it is zero here."""
    return struct.pack(">q", offset) + batch[8:12] + bytes(4) + batch[16:]


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_and_way_out_gives_the_bytes_that_came_in(server, clients, backend, transfer):
    name = f"bytes-{backend}-{transfer}"
    configs = {
        "varve.backend": backend, "varve.transfer": transfer, "segment.bytes": "262144",
    }
    try:
        clients["confluent-kafka"].create_topics([name], configs=configs)
    except ClientError as error:
        if backend in OPTIONAL:
            pytest.skip(f"this system has no {backend}: {error}")
        raise
    expected = []
    with raw.RawConnection(server.address) as connection:
        offset = 0
        for count, batch in batches():
            assert connection.produce(name, 0, batch) == (0, offset)
            expected.append(stored(batch, offset))
            offset += count
        received = []
        position = 0
        # An odd limit ends answers in the middle of batches.
        while position < offset:
            error, data = connection.fetch(name, 0, position, max_bytes=77_777)
            whole = raw.whole_batches(data)
            assert error == 0 and whole, f"error {error} at {position}"
            received += [stored(batch, first) for first, _, batch in whole]
            position = whole[-1][0] + whole[-1][1]
    assert len(received) == len(expected)
    assert all(got == sent for got, sent in zip(received, expected)), "bytes differ"


def test_a_restart_keeps_everything(own_server):
    server = own_server()
    before = CLIENTS["kafka-python"](server.address)
    configs = {"segment.bytes": "1048576", "retention.ms": "-1"}
    before.create_topics(["kept"], partitions=flights.PARTITIONS, configs=configs)
    records = flights.records()
    CLIENTS["confluent-kafka"](server.address).produce("kept", records)
    by_partition = [
        [record for record in records if record.partition == partition]
        for partition in range(flights.PARTITIONS)
    ]
    topic_id, cluster = before.topic_id("kept"), before.cluster()["cluster_id"]
    settings = before.topic_configs("kept")
    server.stop()
    server.verify()

    server.start()
    after = CLIENTS["kafka-python"](server.address)
    assert after.topics() == {"kept"}
    assert after.topic_configs("kept") == settings
    assert after.topic_id("kept") == topic_id
    assert after.cluster()["cluster_id"] == cluster
    reader = CLIENTS["confluent-kafka"](server.address)
    for partition, sent in enumerate(by_partition):
        assert tuple(after.bounds("kept", partition)) == (0, len(sent))
        exchange.check(reader.consume("kept", partition, 0, len(sent)), sent)
        more = [Record(b"after the restart", partition=partition)]
        reader.produce("kept", more)
        exchange.check(after.consume("kept", partition, len(sent), 1), more, first=len(sent))
    server.stop()
    server.verify()


def test_a_deleted_topic_of_the_same_name_gets_another_id(clients, topic):
    first = clients["kafka-python"].topic_id(topic)
    if first in (None, ZERO_ID):
        pytest.skip("the broker's Metadata tells no topic ids")
    clients["kafka-python"].delete_topics([topic])
    clients["kafka-python"].create_topics([topic])
    assert clients["kafka-python"].topic_id(topic) not in (first, None, ZERO_ID)
