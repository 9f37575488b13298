"""A disk that stands still for some: the others do not notice."""
import select
import socket
import struct
import time

import pytest

import frames
import raw
from bystander import Bystander
from frames import Frames
from gated_disk import GatedDisk
from server import Server

VALUE = b"v" * 60_000
COUNT = 40
COLD = "cold-0/00000000000000000000.log"


@pytest.fixture
def disk(tmp_path):
    with GatedDisk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def slow_server(disk):
    """A server on that disk; one event loop, so that whoever holds it up holds up everybody."""
    servers = []

    def make(settings=None):
        one_loop = {"num.network.threads": 1, "varve.metrics.listen": "127.0.0.1:0"}
        server = Server(one_loop | (settings or {}))
        servers.append(server)
        server.data = disk.folder / "data"
        return server.start()

    yield make
    disk.go_on()
    for server in servers:
        server.remove()


def fill(connection):
    connection.send(frames.metadata("cold"))
    connection.answer()
    for offset in range(COUNT):
        assert connection.produce("cold", 0, frames.batch(VALUE)) == (0, offset)


def has_answer(connection):
    return bool(select.select([connection.socket], [], [], 0)[0])


def fetched(connection):
    """The values in the answer to `frames.fetch`."""
    _, body = connection.answer()
    return body.count(VALUE)


@pytest.mark.parametrize("transfer", ["copy", "sendfile", "splice"])
@pytest.mark.parametrize("cold", ["from its start", "behind its first batch's header"])
def test_a_read_that_waits_for_the_disk_holds_up_nobody_else(disk, slow_server, transfer, cold):
    server = slow_server({"varve.transfer": transfer})
    with Frames(server.address) as reader, Bystander(server.address):
        fill(reader)
        # From here on the connection's reader knows where the first batch is: where its header is in
        # memory, only sending it needs the disk.
        assert reader.fetch("cold", 0, 0, max_bytes=1)[0] == 0
        disk.evict(f"data/{COLD}", start=0 if cold == "from its start" else 4096)
        disk.hold("read", COLD)
        reader.send(frames.fetch("cold", 0, max_bytes=1 << 20))
        disk.wait_until_held()
        with Bystander(server.address, "another"):
            pass
        assert disk.is_holding()
        disk.go_on()
        assert fetched(reader) >= 16
    server.stop()
    server.verify()


def test_a_fetch_sees_what_is_appended_while_it_looks_for_more(disk, slow_server):
    """An append between a fetch's look at a partition and its wait for appends tells nobody."""
    server = slow_server()
    with Frames(server.address) as reader, Frames(server.address) as producer:
        fill(producer)
        producer.send(frames.metadata("new"))
        producer.answer()
        whole = sum(len(batch) for _, _, batch in all_batches(producer))
        disk.evict(f"data/{COLD}")
        disk.hold("read", COLD)
        # First what is new, of which there is nothing yet; then what has to come from the disk. All of
        # this and a byte are asked for, and no end to the wait.
        reader.send(frames.fetch_all(["new", "cold"], wait=2**31 - 1, min_bytes=whole + 1))
        disk.wait_until_held()
        assert producer.produce("new", 0, frames.batch(b"new")) == (0, 0)
        assert disk.is_holding() and not has_answer(reader)
        disk.go_on()
        _, body = reader.answer()
        assert body.count(VALUE) == COUNT and b"new" in body


def all_batches(connection):
    error, data = connection.fetch("cold", 0, 0, max_bytes=1 << 24)
    assert error == 0
    return raw.whole_batches(data)


def test_a_request_that_did_not_have_its_turn_gives_its_memory_back(disk, slow_server):
    server = slow_server({"varve.durability": "batch"})
    with Frames(server.address) as other:
        fill(other)
        with Frames(server.address) as connection:
            disk.hold("fsync", COLD)
            connection.send(frames.produce("cold", frames.batch(VALUE)))
            # Served when the one before it has been answered, and not before.
            connection.send(frames.metadata(*["cold"] * 20_000))
            disk.wait_until_held()
            wait_for(lambda: server.metric("varve_request_held_bytes") > 150_000)
            # With a reset, as a client that has died: nobody waits for the answers.
            connection.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        disk.go_on()
        wait_for(lambda: server.metric("varve_request_held_bytes") == 0)
    server.stop()
    server.verify()


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)
