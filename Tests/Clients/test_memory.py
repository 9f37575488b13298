"""Clients that try to have the broker hold memory, descriptors or connections: others are served, and all of it
comes back."""
import contextlib
import select
import socket
import struct
import time

import pytest

import frames
from attack import ATTACKERS, Attack, highest, memory
from bystander import Bystander
from frames import Frames
from program import TRANSFERS

pytestmark = pytest.mark.alone

MIB = 1 << 20
# The least that lets the largest request in.
BUDGET = 64 * MIB
SETTINGS = {"queued.max.request.bytes": BUDGET, "socket.request.max.bytes": 32 * MIB,
            "varve.metrics.listen": "127.0.0.1:0"}
# Beside the budget: threads, pools, the program.
BESIDE_MIB = 64


@contextlib.contextmanager
def attacked(server):
    """A bystander works meanwhile; afterwards the memory is back."""
    with Bystander(server.address):
        time.sleep(0.3)
        before = memory(server)
        yield before
        end = time.monotonic() + 30
        while server.metric("varve_request_held_bytes") > 1000:
            assert time.monotonic() < end, "the memory does not come back"
            time.sleep(0.1)
    server.stop()
    server.verify()


def test_a_length_without_bytes_holds_no_memory(own_server):
    server = own_server(SETTINGS)
    with attacked(server) as before, Attack(server) as attack:
        for _ in range(2_000):
            attack.send(attack.connect(), struct.pack(">i", 1 << 20))
        assert highest(server, 1) < before + 32
        assert server.metric("varve_request_held_bytes") < 100_000
        assert attack.open_count() == 2_000


def test_requests_that_come_byte_by_byte_hold_what_has_come(own_server):
    server = own_server(SETTINGS)
    with attacked(server) as before, Attack(server) as attack:
        for _ in range(1_000):
            attack.send(attack.connect(), struct.pack(">i", 1 << 20))
        for _ in range(5):
            for each in attack.sockets:
                attack.send(each, b"\0")
        assert highest(server, 0.5) < before + 64
        # And what the bystander has under way.
        assert server.metric("varve_request_held_bytes") <= 1_000 * 4096 + 100_000


def test_a_request_that_comes_byte_by_byte_is_answered_and_costs_few_turns(own_server):
    server = own_server(SETTINGS)
    turns = "varve_event_loop_delay_seconds_count"
    with Frames(server.address) as other:
        other.send(frames.metadata("slow"))
        other.answer()
        before = server.metric(turns)
        value = bytes(50_000)
        for byte in frames.produce("slow", frames.batch(value)):
            other.send(bytes([byte]))
        other.answer()
        assert value in other.fetch("slow", 0, 0)[1]
        # Its length, eight small steps, one for each 16 KiB, and what the loop does beside it.
        assert server.metric(turns) - before < 60
        # What comes at once is not kept waiting by what came before.
        assert other.produce("slow", 0, frames.batch(b"quick"))[0] == 0


@pytest.mark.parametrize("source", [ATTACKERS, "127.0.0.1"])
def test_halves_of_large_requests_are_let_go_where_memory_is_short(own_server, source):
    server = own_server(SETTINGS)
    # Who shares its address with them is served all the same.
    with attacked(server) as before, Attack(server, source) as attack:
        for _ in range(100):
            attack.connect()
        # 100 MiB of requests of 2 MiB, and no more.
        attack.send_all(struct.pack(">ih", 2 * MIB, 0) + bytes(MIB - 6), seconds=5)
        assert highest(server, 1) < before + BUDGET / MIB + BESIDE_MIB
        # The bystander's share is its own, whatever they hold.
        with Frames(server.address) as other:
            value = bytes(900_000)
            for _ in range(5):
                assert other.produce("bystander", 0, frames.batch(value))[0] == 0


