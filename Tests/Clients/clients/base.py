"""What every client is asked for. A test is written once, against this, and run with each."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Record:
    """A record to produce. `timestamp` is in Unix milliseconds; None leaves it to the client."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    partition: int = 0


@dataclasses.dataclass(frozen=True)
class Received:
    """A record as a client gave it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Lacks(Exception):
    """The client has no such feature: a dash in the table, with these words as its note."""


class ClientError(Exception):
    """What a client reported. `code` is Kafka's error code, or None where the client named none."""

    def __init__(self, code, text):
        super().__init__(f"{text} (code {code})")
        self.code = code


# Kafka's error codes that the tests expect.
OFFSET_OUT_OF_RANGE = 1
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
INVALID_TOPIC = 17
INVALID_TIMESTAMP = 32
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_REPLICATION_FACTOR = 38
INVALID_CONFIG = 40

# No client may refuse by itself what the broker is to judge.
CLIENT_MAX_BYTES = 50_000_000


class Client:
    """A Kafka client. Each call connects, does its work, and disconnects."""

    name = ""

    def __init__(self, address):
        self.address = address

    @staticmethod
    def version():
        """The version that the table names."""
        raise NotImplementedError

    # Records

    def produce(self, topic, records, *, acks="all", compression="none", idempotent=False):
        """Sends all, in order within each partition, and waits until all are acknowledged.

        `acks` is 0, 1 or "all". Throws ClientError where one was refused.
        """
        raise NotImplementedError

    def consume(
        self, topic, partition, offset, count, *, isolation="read_uncommitted", seconds=30
    ):
        """The next `count` records from this offset on; waits for those that are not there yet."""
        raise NotImplementedError

    def timestamp_types(self, topic, partition, offset, count):
        """For each record "create" or "append"."""
        raise NotImplementedError

    def bounds(self, topic, partition):
        """The first offset, and the one that the next record gets."""
        raise NotImplementedError

    def offset_at(self, topic, partition, timestamp):
        """The first offset with this timestamp or a later one; None behind the last."""
        raise NotImplementedError

    # Administration

    def create_topics(self, names, partitions=1, configs=None, replicas=1, validate_only=False):
        raise Lacks("has no administration")

    def delete_topics(self, names):
        raise Lacks("has no administration")

    def topics(self):
        """The names of all topics."""
        raise NotImplementedError

    def partition_count(self, topic):
        raise NotImplementedError

    def topic_configs(self, topic):
        """The names and values of a topic's settings."""
        raise Lacks("has no administration")

    def broker_configs(self, node):
        raise Lacks("has no administration")

    def alter_topic(self, topic, configs):
        """Sets these, and leaves the others (IncrementalAlterConfigs)."""
        raise Lacks("has no administration")

    def replace_configs(self, topic, configs):
        """Sets these, and resets the others (AlterConfigs)."""
        raise Lacks("has no administration")

    def create_partitions(self, topic, total):
        raise Lacks("has no administration")

    def delete_records(self, topic, partition, before):
        """Returns the partition's first offset afterwards."""
        raise Lacks("has no administration")

    def cluster(self):
        """{"brokers": {id: (host, port)}, "controller": id, "cluster_id": text or None}."""
        raise NotImplementedError

    def log_directories(self):
        """The broker's directories: {path: {(topic, partition): bytes}}."""
        raise Lacks("does not ask for log directories")

    def topic_id(self, topic):
        raise Lacks("does not tell topic ids")
