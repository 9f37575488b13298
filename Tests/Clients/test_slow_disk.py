"""A disk that stands still for some: the others do not notice."""
import contextlib
import select
import socket
import struct
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

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

pytestmark = pytest.mark.alone


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


@pytest.mark.parametrize("transfer", ["copy", "sendfile", "splice"])
def test_bytes_behind_those_that_were_brought_in_hold_up_nobody_either(disk, slow_server, transfer):
    # Bytes are brought in a mebibyte at a time. A client that takes them in smaller parts has the next
    # call begin inside that mebibyte, and end behind it.
    server = slow_server({"varve.transfer": transfer, "socket.send.buffer.bytes": 300_000})
    with Frames(server.address) as reader, Bystander(server.address):
        fill(reader)
        disk.evict(f"data/{COLD}")
        disk.hold("read", COLD, start=1_200_000)
        reader.send(frames.fetch("cold", 0, max_bytes=1 << 24))
        head = reader.receive(1_000_000)
        disk.wait_until_held()
        with Bystander(server.address, "another"):
            pass
        assert disk.is_holding()
        disk.go_on()
        (size,) = struct.unpack_from(">i", head)
        body = head[4:] + reader.receive(4 + size - len(head))
        assert body.count(VALUE) == COUNT
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


def reset(connection):
    """Ends it as a client ends that has died: nobody waits for the answers."""
    linger = struct.pack("ii", 1, 0)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.socket.close()


@pytest.mark.parametrize("pipelined", [True, False])
def test_memory_of_a_client_that_has_gone_comes_back_when_it_is_free(disk, slow_server, pipelined):
    server = slow_server({"varve.durability": "batch"})
    with Frames(server.address) as other, Frames(server.address) as connection:
        fill(other)
        disk.hold("fsync", COLD)
        connection.send(frames.produce("cold", frames.batch(VALUE)))
        if pipelined:
            # Served when the one before it has been answered, and not before.
            connection.send(frames.metadata(*["cold"] * 20_000))
        disk.wait_until_held()
        least = 150_000 if pipelined else 60_000
        wait_for(lambda: server.metric("varve_request_held_bytes") > least)
        reset(connection)
        if not pipelined:
            # The connection is gone, and its batch's memory is in use: clients that come again and again
            # would fill the memory otherwise.
            wait_for(lambda: server.metric("varve_connections") == 1)
            assert disk.is_holding() and server.metric("varve_request_held_bytes") > least
        disk.go_on()
        wait_for(lambda: server.metric("varve_request_held_bytes") == 0)
    server.stop()
    server.verify()


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def test_a_request_that_waits_for_memory_is_not_taken_for_a_slow_one(disk, slow_server):
    settings = {"varve.durability": "batch", "varve.request.receive.ms": 500}
    limits = {"queued.max.request.bytes": 100_000, "socket.request.max.bytes": 100_000}
    server = slow_server(settings | limits)
    with Frames(server.address) as other, contextlib.ExitStack() as opened:
        fill(other)
        disk.hold("fsync", COLD)
        producers = [opened.enter_context(Frames(server.address)) for _ in range(4)]
        for producer in producers:
            producer.send(frames.produce("cold", frames.batch(VALUE)))
        disk.wait_until_held()
        # One has memory, one overdraws, the others wait: for the disk, and not for their clients.
        time.sleep(2)
        disk.go_on()
        for number, producer in enumerate(producers):
            _, body = producer.answer()
            assert struct.unpack_from(">h", body, 4 + 6 + 4 + 4) == (0,), f"producer {number}"
    server.stop()
    server.verify()


def test_fetches_that_wait_hold_little_memory(disk, slow_server):
    server = slow_server()
    with contextlib.ExitStack() as opened:
        for number in range(5):
            reader = opened.enter_context(Frames(server.address))
            reader.send(frames.metadata("a"))
            reader.answer()
            # Bytes behind the request's last field are let be, and are paid for all the same.
            data = frames.fetch_all(["a"], wait=2**31 - 1, min_bytes=1)
            padded = data[4:] + bytes(1_000_000)
            reader.send(struct.pack(">i", len(padded)) + padded)
        wait_for(lambda: server.metric("varve_network_received_bytes_total") > 5_000_000)
        # What each remembers of its one partition.
        wait_for(lambda: 0 < server.metric("varve_request_held_bytes") < 5 * 1000)
        with Bystander(server.address, "a"):
            pass
    wait_for(lambda: server.metric("varve_request_held_bytes") == 0)


def test_health_says_that_the_broker_starts_while_it_opens_its_log(disk, slow_server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = slow_server({"varve.metrics.listen": address})
    with Frames(server.address) as connection:
        fill(connection)
    server.kill()
    disk.evict(f"data/{COLD}")
    disk.hold("read", COLD)

    def ask_meanwhile():
        try:
            disk.wait_until_held()
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://{address}/health", timeout=10)
            assert refused.value.code == 503
            assert refused.value.read() == b"starting: 0 of 1 partitions are open, 0 MiB were checked\n"
            assert b"varve_" in urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read()
        finally:
            disk.go_on()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_meanwhile)
        # In this thread: the server ends with the one that started it.
        server.start()
        asked.result()
    assert urllib.request.urlopen(f"http://{address}/health", timeout=10).read() == b"ok\n"
    server.stop()
    server.verify()


def test_a_flush_that_stands_still_holds_up_no_other_shard(disk, slow_server):
    server = slow_server({"varve.log.threads": 2, "varve.durability": "batch"})
    with Frames(server.address) as held:
        # Partitions are dealt out to the shards in turn.
        for topic in "held", "bystander":
            held.send(frames.metadata(topic))
            held.answer()
        assert held.produce("held", 0, frames.batch(VALUE)) == (0, 0)
        disk.hold("fsync", "held-0/00000000000000000000.log")
        held.send(frames.produce("held", frames.batch(VALUE)))
        disk.wait_until_held()
        with Bystander(server.address):
            pass
        assert disk.is_holding() and not has_answer(held)
        disk.go_on()
        _, body = held.answer()
        assert struct.unpack_from(">ihq", body, 4 + 2 + 4 + 4) == (0, 0, 1)
    server.stop()
    server.verify()


def test_appends_that_promise_no_durability_wait_for_a_disk_that_does_not_follow(disk, slow_server):
    limit = 1 << 20
    server = slow_server({
        "varve.durability": "none", "varve.checkpoint.bytes": limit // 4, "varve.checkpoint.lag.max.bytes": limit,
    })
    with Frames(server.address) as client, Frames(server.address) as careful:
        client.send(frames.metadata("cold"))
        client.answer()
        careful.send(frames.create_topic("careful", {"varve.durability": "batch"}))
        careful.answer()
        disk.hold("fsync", COLD)
        with ThreadPoolExecutor(1) as sender:
            sent = sender.submit(lambda: [client.send(frames.produce("cold", frames.batch(VALUE))) for _ in range(COUNT)])
            disk.wait_until_held()
            assert server.says("wait: 1048576 bytes of them")
            assert limit <= server.metric("varve_checkpoint_lag_bytes") < 2 * limit
            # Who waits for flushes of its own does not wait for these.
            assert careful.produce("careful", 0, frames.batch(VALUE)) == (0, 0)
            assert disk.is_holding() and COUNT * len(VALUE) > 2 * limit
            disk.go_on()
            for _ in range(COUNT):
                _, body = client.answer()
                assert struct.unpack_from(">h", body, 4 + 6 + 4 + 4) == (0,)
            sent.result()
        assert client.end_offset("cold", 0) == (0, COUNT)
    server.stop()
    server.verify()
