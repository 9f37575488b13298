"""What a request costs the broker grows with its bytes and no faster, whatever it names, and how often."""
import pathlib
import struct

import pytest

import frames
from bystander import Bystander
from frames import Frames, name_of, request

pytestmark = pytest.mark.alone

ONE = frames.batch(b"x")
OFFSETS, CREATE_PARTITIONS, ALTER_CONFIGS, EPOCHS = 2, 37, 33, 23


def array(items):
    items = list(items)
    return struct.pack(">i", len(items)) + b"".join(items)


def names(count):
    """Of topics that are not there."""
    return [f"t{number:07}" for number in range(count)]


def again(count):
    """One topic that is there."""
    return ["known"] * count


def of_topics(topics, partition):
    """Each topic with one partition."""
    return array(name_of(topic) + array([partition]) for topic in topics)


def of_partitions(count, partition):
    """One topic with its first partition so many times."""
    return array([name_of("known") + array([partition] * count)])


def asking(api, version, head, partition, tail=b""):
    return {
        "topics that are not there": lambda count: request(api, version, head + of_topics(names(count), partition) + tail),
        "one topic": lambda count: request(api, version, head + of_topics(again(count), partition) + tail),
        "one partition": lambda count: request(api, version, head + of_partitions(count, partition) + tail),
    }


def naming(api, version, item, tail, head=b""):
    return {
        "names that are not there": lambda count: request(api, version, head + array(map(item, names(count))) + tail),
        "one name": lambda count: request(api, version, head + array(map(item, again(count))) + tail),
    }


REQUESTS = {
    "Produce": asking(
        frames.PRODUCE, 3, struct.pack(">hhi", -1, -1, 30_000), struct.pack(">ii", 0, len(ONE)) + ONE),
    "Fetch": asking(
        frames.FETCH, 4, struct.pack(">iiiib", -1, 0, 1, 1 << 20, 0), struct.pack(">iqi", 0, 0, 1 << 20)),
    "ListOffsets": asking(OFFSETS, 1, struct.pack(">i", -1), struct.pack(">iq", 0, -1)),
    "OffsetForLeaderEpoch": asking(EPOCHS, 2, b"", struct.pack(">iii", 0, -1, 0)),
    "DeleteRecords": asking(
        frames.DELETE_RECORDS, 0, b"", struct.pack(">iq", 0, 0), struct.pack(">i", 30_000)),
    "Metadata": naming(frames.METADATA, 4, name_of, b"\0"),
    "DeleteTopics": naming(frames.DELETE_TOPICS, 1, lambda name: name_of(name + "-"), struct.pack(">i", 30_000)),
    "CreateTopics, validated": naming(
        frames.CREATE_TOPICS, 2,
        lambda name: name_of(name) + struct.pack(">ih", 1, 1) + array([]) + array([]),
        struct.pack(">ib", 30_000, 1)),
    "CreatePartitions, validated": naming(
        CREATE_PARTITIONS, 0, lambda name: name_of(name) + struct.pack(">ii", 2, -1),
        struct.pack(">ib", 30_000, 1)),
    "DescribeConfigs": naming(
        frames.DESCRIBE_CONFIGS, 1, lambda name: b"\2" + name_of(name) + array([name_of("segment.ms")]), b"\0"),
    "AlterConfigs, validated": naming(
        ALTER_CONFIGS, 0, lambda name: b"\2" + name_of(name) + array([]), b"\1"),
    "IncrementalAlterConfigs, validated": naming(
        frames.INCREMENTAL_ALTER_CONFIGS, 0, lambda name: b"\2" + name_of(name) + array([]), b"\1"),
}
CASES = [(api, what) for api, kinds in REQUESTS.items() for what in kinds]


def processor_seconds(server):
    """Of all threads that the server has, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def cost(server, frame):
    with Frames(server.address) as connection:
        before = processor_seconds(server)
        connection.send(frame)
        connection.answer()
        return processor_seconds(server) - before


@pytest.mark.parametrize("api, what", CASES, ids=[f"{api}: {what}" for api, what in CASES])
def test_a_request_four_times_as_large_costs_four_times_as_much(own_server, api, what):
    server = own_server({"auto.create.topics.enable": "false"})
    with Frames(server.address) as connection:
        connection.send(frames.create_topic("known", {}))
        connection.answer()
    make = REQUESTS[api][what]
    cost(server, make(100))
    few = min(cost(server, make(10_000)) for _ in range(3))
    many = min(cost(server, make(40_000)) for _ in range(3))
    # Were it quadratic it would be sixteen times. What is too little to measure does no harm.
    assert many < 8 * few + 0.1, f"10,000: {few * 1000:.1f} ms, 40,000: {many * 1000:.1f} ms"
    print(f"10,000: {few * 1000:.1f} ms, 40,000: {many * 1000:.1f} ms")


def test_topics_that_a_metadata_request_makes_cost_the_same_each(own_server):
    server = own_server()
    few, many = ([f"{kind}-{number}" for number in range(count)] for kind, count in (("few", 250), ("many", 1000)))
    with Bystander(server.address):
        first = cost(server, frames.metadata(*few))
        second = cost(server, frames.metadata(*many))
        assert second < 8 * first + 0.1, f"250: {first * 1000:.1f} ms, 1,000: {second * 1000:.1f} ms"
        first = cost(server, frames.delete_topics(*few))
        second = cost(server, frames.delete_topics(*many))
        assert second < 8 * first + 0.1, f"250: {first * 1000:.1f} ms, 1,000: {second * 1000:.1f} ms"
    server.stop()
    server.verify()
