"""confluent-kafka: librdkafka under Python."""
import time

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka import admin as administration

from .base import (
    CLIENT_MAX_BYTES, OFFSET_OUT_OF_RANGE, Client, ClientError, Received,
)

TYPES = {
    confluent_kafka.TIMESTAMP_CREATE_TIME: "create",
    confluent_kafka.TIMESTAMP_LOG_APPEND_TIME: "append",
}
# What librdkafka says of the group that it believes every consumer to have: coordinator not
# available, not coordinator, no access to the group. Assigned partitions do not depend on it.
GROUP_CODES = {15, 16, 30}


class Confluent(Client):
    name = "confluent-kafka"
    _kept = None

    def __init__(self, address):
        super().__init__(address)
        # Kept: without its client an answer that is under way is given up.
        self._kept_admin = None

    @staticmethod
    def version():
        return confluent_kafka.__version__

    def produce(self, topic, records, *, acks="all", compression="none", idempotent=False):
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.address, "acks": str(acks), "compression.type": compression,
            "enable.idempotence": idempotent, "message.max.bytes": CLIENT_MAX_BYTES,
            "delivery.timeout.ms": 30000, "linger.ms": 5,
        })
        errors = []

        def delivered(error, _message):
            if error is not None:
                errors.append(error)

        for record in records:
            timestamp = {} if record.timestamp is None else {"timestamp": record.timestamp}
            arguments = dict(
                value=record.value, key=record.key, partition=record.partition,
                headers=list(record.headers), on_delivery=delivered, **timestamp,
            )
            while True:
                try:
                    producer.produce(topic, **arguments)
                    break
                except BufferError:
                    producer.poll(0.1)
                except KafkaException as error:
                    raise self._error(error.args[0]) from error
        left = producer.flush(40)
        if errors:
            raise self._error(errors[0])
        if left:
            raise ClientError(None, f"{left} records were neither acknowledged nor refused")

    def consume(
        self, topic, partition, offset, count, *, isolation="read_uncommitted", seconds=30
    ):
        messages = self._messages(
            [TopicPartition(topic, partition, offset)], count, seconds, isolation
        )
        return [self._received(message) for message in messages]

    def timestamp_types(self, topic, partition, offset, count):
        messages = self._messages([TopicPartition(topic, partition, offset)], count, 30)
        return [TYPES.get(message.timestamp()[0], "unknown") for message in messages]

    def consume_each(self, topics):
        """The first record's value of each topic's partition 0, in one consumer."""
        partitions = [TopicPartition(topic, 0, 0) for topic in topics]
        messages = self._messages(partitions, len(topics), 60)
        return {message.topic(): message.value() for message in messages}

    def produce_each(self, values):
        """A record into each topic's partition 0, by one producer: {topic: value}."""
        producer = confluent_kafka.Producer({"bootstrap.servers": self.address, "acks": "all"})
        errors = []
        for topic, value in values.items():
            producer.produce(
                topic, value=value, partition=0, on_delivery=lambda e, _: e and errors.append(e)
            )
        left = producer.flush(60)
        if errors or left:
            raise ClientError(None, f"{errors[:1]} {left} left")

    def bounds(self, topic, partition):
        with self._consumer() as consumer:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)

    def offset_at(self, topic, partition, timestamp):
        with self._consumer() as consumer:
            asked = [TopicPartition(topic, partition, timestamp)]
            (found,) = consumer.offsets_for_times(asked, timeout=10)
        if found.error is not None:
            raise self._error(found.error)
        return None if found.offset < 0 else found.offset

    def create_topics(self, names, partitions=1, configs=None, replicas=1, validate_only=False):
        topics = [
            administration.NewTopic(
                name, num_partitions=partitions, replication_factor=replicas, config=configs or {}
            )
            for name in names
        ]
        self._each(self._admin().create_topics(
            topics, validate_only=validate_only, operation_timeout=30, request_timeout=60
        ))

    def delete_topics(self, names):
        self._each(self._admin().delete_topics(
            list(names), operation_timeout=30, request_timeout=60
        ))

    def topics(self):
        return set(self._admin().list_topics(timeout=30).topics)

    def partition_count(self, topic):
        found = self._result(
            self._admin().describe_topics(confluent_kafka.TopicCollection([topic]))[topic]
        )
        return len(found.partitions)

    def topic_configs(self, topic):
        return self._configs(administration.ResourceType.TOPIC, topic)

    def broker_configs(self, node):
        return self._configs(administration.ResourceType.BROKER, str(node))

    def alter_topic(self, topic, configs):
        entries = [
            administration.ConfigEntry(
                name, value, incremental_operation=administration.AlterConfigOpType.SET
            )
            for name, value in configs.items()
        ]
        resource = administration.ConfigResource(
            administration.ResourceType.TOPIC, topic, incremental_configs=entries
        )
        self._each(self._admin().incremental_alter_configs([resource]))

    def replace_configs(self, topic, configs):
        resource = administration.ConfigResource(
            administration.ResourceType.TOPIC, topic, set_config=configs
        )
        self._each(self._admin().alter_configs([resource]))

    def create_partitions(self, topic, total):
        self._each(self._admin().create_partitions(
            [administration.NewPartitions(topic, total)], operation_timeout=30
        ))

    def delete_records(self, topic, partition, before):
        futures = self._admin().delete_records([TopicPartition(topic, partition, before)])
        (result,) = self._each(futures)
        return result.low_watermark

    def cluster(self):
        found = self._result(self._admin().describe_cluster(request_timeout=10))
        return {
            "brokers": {node.id: (node.host, node.port) for node in found.nodes},
            "controller": found.controller.id, "cluster_id": found.cluster_id,
        }

    def topic_id(self, topic):
        found = self._result(
            self._admin().describe_topics(confluent_kafka.TopicCollection([topic]))[topic]
        )
        return str(found.topic_id)

    def _admin(self):
        if self._kept_admin is None:
            self._kept_admin = administration.AdminClient({"bootstrap.servers": self.address})
        return self._kept_admin

    def _configs(self, kind, name):
        resource = administration.ConfigResource(kind, name)
        (found,) = self._each(self._admin().describe_configs([resource], request_timeout=10))
        return {entry.name: entry.value for entry in found.values()}

    def _each(self, futures):
        return [self._result(future) for future in futures.values()]

    def _result(self, future):
        try:
            return future.result(timeout=70)
        except KafkaException as error:
            raise self._error(error.args[0]) from error

    def _consumer(self, **options):
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": "confluent-group",
            "enable.auto.commit": False, "auto.offset.reset": "error", **options,
        })
        return _Closing(consumer)

    def _messages(self, partitions, count, seconds, isolation="read_uncommitted"):
        found = []
        with self._consumer(**{"isolation.level": isolation}) as consumer:
            consumer.assign(partitions)
            end = time.monotonic() + seconds
            while len(found) < count and time.monotonic() < end:
                for message in consumer.consume(min(count - len(found), 10000), timeout=0.2):
                    if message.error() is None:
                        found.append(message)
                    elif message.error().code() not in GROUP_CODES:
                        raise self._error(message.error())
        return found

    @staticmethod
    def _received(message):
        headers = tuple(message.headers() or ())
        return Received(
            message.offset(), message.timestamp()[1], message.key(), message.value(), headers
        )

    @staticmethod
    def _error(error):
        code = error.code()
        if code == confluent_kafka.KafkaError._AUTO_OFFSET_RESET:
            code = OFFSET_OUT_OF_RANGE
        return ClientError(code, error.str())


class _Closing:
    """A consumer that is closed at the end of a `with`."""

    def __init__(self, consumer):
        self.consumer = consumer

    def __enter__(self):
        return self.consumer

    def __exit__(self, *_):
        self.consumer.close()
