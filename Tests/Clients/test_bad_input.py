"""Clients that do wrong: each is told so or let go with one line, and no other client notices."""
import contextlib
import pathlib
import re
import socket
import struct
import time

import pytest

import frames
from bystander import Bystander
from frames import Frames, request

CORRUPT_MESSAGE, UNSUPPORTED_VERSION, UNSUPPORTED_FOR_MESSAGE_FORMAT = 2, 35, 43

pytestmark = pytest.mark.alone


@pytest.fixture
def watched(own_server):
    """with watched(settings) as server: a server with a bystander, that stops cleanly afterwards."""

    @contextlib.contextmanager
    def serve(settings=None):
        server = own_server(settings)
        with Bystander(server.address):
            yield server
        server.stop()
        server.verify()

    return serve


def closings(server, expected=1):
    """What the log says of connections that were closed; it is waited for."""
    if expected:
        server.says("connection closed: ")
    return re.findall(r"connection closed: (.*)", server.log.read_text(errors="replace"))


def connected(server, *topics):
    connection = Frames(server.address)
    if topics:
        connection.send(frames.metadata(*topics))
        connection.answer()
    return connection


def memory(server):
    """The server's memory in MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def socket_buffer(name):
    """The most bytes that the kernel lets a connection's buffer grow to."""
    return int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2])


NO_REQUEST = {
    "a length of 2 GiB": (struct.pack(">i", 2**31 - 1), "2147483647 bytes was announced"),
    "a negative length": (struct.pack(">i", -5), "-5 bytes was announced"),
    "a length of nothing": (struct.pack(">i", 0), "0 bytes was announced"),
    "a cut header": (struct.pack(">ihh", 4, 3, 1), "no request"),
    "an unknown API": (request(999, 0), "API 999 is not known"),
    "a version of the future": (request(frames.METADATA, 99), "version 99 is not served"),
    "a negative count": (request(frames.METADATA, 1, struct.pack(">i", -2)), "length -2"),
    "a count of 2 GiB": (request(frames.METADATA, 1, b"\x7f\xff\xff\xff"), "length 2147483647"),
    "a cut body": (request(frames.LIST_OFFSETS, 1, b"\0"), "expected 4 bytes, found 1"),
    "no UTF-8": (request(frames.METADATA, 1, b"\0\0\0\1\0\2\xc3\x28"), "not UTF-8"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "an HTTP request came"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "a TLS handshake came"),
}


@pytest.mark.parametrize("what", NO_REQUEST)
def test_what_is_no_request_ends_the_connection_with_one_line(watched, what):
    data, reason = NO_REQUEST[what]
    with watched() as server:
        with connected(server) as connection:
            # What came before is answered.
            connection.send(frames.metadata("a", number=5))
            assert connection.answer()[0] == 5
            connection.send(data)
            assert connection.is_closed()
        lines = closings(server)
        assert len(lines) == 1 and reason in lines[0], lines


def damaged(position, value):
    data = bytearray(frames.batch(b"one", b"two"))
    data[position] ^= value
    return bytes(data)


@pytest.mark.parametrize("what, data, code", [
    ("a false CRC", damaged(-2, 1), CORRUPT_MESSAGE),
    ("magic 1", damaged(16, 3), UNSUPPORTED_FOR_MESSAGE_FORMAT),
    ("half a batch", frames.batch(b"one")[:-5], CORRUPT_MESSAGE),
])
def test_a_bad_batch_is_refused_and_the_next_one_taken(watched, what, data, code):
    with watched() as server, connected(server, "a") as connection:
        assert connection.produce("a", 0, data) == (code, -1), what
        assert connection.produce("a", 0, frames.batch(b"good")) == (0, 0)
        assert not closings(server, expected=0)


def test_api_versions_of_the_future_are_answered_in_version_0(watched):
    with watched() as server, connected(server) as connection:
        connection.send(request(frames.API_VERSIONS, 99, number=9))
        number, body = connection.answer()
        code, count = struct.unpack_from(">hi", body)
        ranges = list(struct.iter_unpack(">hhh", body[6:]))
        assert (number, code, len(ranges)) == (9, UNSUPPORTED_VERSION, count)
        known = {api: (low, high) for api, low, high in ranges}
        assert known[frames.API_VERSIONS][1] < 99
        # The client chooses one of these, on the same connection.
        connection.send(request(frames.API_VERSIONS, known[frames.API_VERSIONS][0]))
        assert struct.unpack_from(">h", connection.answer()[1]) == (0,)


