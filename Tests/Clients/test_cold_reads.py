"""What has to be read from the disk: nobody's long searches keep another client's first fetch waiting."""
import struct

import pytest
from kafka.record.util import calc_crc32c

import frames
import raw
from frames import Frames

SEGMENTS = 4000
CLIENTS = 20
# Later than any record: a search for it looks at every segment.
LATER = 1 << 42


def huge():
    """A batch of so many offsets that each next one begins a segment. Compressed batches are not opened."""
    attributes, count = 1, 2**31 - 1
    covered = struct.pack(">hiqqqhii", attributes, count - 1, 1000, 1000, -1, -1, -1, count) + b"junk"
    rest = struct.pack(">ibI", 0, 2, calc_crc32c(covered)) + covered
    return struct.pack(">qi", 0, len(rest)) + rest


@pytest.fixture
def server(own_server):
    """One with a log of many segments of which it knows nothing yet, and a topic with one record."""
    server = own_server({"varve.durability": "none"})
    with Frames(server.address) as producer:
        producer.send(frames.metadata("many", "other"))
        producer.answer()
        assert producer.produce("other", 0, frames.batch(b"first"))[0] == 0
        request = frames.produce("many", huge())
        for _ in range(SEGMENTS // 50):
            producer.send(request * 50)
            for _ in range(50):
                producer.answer()
    server.stop()
    return server.start()


def is_all_there(server):
    """True where the log has a segment for each batch."""
    return len(list(server.data.glob("many-0/*.log"))) >= SEGMENTS


def test_a_first_fetch_overtakes_twenty_clients_that_search_thousands_of_segments(server):
    assert is_all_there(server)
    clients = [Frames(server.address) for _ in range(CLIENTS)]
    try:
        for client in clients:
            client.send(frames.search("many", LATER))
        with Frames(server.address) as reader:
            error, data = reader.fetch("other", 0, 0)
        answered = sum(client.is_answered() for client in clients)
        assert error == 0 and len(raw.whole_batches(data)) == 1
        assert answered < CLIENTS / 2, f"{answered} of {CLIENTS} searches were answered first"
        for client in clients:
            # No error, no offset: nothing is so new.
            assert client.answer()[1].endswith(struct.pack(">hqq", 0, -1, -1))
    finally:
        for client in clients:
            client.socket.close()


def test_a_connection_has_one_search_under_way_and_what_it_pipelines_begins_behind_it(server):
    made = server.data / "later-0"
    with Frames(server.address) as greedy:
        greedy.send(frames.search("many", LATER) + frames.create_topic("later", {}))
        looks = 0
        while not greedy.is_answered():
            # Looked at before: the search may be answered between the two.
            is_made = made.exists()
            assert not is_made or greedy.is_answered(), "the second request began beside the first"
            looks += 1
        assert looks > 0, "the search was answered before anybody looked"
        assert greedy.answer()[1].endswith(struct.pack(">hqq", 0, -1, -1))
        greedy.answer()
        assert made.exists()


def test_a_first_fetch_of_many_partitions_is_looked_up_in_pieces_and_answered_whole(own_server):
    server = own_server({"varve.durability": "none"})
    values = [b"<record %d>" % partition for partition in range(300)]
    with Frames(server.address) as producer:
        producer.send(frames.create_topic("wide", {}, partitions=len(values)))
        producer.answer()
        for partition, value in enumerate(values):
            assert producer.produce("wide", partition, frames.batch(value))[0] == 0
    server.stop()
    server.start()
    with Frames(server.address) as reader:
        # Some 50 microseconds each, of which a piece has a millisecond.
        reader.send(frames.fetch_partitions("wide", len(values)))
        _, body = reader.answer()
        places = [body.find(value) for value in values]
        assert -1 not in places and places == sorted(places)
        assert body.count(b"<record ") == len(values)
