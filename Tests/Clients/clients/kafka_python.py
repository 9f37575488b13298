"""kafka-python."""
import contextlib
import time

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, for_code

from .base import CLIENT_MAX_BYTES, Client, ClientError, Lacks, Received

TYPES = {0: "create", 1: "append"}


class KafkaPython(Client):
    name = "kafka-python"

    @staticmethod
    def version():
        return kafka.__version__

    def produce(self, topic, records, *, acks="all", compression="none", idempotent=False):
        if any(value is None for record in records for _, value in record.headers):
            raise Lacks("sends no null header values")
        with self._producer(
            acks=acks, enable_idempotence=idempotent,
            compression_type=None if compression == "none" else compression,
        ) as producer, translated():
            futures = [
                producer.send(
                    topic, value=record.value, key=record.key, headers=list(record.headers),
                    partition=record.partition, timestamp_ms=record.timestamp,
                )
                for record in records
            ]
            producer.flush(timeout=40)
            for future in futures:
                future.get(timeout=1)

    def consume(
        self, topic, partition, offset, count, *, isolation="read_uncommitted", seconds=30
    ):
        return [
            Received(
                record.offset, record.timestamp, record.key, record.value, tuple(record.headers)
            )
            for record in self._records(topic, partition, offset, count, isolation, seconds)
        ]

    def timestamp_types(self, topic, partition, offset, count):
        records = self._records(topic, partition, offset, count)
        return [TYPES.get(record.timestamp_type, "unknown") for record in records]

    def bounds(self, topic, partition):
        place = kafka.TopicPartition(topic, partition)
        with self._consumer() as consumer, translated():
            first = consumer.beginning_offsets([place])[place]
            return first, consumer.end_offsets([place])[place]

    def offset_at(self, topic, partition, timestamp):
        place = kafka.TopicPartition(topic, partition)
        with self._consumer() as consumer, translated():
            found = consumer.offsets_for_times({place: timestamp})[place]
        return None if found is None else found.offset

    def create_topics(self, names, partitions=1, configs=None, replicas=1, validate_only=False):
        topics = {
            name: {
                "num_partitions": partitions, "replication_factor": replicas,
                "configs": configs or {},
            }
            for name in names
        }
        with self._admin() as admin, translated():
            admin.create_topics(topics, validate_only=validate_only)

    def delete_topics(self, names):
        with self._admin() as admin, translated():
            admin.delete_topics(list(names))

    def topics(self):
        with self._admin() as admin, translated():
            return set(admin.list_topics())

    def partition_count(self, topic):
        return len(self._describe(topic)["partitions"])

    def topic_configs(self, topic):
        return self._configs(ConfigResourceType.TOPIC, topic)

    def broker_configs(self, node):
        return self._configs(ConfigResourceType.BROKER, str(node))

    def alter_topic(self, topic, configs):
        self._alter(topic, configs, incremental=True)

    def replace_configs(self, topic, configs):
        # This client sends along what was set before, so that nothing else changes.
        self._alter(topic, configs, incremental=False)

    def create_partitions(self, topic, total):
        with self._admin() as admin, translated():
            admin.create_partitions({topic: total})

    def delete_records(self, topic, partition, before):
        place = kafka.TopicPartition(topic, partition)
        with self._admin() as admin, translated():
            return admin.delete_records({place: before})[place]["low_watermark"]

    def cluster(self):
        with self._admin() as admin, translated():
            found = admin.describe_cluster()
        # The name of a broker's id depends on which request the client asked with.
        brokers = {
            broker.get("broker_id", broker.get("node_id")): (broker["host"], broker["port"])
            for broker in found["brokers"]
        }
        return {
            "brokers": brokers, "controller": found["controller_id"],
            "cluster_id": found["cluster_id"],
        }

    def log_directories(self):
        with self._admin() as admin, translated():
            (broker,) = admin.describe_log_dirs()
        result = {}
        for directory in broker["log_dirs"]:
            if directory["error_code"] != 0:
                raise ClientError(directory["error_code"], directory["log_dir"])
            result[directory["log_dir"]] = {
                (topic["name"], partition["partition_index"]): partition["partition_size"]
                for topic in directory["topics"] for partition in topic["partitions"]
            }
        return result

    def topic_id(self, topic):
        found = self._describe(topic).get("topic_id")
        return None if found is None else str(found)

    def _describe(self, topic):
        with self._admin() as admin, translated():
            (found,) = admin.describe_topics([topic])
        if found["error_code"] != 0:
            raise ClientError(found["error_code"], for_code(found["error_code"]).__name__)
        return found

    def _configs(self, kind, name):
        with self._admin() as admin, translated():
            found = admin.describe_configs([ConfigResource(kind, name)], config_filter="all")
        return {
            key: config["value"] for key, config in found[kind.name.lower()][name].items()
        }

    def _alter(self, topic, configs, incremental):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
        with self._admin() as admin, translated():
            # An unknown name is for the broker to refuse.
            result = admin.alter_configs(
                [resource], raise_on_unknown=False, incremental=incremental
            )
        answer = result["topic"][topic]
        if answer != "OK":
            raise ClientError(_code_in(answer), answer)

    def _admin(self):
        return contextlib.closing(kafka.KafkaAdminClient(
            bootstrap_servers=self.address, bootstrap_timeout_ms=10000
        ))

    def _producer(self, **options):
        return contextlib.closing(kafka.KafkaProducer(
            bootstrap_servers=self.address, bootstrap_timeout_ms=10000, request_timeout_ms=20000,
            delivery_timeout_ms=30000, max_block_ms=30000, max_request_size=CLIENT_MAX_BYTES,
            batch_size=65536, linger_ms=5, **options,
        ))

    def _consumer(self, **options):
        return contextlib.closing(kafka.KafkaConsumer(**{
            "bootstrap_servers": self.address, "bootstrap_timeout_ms": 10000, "group_id": None,
            "enable_auto_commit": False, "auto_offset_reset": "none", "max_poll_records": 10000,
            **options,
        }))

    def _records(self, topic, partition, offset, count, isolation="read_uncommitted", seconds=30):
        place = kafka.TopicPartition(topic, partition)
        found = []
        with self._consumer(isolation_level=isolation) as consumer, translated():
            consumer.assign([place])
            consumer.seek(place, offset)
            end = time.monotonic() + seconds
            while len(found) < count and time.monotonic() < end:
                found += consumer.poll(timeout_ms=200).get(place, [])
        return found[:count]


def _code_in(text):
    """The code in the text that this client has in place of an error: "[Error 40] …"."""
    digits = text.partition("[Error ")[2].partition("]")[0]
    return int(digits) if digits.isdigit() else None


@contextlib.contextmanager
def translated():
    try:
        yield
    except KafkaError as error:
        raise ClientError(getattr(error, "errno", None), repr(error)) from error
