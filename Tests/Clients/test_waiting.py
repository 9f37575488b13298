"""Fetches that wait for much: each is answered when it has enough, whatever else is appended meanwhile."""
import pytest

import frames
from frames import Frames

MIB = 1 << 20
WAIT = 120_000
BATCH = frames.batch(bytes(900_000))


@pytest.fixture
def topics(own_server):
    """A connection to a server with three topics of one partition each, and one that waits for nothing of them."""
    server = own_server({"varve.metrics.listen": "127.0.0.1:0"})
    with Frames(server.address) as producer:
        for topic in "a", "b", "other":
            producer.send(frames.metadata(topic))
            producer.answer()
        yield server, producer


def append(producer, topic, count=1):
    for _ in range(count):
        assert producer.produce(topic, 0, BATCH)[0] == 0


@pytest.mark.parametrize("there_before", [0, 1])
def test_a_fetch_that_lacks_megabytes_is_answered_when_it_has_enough_and_not_before(topics, there_before):
    server, producer = topics
    append(producer, "a", there_before)
    with Frames(server.address) as reader:
        reader.send(frames.fetch_all(["a", "b"], wait=WAIT, min_bytes=5 * len(BATCH)))
        producer.send(frames.metadata("a"))
        producer.answer()
        append(producer, "other", 12)
        append(producer, "a", 2 - there_before)
        append(producer, "b", 2)
        append(producer, "other", 12)
        assert not reader.is_answered()
        append(producer, "b")
        _, body = reader.answer()
        assert len(body) >= 5 * len(BATCH)


def test_one_that_waits_beside_it_for_less_is_answered_first(topics):
    server, producer = topics
    with Frames(server.address) as patient, Frames(server.address) as other:
        patient.send(frames.fetch_all(["a", "b"], wait=WAIT, min_bytes=3 * len(BATCH)))
        other.send(frames.fetch_all(["b", "a"], wait=WAIT, min_bytes=1))
        append(producer, "a")
        other.answer()
        append(producer, "a")
        assert not patient.is_answered()
        append(producer, "b")
        assert len(patient.answer()[1]) >= 3 * len(BATCH)


def test_it_is_answered_where_its_topic_is_deleted(topics):
    server, producer = topics
    with Frames(server.address) as reader:
        reader.send(frames.fetch_all(["a", "b"], wait=WAIT, min_bytes=100 * MIB))
        append(producer, "a")
        producer.send(frames.delete_topics("b"))
        producer.answer()
        reader.answer()


def test_it_is_answered_where_a_log_goes_on_in_another_segment(own_server):
    server = own_server()
    with Frames(server.address) as producer, Frames(server.address) as reader:
        producer.send(frames.create_topic("a", {"segment.bytes": str(2 * MIB)}))
        producer.answer()
        append(producer, "a")
        reader.send(frames.fetch_all(["a"], wait=WAIT, min_bytes=100 * MIB))
        # The second fits; the third begins a segment.
        append(producer, "a", 2)
        assert len(reader.answer()[1]) >= 2 * len(BATCH)
