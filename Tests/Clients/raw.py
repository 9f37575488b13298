"""Produce, Fetch and ListOffsets without a client: the very bytes of record batches, in and out."""
import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS = (0, 3), (1, 4), (2, 1)


class RawConnection:
    """One connection, one request at a time."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def produce(self, topic, partition, batches, acks=-1):
        """(error code, first offset) for batches in Kafka's format."""
        body = struct.pack(">hhi", -1, acks, 30000) + self._place(topic, partition)
        answer = self._ask(PRODUCE, body + struct.pack(">i", len(batches)) + batches)
        start = self._behind_name(answer)
        _, error, offset = struct.unpack_from(">ihq", answer, start)
        return error, offset

    def fetch(self, topic, partition, offset, max_bytes=1 << 20, wait_ms=500):
        """(error code, bytes of the batches). The last batch may be cut."""
        body = struct.pack(">iiiib", -1, wait_ms, 1, max_bytes, 0) + self._place(topic, partition)
        answer = self._ask(FETCH, body + struct.pack(">qi", offset, max_bytes))
        start = self._behind_name(answer, skip=4)
        _, error, _, _, aborted = struct.unpack_from(">ihqqi", answer, start)
        start += 26 + 16 * max(0, aborted)
        (size,) = struct.unpack_from(">i", answer, start)
        return error, answer[start + 4:start + 4 + max(0, size)]

    def end_offset(self, topic, partition):
        """(error code, offset behind the last readable record)."""
        body = struct.pack(">i", -1) + self._place(topic, partition) + struct.pack(">q", -1)
        answer = self._ask(LIST_OFFSETS, body)
        _, error, _, offset = struct.unpack_from(">ihqq", answer, self._behind_name(answer))
        return error, offset

    @staticmethod
    def _place(topic, partition):
        name = topic.encode()
        return struct.pack(f">ih{len(name)}sii", 1, len(name), name, 1, partition)

    @staticmethod
    def _behind_name(answer, skip=0):
        """Behind the topic's name and the count of its partitions: one of each was asked for."""
        (length,) = struct.unpack_from(">h", answer, skip + 4)
        return skip + 6 + length + 4

    def _ask(self, api, body):
        key, version = api
        request = struct.pack(">hhih3s", key, version, 7, 3, b"raw") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", self.receive(4))
        answer = self.receive(size)
        assert answer[:4] == struct.pack(">i", 7), "another request's answer"
        return answer[4:]

    def receive(self, count):
        """So many bytes."""
        parts = []
        while count > 0:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionError("the broker closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def whole_batches(data):
    """The batches that are there completely: [(first offset, offsets, bytes)]."""
    batches = []
    position = 0
    while position + 61 <= len(data):
        offset, length = struct.unpack_from(">qi", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        (last,) = struct.unpack_from(">i", data, position + 23)
        batches.append((offset, last + 1, data[position:end]))
        position = end
    return batches


def codec(batch):
    """The compression that a batch's attributes name."""
    (attributes,) = struct.unpack_from(">h", batch, 21)
    return ("none", "gzip", "snappy", "lz4", "zstd")[attributes & 7]
