"""aiokafka: an event loop for each call."""
import asyncio
import contextlib
import functools

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import TopicPartition

from .base import CLIENT_MAX_BYTES, Client, ClientError, Lacks, Received

TYPES = {0: "create", 1: "append"}


def blocking(method):
    """Runs a coroutine to its end, and translates its errors."""

    @functools.wraps(method)
    def run(*arguments, **options):
        try:
            return asyncio.run(method(*arguments, **options))
        except KafkaError as error:
            raise ClientError(getattr(error, "errno", None), repr(error)) from error

    return run


class AioKafka(Client):
    name = "aiokafka"

    @staticmethod
    def version():
        return aiokafka.__version__

    @blocking
    async def produce(self, topic, records, *, acks="all", compression="none", idempotent=False):
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=self.address, acks=acks, enable_idempotence=idempotent,
            compression_type=None if compression == "none" else compression,
            max_request_size=CLIENT_MAX_BYTES, max_batch_size=65536, linger_ms=5,
            request_timeout_ms=30000,
        )
        async with producer:
            futures = [
                await producer.send(
                    topic, value=record.value, key=record.key, headers=list(record.headers),
                    partition=record.partition, timestamp_ms=record.timestamp,
                )
                for record in records
            ]
            await asyncio.gather(*futures)

    @blocking
    async def consume(
        self, topic, partition, offset, count, *, isolation="read_uncommitted", seconds=30
    ):
        records = await self._records(topic, partition, offset, count, isolation, seconds)
        return [
            Received(
                record.offset, record.timestamp, record.key, record.value, tuple(record.headers)
            )
            for record in records
        ]

    @blocking
    async def timestamp_types(self, topic, partition, offset, count):
        records = await self._records(topic, partition, offset, count)
        return [TYPES.get(record.timestamp_type, "unknown") for record in records]

    @blocking
    async def bounds(self, topic, partition):
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            first = (await consumer.beginning_offsets([place]))[place]
            return first, (await consumer.end_offsets([place]))[place]

    @blocking
    async def offset_at(self, topic, partition, timestamp):
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            found = (await consumer.offsets_for_times({place: timestamp}))[place]
        return None if found is None else found.offset

    @blocking
    async def create_topics(
        self, names, partitions=1, configs=None, replicas=1, validate_only=False
    ):
        topics = [
            NewTopic(name, partitions, replicas, topic_configs=configs or {}) for name in names
        ]
        async with self._admin() as admin:
            response = await admin.create_topics(topics, validate_only=validate_only)
        for name, code, *text in response.topic_errors:
            self._check(code, f"{name}: {text}")

    @blocking
    async def delete_topics(self, names):
        async with self._admin() as admin:
            response = await admin.delete_topics(list(names))
        for name, code in response.topic_error_codes:
            self._check(code, name)

    @blocking
    async def topics(self):
        async with self._admin() as admin:
            return set(await admin.list_topics())

    @blocking
    async def partition_count(self, topic):
        async with self._admin() as admin:
            (found,) = await admin.describe_topics([topic])
        self._check(found["error_code"], topic)
        return len(found["partitions"])

    @blocking
    async def topic_configs(self, topic):
        return await self._configs(ConfigResourceType.TOPIC, topic)

    @blocking
    async def broker_configs(self, node):
        return await self._configs(ConfigResourceType.BROKER, str(node))

    def alter_topic(self, topic, configs):
        raise Lacks("has AlterConfigs only, which resets what is not named")

    @blocking
    async def replace_configs(self, topic, configs):
        async with self._admin() as admin:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
            (response,) = await admin.alter_configs([resource])
        for code, text, *_ in response.resources:
            self._check(code, text)

    @blocking
    async def create_partitions(self, topic, total):
        async with self._admin() as admin:
            await admin.create_partitions({topic: NewPartitions(total)})

    @blocking
    async def delete_records(self, topic, partition, before):
        place = TopicPartition(topic, partition)
        async with self._admin() as admin:
            return (await admin.delete_records({place: RecordsToDelete(before)}))[place]

    @blocking
    async def cluster(self):
        async with self._admin() as admin:
            found = await admin.describe_cluster()
        return {
            "brokers": {
                broker["node_id"]: (broker["host"], broker["port"]) for broker in found["brokers"]
            },
            "controller": found["controller_id"], "cluster_id": found.get("cluster_id"),
        }

    @staticmethod
    def _check(code, text):
        if code != 0:
            raise ClientError(code, f"{for_code(code).__name__}: {text}")

    async def _configs(self, kind, name):
        async with self._admin() as admin:
            (response,) = await admin.describe_configs([ConfigResource(kind, name)])
        (resource,) = response.to_object()["resources"]
        self._check(resource["error_code"], resource["error_message"])
        entries = resource.get("config_entries", resource.get("configs"))
        return {entry["config_names"]: entry["config_value"] for entry in entries}

    @contextlib.asynccontextmanager
    async def _admin(self):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    def _consumer(self, *topics, **options):
        return aiokafka.AIOKafkaConsumer(*topics, **{
            "bootstrap_servers": self.address, "group_id": None, "enable_auto_commit": False,
            "auto_offset_reset": "none", **options,
        })

    async def _records(
        self, topic, partition, offset, count, isolation="read_uncommitted", seconds=30
    ):
        place = TopicPartition(topic, partition)
        found = []
        clock = asyncio.get_running_loop()
        async with self._consumer(isolation_level=isolation) as consumer:
            consumer.assign([place])
            consumer.seek(place, offset)
            end = clock.time() + seconds
            while len(found) < count and clock.time() < end:
                found += (await consumer.getmany(timeout_ms=200)).get(place, [])
        return found[:count]
