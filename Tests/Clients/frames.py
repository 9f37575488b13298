"""Requests as bytes, for what no client library sends; and batches."""
import select
import socket
import struct

from kafka.record.default_records import DefaultRecordBatchBuilder

from raw import RawConnection

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, DESCRIBE_CONFIGS = 0, 1, 2, 3, 18, 32
CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS, INCREMENTAL_ALTER_CONFIGS = 19, 20, 21, 44


def request(api, version, body=b"", number=1):
    """A whole frame with a header of version 1."""
    header = struct.pack(">hhih3s", api, version, number, 3, b"bad")
    return struct.pack(">i", len(header) + len(body)) + header + body


def name_of(topic):
    return struct.pack(">h", len(topic)) + topic.encode()


def metadata(*topics, number=1):
    """Makes the topics that are not there."""
    body = struct.pack(">i", len(topics)) + b"".join(map(name_of, topics))
    return request(METADATA, 1, body, number)


def produce(topic, batch, number=1, acks=-1):
    body = struct.pack(">hhii", -1, acks, 30_000, 1) + name_of(topic)
    return request(PRODUCE, 3, body + struct.pack(">iii", 1, 0, len(batch)) + batch, number)


def fetch(topic, offset, number=1, wait=500, max_bytes=1 << 20):
    body = struct.pack(">iiiibi", -1, wait, 1, max_bytes, 0, 1) + name_of(topic)
    return request(FETCH, 4, body + struct.pack(">iiqi", 1, 0, offset, max_bytes), number)


def fetch_all(topics, number=1, wait=500, min_bytes=1):
    """The first partition of each, from its start."""
    body = struct.pack(">iiiibi", -1, wait, min_bytes, 1 << 30, 0, len(topics))
    for topic in topics:
        body += name_of(topic) + struct.pack(">iiqi", 1, 0, 0, 1 << 30)
    return request(FETCH, 4, body, number)


def fetch_partitions(topic, count, number=1):
    """So many partitions of one topic, each from its start."""
    body = struct.pack(">iiiibi", -1, 500, 1, 1 << 30, 0, 1) + name_of(topic) + struct.pack(">i", count)
    body += b"".join(struct.pack(">iqi", partition, 0, 1 << 20) for partition in range(count))
    return request(FETCH, 4, body, number)


def search(topic, timestamp, number=1):
    """The first record at or after the time, in the topic's first partition."""
    body = struct.pack(">ii", -1, 1) + name_of(topic) + struct.pack(">iiq", 1, 0, timestamp)
    return request(LIST_OFFSETS, 1, body, number)


def describe_broker(number=1, count=1):
    """All settings of the broker: seven bytes that ask for some thousands."""
    resources = struct.pack(">bhi", 4, 0, -1) * count
    return request(DESCRIBE_CONFIGS, 1, struct.pack(">i", count) + resources + b"\1", number)


def produce_nothing(topic, count):
    """So many partitions of one topic, without a batch."""
    body = struct.pack(">hhii", -1, -1, 30_000, 1) + name_of(topic)
    return request(PRODUCE, 3, body + struct.pack(">i", count) + struct.pack(">ii", 0, -1) * count)


def produce_again(topic, batch, count, number=1):
    """The batch so many times for the topic's first partition."""
    body = struct.pack(">hhii", -1, -1, 30_000, 1) + name_of(topic)
    parts = (struct.pack(">ii", 0, len(batch)) + batch) * count
    return request(PRODUCE, 3, body + struct.pack(">i", count) + parts, number)


def delete_records(topic, offsets, number=1):
    """Of the topic's first partition, once for each offset."""
    body = struct.pack(">i", 1) + name_of(topic) + struct.pack(">i", len(offsets))
    body += b"".join(struct.pack(">iq", 0, offset) for offset in offsets)
    return request(DELETE_RECORDS, 0, body + struct.pack(">i", 30_000), number)


def delete_topics(*topics, number=1):
    body = struct.pack(">i", len(topics)) + b"".join(map(name_of, topics)) + struct.pack(">i", 30_000)
    return request(DELETE_TOPICS, 1, body, number)


def create_topic(topic, configs, partitions=1, number=1):
    body = struct.pack(">i", 1) + name_of(topic) + struct.pack(">ihi", partitions, 1, 0)
    body += struct.pack(">i", len(configs))
    body += b"".join(name_of(name) + name_of(value) for name, value in configs.items())
    return request(CREATE_TOPICS, 2, body + struct.pack(">ib", 30_000, 0), number)


def alter_topic(topic, configs, number=1):
    """Sets these configs and leaves the others (IncrementalAlterConfigs)."""
    body = b"\2\2" + bytes([len(topic) + 1]) + topic.encode() + bytes([len(configs) + 1])
    for name, value in configs.items():
        body += bytes([len(name) + 1]) + name.encode() + b"\0"
        body += bytes([len(value) + 1]) + value.encode() + b"\0"
    return request(INCREMENTAL_ALTER_CONFIGS, 1, b"\0" + body + b"\0\0\0", number)


def batch(*values):
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1 << 24,
    )
    for index, value in enumerate(values):
        builder.append(index, timestamp=None, key=None, value=value, headers=[])
    return bytes(builder.build())


class Frames(RawConnection):
    """A connection that sends any bytes."""

    def __init__(self, address):
        super().__init__(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """(correlation id, body) of the next response."""
        (size,) = struct.unpack(">i", self.receive(4))
        data = self.receive(size)
        return struct.unpack_from(">i", data)[0], data[4:]

    def is_answered(self):
        """True where something has come."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def is_closed(self, seconds=10):
        """True where the broker ends the connection in time without another byte."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False
