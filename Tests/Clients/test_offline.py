"""A partition that cannot be opened is offline alone: everything else is served, and who asks is told."""
import struct
import urllib.error
import urllib.request

import pytest

import frames
from clients import CLIENTS
from frames import Frames

STORAGE_ERROR = 56


@pytest.fixture
def damaged(own_server):
    """A server with the topics `good` and `bad`, the latter of two partitions, the first damaged."""
    server = own_server({"varve.metrics.listen": "127.0.0.1:0"})
    with Frames(server.address) as client:
        for topic in "good", "bad":
            client.send(frames.create_topic(topic, {}, partitions=2))
            client.answer()
            for partition in 0, 1:
                for _ in range(2):
                    assert client.produce(topic, partition, frames.batch(bytes(100)))[0] == 0
    server.stop()
    segment = server.data / "bad-0" / f"{0:020}.log"
    rotten = bytearray(segment.read_bytes())
    rotten[150] ^= 1
    segment.write_bytes(rotten[:-1])
    server.start()
    yield server, segment, bytes(rotten[:-1])


def health(server):
    try:
        with urllib.request.urlopen(f"http://{server.metrics_address}/health", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_everything_else_is_served_and_who_asks_for_it_gets_the_storage_error(damaged):
    server, segment, before = damaged
    with Frames(server.address) as client:
        for topic, partition in ("good", 0), ("good", 1), ("bad", 1):
            assert client.produce(topic, partition, frames.batch(b"new")) == (0, 2)
            error, data = client.fetch(topic, partition, 0)
            assert error == 0 and b"new" in data
        assert client.produce("bad", 0, frames.batch(b"new"))[0] == STORAGE_ERROR
        assert client.fetch("bad", 0, 0)[0] == STORAGE_ERROR
        assert client.end_offset("bad", 0)[0] == STORAGE_ERROR
        client.send(frames.delete_records("bad", [1]))
        body = client.answer()[1]
        assert struct.unpack_from(">h", body, len(body) - 2)[0] == STORAGE_ERROR
        # One that is not there at all is another matter.
        assert client.produce("bad", 2, frames.batch(b"new"))[0] == 3
    assert segment.read_bytes() == before


def test_the_log_the_health_and_a_metric_name_it(damaged):
    server, segment, _ = damaged
    assert server.says("bad-0 is offline: ")
    assert server.says(str(segment))
    status, text = health(server)
    assert status == 503 and "bad-0" in text and "good" not in text
    assert server.metric("varve_partitions_offline") == 1
    with Frames(server.address) as client:
        client.send(frames.delete_topics("bad"))
        client.answer()
    assert health(server) == (200, "ok\n")
    assert server.metric("varve_partitions_offline") == 0


def test_it_is_offline_again_after_a_stop_and_a_kill_and_served_when_it_is_restored(damaged):
    server, segment, before = damaged
    server.stop()
    server.start()
    server.kill()
    server.start()
    assert segment.read_bytes() == before
    with Frames(server.address) as client:
        assert client.fetch("bad", 0, 0)[0] == STORAGE_ERROR
    server.stop()
    whole = (server.data / "bad-1" / segment.name).read_bytes()
    # What was appended to the other alike.
    segment.write_bytes(whole)
    server.start()
    with Frames(server.address) as client:
        assert client.produce("bad", 0, frames.batch(b"new")) == (0, 2)
    assert server.metric("varve_partitions_offline") == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_a_real_client_reads_what_is_not_offline(damaged, client):
    server, _, _ = damaged
    reader = CLIENTS[client](server.address)
    for topic, partition in ("good", 0), ("good", 1), ("bad", 1):
        assert len(reader.consume(topic, partition, 0, 2)) == 2


# A topic whose own file is damaged.


@pytest.fixture
def unread(own_server):
    """A server with the topics `good` and `bad`, the latter's own file damaged."""
    server = own_server({"varve.metrics.listen": "127.0.0.1:0"})
    with Frames(server.address) as client:
        for topic in "good", "bad":
            client.send(frames.create_topic(topic, {}, partitions=2))
            client.answer()
            for partition in 0, 1:
                assert client.produce(topic, partition, frames.batch(b"first"))[0] == 0
    server.stop()
    file = server.data / "topics/bad.properties"
    whole = file.read_bytes()
    file.write_bytes(b"")
    server.start()
    yield server, file, whole


def metadata_error(client, topic):
    """The topic's error in version 1, which asks for topics to be made."""
    client.send(frames.metadata(topic))
    body = client.answer()[1]
    return struct.unpack_from(">h", body, body.index(frames.name_of(topic)) - 2)[0]


def test_a_topic_whose_file_is_damaged_is_offline_alone_and_not_made_anew(unread):
    server, file, whole = unread
    assert server.says("topic 'bad' is offline") and server.says(str(file))
    status, text = health(server)
    assert status == 503 and "bad" in text and "good" not in text
    assert server.metric("varve_partitions_offline") == 2
    with Frames(server.address) as client:
        assert client.produce("good", 0, frames.batch(b"new")) == (0, 1)
        assert client.produce("bad", 0, frames.batch(b"new"))[0] == STORAGE_ERROR
        assert client.fetch("bad", 0, 0)[0] == STORAGE_ERROR
        assert metadata_error(client, "bad") == STORAGE_ERROR
        client.send(frames.create_topic("bad", {}))
        assert b"restore that file" in client.answer()[1].lower()
    assert file.read_bytes() == b""
    server.stop()
    file.write_bytes(whole)
    server.start()
    assert health(server) == (200, "ok\n")
    with Frames(server.address) as client:
        assert client.produce("bad", 0, frames.batch(b"new")) == (0, 1)


def test_a_topic_whose_file_is_damaged_can_be_deleted(unread):
    server, _, _ = unread
    with Frames(server.address) as client:
        client.send(frames.delete_topics("bad"))
        client.answer()
        assert health(server) == (200, "ok\n")
        assert server.metric("varve_partitions_offline") == 0
        client.send(frames.create_topic("bad", {}))
        client.answer()
        assert client.produce("bad", 0, frames.batch(b"new")) == (0, 0)
