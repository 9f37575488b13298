"""What a record may be."""
import random

import pytest

import exchange
import raw
from clients import ClientError, Record
from clients.base import INVALID_TIMESTAMP


@pytest.mark.feature("null keys")
def test_a_record_without_a_key_has_none(client, clients, topic):
    exchange.both_ways(client, clients, topic, [Record(b"a"), Record(b"b", b"k"), Record(b"c")])


@pytest.mark.feature("tombstones")
def test_a_null_value_is_not_an_empty_one(client, clients, topic):
    exchange.both_ways(client, clients, topic, [Record(None, b"k"), Record(b"", b"k")])


@pytest.mark.feature("keys and values of any bytes")
def test_keys_and_values_are_bytes(client, clients, topic):
    every = bytes(range(256))
    exchange.both_ways(client, clients, topic, [Record(every, every[::-1]), Record(b"\0", b"\n")])


@pytest.mark.feature("headers: several, repeated, empty")
def test_headers_keep_their_order_and_repetition(client, clients, topic):
    headers = (("b", b"1"), ("a", b"2"), ("b", b"3"), ("empty", b""))
    exchange.both_ways(client, clients, topic, [Record(b"v", b"k", headers), Record(b"w")])


NULL_HEADER = [Record(b"v", b"k", (("null", None), ("empty", b"")))]


@pytest.mark.feature("null headers, sent")
def test_null_headers_are_sent(client, clients, topic):
    client.produce(topic, NULL_HEADER)
    exchange.check(clients["aiokafka"].consume(topic, 0, 0, 1), NULL_HEADER)


@pytest.mark.feature("null headers, read")
def test_null_headers_are_read(client, clients, topic):
    clients["confluent-kafka"].produce(topic, NULL_HEADER)
    exchange.check(client.consume(topic, 0, 0, 1), NULL_HEADER)


@pytest.mark.feature("headers of any bytes")
def test_headers_are_bytes(client, clients, topic):
    headers = (("bytes", bytes(range(256))), ("naïve ☃", b"\xff"))
    exchange.both_ways(client, clients, topic, [Record(b"v", b"k", headers)])


@pytest.mark.feature("timestamps of the producer's")
def test_timestamps_are_the_producers(client, clients, topic):
    times = [1_357_035_300_000, 1_000, 1_357_035_299_999, 1_577_836_800_000]
    records = [Record(b"v", timestamp=time) for time in times]
    exchange.both_ways(client, clients, topic, records)
    assert client.timestamp_types(topic, 0, 0, 3) == ["create"] * 3


@pytest.mark.feature("a timestamp far ahead: INVALID_TIMESTAMP (32)")
def test_a_timestamp_far_ahead_is_refused(client, topic):
    with pytest.raises(ClientError) as refusal:
        client.produce(topic, [Record(b"v", timestamp=4_102_444_800_000)])
    assert refusal.value.code == INVALID_TIMESTAMP


@pytest.mark.feature("append-time topics")
def test_an_append_time_topic_has_the_brokers_time(client, clients, name):
    configs = {"message.timestamp.type": "LogAppendTime"}
    clients["confluent-kafka"].create_topics([name], configs=configs)
    old = Record(b"old", timestamp=1_000)
    clients["confluent-kafka"].produce(name, [old])
    client.produce(name, [Record(b"new")])
    received = client.consume(name, 0, 0, 2)
    # 2020 is long past, and the record's own time is in 1970.
    assert all(record.timestamp > 1_577_836_800_000 for record in received)
    assert received[0].timestamp <= received[1].timestamp
    assert client.timestamp_types(name, 0, 0, 2) == ["append", "append"]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.feature("compression: {compression}")
def test_compression_is_the_producers(client, clients, topic, compression):
    records = [Record(b"compressible " * 40, b"key %d" % index) for index in range(300)]
    exchange.both_ways(client, clients, topic, records, compression=compression)
    with raw.RawConnection(client.address) as connection:
        error, data = connection.fetch(topic, 0, 0)
    assert error == 0
    # kafka-python and librdkafka leave a batch alone that compression would not make smaller.
    assert {raw.codec(batch) for _, _, batch in raw.whole_batches(data)} == {compression}


@pytest.mark.parametrize("size", [1, 1_000, 100_000, 1_000_000, 10_000_000])
@pytest.mark.feature("values of {size} B")
def test_records_of_any_size(client, clients, topic, size):
    records = [Record(random.Random(size).randbytes(size), b"k"), Record(b"behind it")]
    exchange.both_ways(client, clients, topic, records)


@pytest.mark.feature("a batch of thousands of records")
def test_many_small_records(client, clients, topic):
    exchange.both_ways(client, clients, topic, [Record(b"%d" % index) for index in range(10_000)])