def test_a_request_that_does_not_end_is_let_go(watched):
    with watched({"varve.request.receive.ms": 300}) as server:
        with connected(server) as connection:
            data = frames.metadata("a")
            deadline = time.monotonic() + 60
            with contextlib.suppress(ConnectionError):
                for byte in data[:-1]:
                    connection.send(bytes([byte]))
                    time.sleep(0.2)
                    assert time.monotonic() < deadline, "it may go on for ever"
                raise AssertionError("it was received to the end")
        lines = closings(server)
        assert len(lines) == 1 and "varve.request.receive.ms" in lines[0], lines


@pytest.mark.parametrize("asked", ["records", "settings"])
def test_a_client_that_never_reads_costs_little_memory(watched, asked):
    with watched() as server, connected(server, "big") as connection:
        value = bytes(900_000)
        for _ in range(32):
            assert connection.produce("big", 0, frames.batch(value))[0] == 0
        before = memory(server)
        data = frames.describe_broker()
        if asked == "records":
            data = frames.fetch("big", 0, max_bytes=50_000_000)
        # The kernel takes what its two buffers hold, whatever the broker does. Answers to twice that
        # would be gigabytes.
        most = 2 * (socket_buffer("tcp_wmem") + socket_buffer("tcp_rmem"))
        connection.socket.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < most:
                connection.socket.sendall(data * 1000)
                sent += 1000 * len(data)
        assert sent < most, "all of it was taken"
        assert memory(server) < before + 100, f"{before} MiB before"


def test_a_fetch_does_not_wait_for_a_client_that_has_gone(watched):
    with watched() as server, connected(server, "a") as connection:
        connection.send(frames.fetch("a", 0, number=3, wait=2**31 - 1))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer()[0] == 3
        assert connection.is_closed()


REPEATED = {
    "topics": frames.metadata(*["a"] * 190_000),
    "settings": frames.describe_broker(count=190_000),
    "partitions that are not there": frames.produce_nothing("x" * 30_000, 100_000),
}


@pytest.mark.parametrize("what", REPEATED)
def test_what_a_request_repeats_does_not_multiply_the_answer(watched, what):
    with watched() as server, connected(server, "a") as connection:
        before = memory(server)
        connection.send(REPEATED[what])
        _, body = connection.answer()
        # A partition asked for is 8 bytes, one answered 22 and more.
        assert len(body) < 4 * len(REPEATED[what])
        assert memory(server) < before + 150, f"{before} MiB before"


def test_a_thousand_connections_a_second_come_and_go(watched):
    with watched() as server:
        files = pathlib.Path(f"/proc/{server.process.pid}/fd")
        before = len(list(files.iterdir()))
        host, port = server.address.rsplit(":", 1)
        starts = [b"", b"\0", b"\0\0\1\0abc", frames.metadata("a")]
        start = time.monotonic()
        # Slower where the machine cannot do it.
        for count in range(3000):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(starts[count % len(starts)])
                if count % 3 == 0:
                    reset = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            time.sleep(max(0, start + (count + 1) / 1000 - time.monotonic()))
        deadline = time.monotonic() + 60
        while (left := len(list(files.iterdir()))) > before + 5:
            assert time.monotonic() < deadline, f"{left} files open, {before} before"
            time.sleep(0.05)
        # Some of each kind, and how many more there were.
        assert len(server.log.read_text().splitlines()) < 100, "a client fills the log"


def test_one_connection_too_many_is_refused(watched):
    with watched({"max.connections": 20}) as server:
        # The bystander's is one of them.
        with contextlib.ExitStack() as opened:
            last = [opened.enter_context(connected(server, "a")) for _ in range(19)][-1]
            with Frames(server.address) as refused:
                assert refused.is_closed()
            assert server.says("max.connections")
            last.send(frames.metadata("a"))
            last.answer()
            last.socket.close()
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(ConnectionError), connected(server, "a"):
                    break
                assert time.monotonic() < deadline, "its place stays taken"
                time.sleep(0.02)


