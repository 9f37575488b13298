"""Records from one client to another, compared."""
import dataclasses


def without_timestamps(records):
    return [dataclasses.replace(record, timestamp=None) for record in records]


def check(received, records, *, first=0):
    """What came is what was sent: offsets, keys, values, headers, and timestamps that were given.

    The message of a mismatch is short: a difference of megabytes helps nobody.
    """
    assert len(received) == len(records), f"{len(received)} of {len(records)} records came"
    for index, (got, sent) in enumerate(zip(received, records)):
        where = f"record {index}"
        assert got.offset == first + index, f"{where} has offset {got.offset}"
        assert got.key == sent.key, f"{where}: key {got.key!r:.100}, sent {sent.key!r:.100}"
        assert got.headers == sent.headers, f"{where}: {got.headers!r:.300}, {sent.headers!r:.300}"
        if sent.timestamp is not None:
            assert got.timestamp == sent.timestamp, f"{where}: {got.timestamp}, {sent.timestamp}"
        if got.value != sent.value:
            raise AssertionError(f"{where}: value {got.value!r:.100}, sent {sent.value!r:.100}")


def partner(client, clients):
    """Another client, that has every feature."""
    other = "kafka-python" if client.name == "confluent-kafka" else "confluent-kafka"
    return clients[other]


def both_ways(client, clients, topic, records, **options):
    """The client's records reach another one, and another one's reach the client."""
    other = partner(client, clients)
    client.produce(topic, records, **options)
    check(other.consume(topic, 0, 0, len(records)), records)
    other.produce(topic, records, **options)
    check(client.consume(topic, 0, len(records), len(records)), records, first=len(records))
