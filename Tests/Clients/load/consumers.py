"""Consumers of assigned partitions, from the first offset on, over all restarts."""
import asyncio
import threading

import aiokafka
import confluent_kafka
import kafka
from confluent_kafka import KafkaError, TopicPartition

from .producers import BACKOFF_MS

# What librdkafka reports while a broker is away, and of a group that assigned partitions lack.
PASSING = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, 15, 16, 30}


class Consumer(threading.Thread):
    """Hands everything to the ledger until `stop`."""

    title = ""

    def __init__(self, address, ledger, wait_ms=100, min_bytes=1):
        super().__init__(name=self.title, daemon=True)
        self.address = address
        self.ledger = ledger
        self.wait_ms = wait_ms
        self.min_bytes = min_bytes
        self.stopping = threading.Event()
        self._by_name = {(place.topic, place.partition): place for place in ledger.places.values()}

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.ledger.problem(f"{self.name}: {error!r}")

    def stop(self):
        self.stopping.set()
        self.join(timeout=30)
        if self.is_alive():
            self.ledger.problem(f"{self.name} did not end")

    def receive(self, topic, partition, offset, content):
        self.ledger.receive(self._by_name[topic, partition], self.name, offset, content)


class ConfluentConsumer(Consumer):
    title = "confluent-kafka consumer"

    def work(self):
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": "load", "enable.auto.commit": False,
            "auto.offset.reset": "error", "fetch.wait.max.ms": self.wait_ms,
            "fetch.min.bytes": self.min_bytes, "log_level": 0,
            "reconnect.backoff.ms": BACKOFF_MS, "reconnect.backoff.max.ms": 200,
            "fetch.error.backoff.ms": BACKOFF_MS,
        })
        consumer.assign([TopicPartition(*name, 0) for name in self._by_name])
        while not self.stopping.is_set():
            for message in consumer.consume(1000, timeout=0.1):
                if message.error() is None:
                    self.receive(
                        message.topic(), message.partition(), message.offset(), message.value())
                elif message.error().code() not in PASSING:
                    self.ledger.problem(f"{self.name}: {message.error()}")
        consumer.close()


class KafkaPythonConsumer(Consumer):
    title = "kafka-python consumer"

    def work(self):
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=self.address, group_id=None, enable_auto_commit=False,
            auto_offset_reset="none", fetch_max_wait_ms=self.wait_ms,
            fetch_min_bytes=self.min_bytes, reconnect_backoff_ms=BACKOFF_MS,
            reconnect_backoff_max_ms=200, retry_backoff_ms=BACKOFF_MS,
        )
        places = [kafka.TopicPartition(*name) for name in self._by_name]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        while not self.stopping.is_set():
            for place, found in consumer.poll(timeout_ms=200, max_records=1000).items():
                for record in found:
                    self.receive(place.topic, place.partition, record.offset, record.value)
        consumer.close()


class AioKafkaConsumer(Consumer):
    title = "aiokafka consumer"

    def work(self):
        asyncio.run(self._work())

    async def _work(self):
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self.address, group_id=None, enable_auto_commit=False,
            auto_offset_reset="none", fetch_max_wait_ms=self.wait_ms,
            fetch_min_bytes=self.min_bytes, retry_backoff_ms=BACKOFF_MS,
        )
        await consumer.start()
        places = [aiokafka.TopicPartition(*name) for name in self._by_name]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        while not self.stopping.is_set():
            for place, found in (await consumer.getmany(timeout_ms=200)).items():
                for record in found:
                    self.receive(place.topic, place.partition, record.offset, record.value)
        await consumer.stop()


CONSUMERS = [ConfluentConsumer, KafkaPythonConsumer, AioKafkaConsumer]