def test_a_request_may_come_in_two_pieces_split_at_any_byte(watched):
    with watched() as server, connected(server, "a") as connection:
        data = frames.produce("a", frames.batch(b"value"), number=7)
        for split in range(1, len(data)):
            connection.send(data[:split])
            # Often enough the broker has read the first piece by then.
            time.sleep(0.0005)
            connection.send(data[split:])
            number, body = connection.answer()
            # A count, the topic's name, a count, the partition, and then:
            code, offset = struct.unpack_from(">hq", body, 4 + 3 + 4 + 4)
            assert (number, code, offset) == (7, 0, split - 1)


def test_requests_are_answered_in_their_order(watched):
    with watched() as server, connected(server, "a") as connection:
        for start in range(0, 400, 100):
            sent = b""
            for number in range(start, start + 100, 4):
                value = frames.batch(b"%d" % number)
                sent += frames.produce("a", value, number) + frames.metadata("a", number=number + 1)
                sent += frames.fetch("a", number // 4, number + 2, wait=0)
                sent += request(frames.API_VERSIONS, 0, number=number + 3)
            connection.send(sent)
            for number in range(start, start + 100):
                answered, body = connection.answer()
                assert answered == number
                if number % 4 == 2:
                    assert b"%d" % (number - 2) in body, "its own write is not there yet"


INVALID_REQUEST, INVALID_CONFIG = 42, 40


def test_a_partition_that_a_produce_request_names_again_is_refused_there(watched):
    with watched() as server, connected(server, "twice") as connection:
        connection.send(frames.produce_again("twice", frames.batch(b"x"), 3))
        _, body = connection.answer()
        assert struct.unpack_from(">i", body, 11) == (3,)
        parts = [struct.unpack_from(">ihqq", body, 15 + 22 * index)[:3] for index in range(3)]
        assert parts == [(0, 0, 0), (0, INVALID_REQUEST, -1), (0, INVALID_REQUEST, -1)]
        assert connection.end_offset("twice", 0) == (0, 1)


def test_a_partition_whose_records_are_deleted_twice_in_a_request_is_refused_there(watched):
    with watched() as server, connected(server, "records") as connection:
        assert connection.produce("records", 0, frames.batch(b"x", b"y", b"z"))[0] == 0
        connection.send(frames.delete_records("records", [1, 2]))
        _, body = connection.answer()
        parts = [struct.unpack_from(">iqh", body, 4 + 4 + 2 + 7 + 4 + 14 * index) for index in range(2)]
        assert parts == [(0, 1, 0), (0, -1, INVALID_REQUEST)]


def test_a_topic_that_a_request_deletes_twice_is_refused_there(watched):
    with watched() as server, connected(server, "gone", "kept") as connection:
        connection.send(frames.delete_topics("gone", "gone"))
        _, body = connection.answer()
        codes = [struct.unpack_from(">h", body, 4 + 4 + 8 * index + 6)[0] for index in range(2)]
        assert codes == [0, INVALID_REQUEST]


def test_a_request_of_a_thousand_partitions_lets_others_in_between(own_server):
    server = own_server({"varve.durability": "batch"})
    with Frames(server.address) as connection, Bystander(server.address):
        connection.send(frames.create_topic("many", {}, partitions=1000))
        connection.answer()
        one = frames.batch(b"x")
        body = struct.pack(">hhii", -1, -1, 30_000, 1) + frames.name_of("many") + struct.pack(">i", 1000)
        body += b"".join(struct.pack(">ii", index, len(one)) + one for index in range(1000))
        connection.send(frames.request(frames.PRODUCE, 3, body))
        # Behind it, on the same connection: what was sent first is appended first.
        connection.send(frames.produce("many", frames.batch(b"y"), number=2))
        _, first = connection.answer()
        codes = {struct.unpack_from(">ih", first, 4 + 2 + 4 + 4 + 22 * index)[1] for index in range(1000)}
        assert codes == {0}
        _, second = connection.answer()
        assert struct.unpack_from(">ihq", second, 4 + 2 + 4 + 4) == (0, 0, 1)
    server.stop()
    server.verify()