def test_halves_that_go_on_byte_by_byte_are_let_go_where_memory_is_short(own_server):
    server = own_server(SETTINGS)
    with attacked(server), Attack(server, "127.0.0.1") as attack:
        for _ in range(100):
            attack.connect()
        attack.send_all(struct.pack(">ih", 2 * MIB, 0) + bytes(MIB - 6), seconds=5)
        held = attack.open_count()
        with Frames(server.address) as other:
            # More than is left to this address, until some of them are closed.
            other.send(frames.produce("bystander", frames.batch(bytes(900_000))))
            end = time.monotonic() + 20
            while not select.select([other.socket], [], [], 0)[0]:
                assert time.monotonic() < end, f"{attack.open_count()} of {held} are still there"
                for each in attack.sockets:
                    attack.send(each, b"\0")
                time.sleep(0.05)
            other.answer()


@pytest.mark.parametrize("path", TRANSFERS)
def test_clients_that_fetch_and_do_not_read_hold_little(own_server, path):
    server = own_server(SETTINGS)
    with Frames(server.address) as other:
        other.send(frames.create_topic("big", {"varve.transfer": path}))
        other.answer()
        for _ in range(64):
            assert other.produce("big", 0, frames.batch(bytes(900_000)))[0] == 0
    with attacked(server) as before:
        with Attack(server) as attack:
            for _ in range(1_000):
                attack.send(attack.connect(receive_buffer=4096), frames.fetch("big", 0, max_bytes=50 * MIB))
            assert highest(server, 3) < before + BUDGET / MIB + BESIDE_MIB
        # They have gone; what the pools keep stays.
        time.sleep(1)
        assert memory(server) < before + BESIDE_MIB


@pytest.mark.parametrize("connections, requests", [(200, 1), (40, 12)])
def test_clients_that_ask_for_much_and_do_not_read_are_let_go(own_server, connections, requests):
    server = own_server(SETTINGS)
    names = [f"{'x' * 200}{number:05}" for number in range(5_000)]
    with Frames(server.address) as other:
        other.send(frames.metadata("known"))
        other.answer()
    body = struct.pack(">i", len(names)) + b"".join(frames.name_of("/" + name) for name in names)
    with attacked(server) as before, Attack(server) as attack:
        for _ in range(connections):
            attack.connect(receive_buffer=4096)
        # A megabyte each, and as much in return.
        attack.send_all(frames.request(frames.METADATA, 1, body) * requests, seconds=10)
        assert highest(server, 4) < before + BUDGET / MIB + BESIDE_MIB


def test_a_request_that_would_take_too_much_to_serve_is_refused(own_server):
    server = own_server(SETTINGS)
    with attacked(server), Frames(server.address) as connection:
        with contextlib.suppress(ConnectionError):
            connection.send(frames.metadata(*["a"] * 1_000_000))
        assert connection.is_closed()
        assert server.says("serving it could take 32 times as much memory; ask for less")


def test_one_address_does_not_take_all_connections(own_server):
    server = own_server(SETTINGS | {"max.connections.per.ip": 50})
    with attacked(server), Attack(server) as attack:
        for _ in range(200):
            attack.connect()
        assert server.says("max.connections.per.ip")
        end = time.monotonic() + 20
        while attack.open_count() > 50:
            assert time.monotonic() < end, "more are let in"
        with Frames(server.address) as other:
            other.send(frames.metadata("known"))
            other.answer()
    # Their places are free again.


def test_idle_connections_leave_descriptors_to_the_log(own_server):
    server = own_server(SETTINGS, prefix=["prlimit", "--nofile=600"])
    assert server.says("the log needs some")
    with attacked(server), Attack(server) as attack:
        with Frames(server.address) as other:
            for _ in range(900):
                attack.connect()
            # Segments, folders, and files that are read.
            topics = [f"t{number}" for number in range(20)]
            other.send(frames.metadata(*topics))
            other.answer()
            for topic in topics:
                assert other.produce(topic, 0, frames.batch(b"x"))[0] == 0
            other.send(frames.delete_topics(*topics[:10]))
            other.answer()
            for topic in topics[10:]:
                assert other.produce(topic, 0, frames.batch(b"x"))[0] == 0
    # A fenced partition would not stop cleanly.
