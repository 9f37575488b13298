"""Producers that send numbered records at a fixed rate, whatever becomes of the broker."""
import asyncio
import functools
import random
import threading
import time

import aiokafka
import confluent_kafka
import kafka

from . import records

TICK = 0.01
# Longer than any restart takes: a record that fails is a finding.
DELIVERY_SECONDS = 60
BACKOFF_MS = 20


class Producer(threading.Thread):
    """Sends to the places in `active` until `stop`, then waits until everything is answered."""

    name_ = ""
    idempotent = True
    rate = 500  # records a second

    def __init__(self, number, address, ledger, seed):
        super().__init__(name=self.name_, daemon=True)
        self.number = number
        self.address = address
        self.ledger = ledger
        self.active = []
        self.stopping = threading.Event()
        self._random = random.Random(seed)
        self._next = {}

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.ledger.problem(f"{self.name_}: {error!r}")

    def stop(self):
        self.stopping.set()
        self.join(timeout=DELIVERY_SECONDS + 30)
        if self.is_alive():
            self.ledger.problem(f"{self.name_} did not end")

    def load(self):
        """The records of one tick: [(place, number)]."""
        sent = []
        places = self.active
        for _ in range(max(1, round(self.rate * TICK)) if places else 0):
            place = self._random.choice(places)
            number = self._next.get(place, 0)
            self._next[place] = number + 1
            sent.append((place, number))
        return sent

    def value(self, number):
        return records.value(self.number, number)

    def acknowledge(self, place, number, offset):
        self.ledger.acknowledge(place, self.number, number, offset)

    def fail(self, place, number, error):
        self.ledger.problem(f"{self.name_}: record {number} to {place} failed: {error!r}")


class ConfluentProducer(Producer):
    name_ = "confluent-kafka idempotent"
    rate = 1000

    def work(self):
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.address, "enable.idempotence": True, "acks": "all",
            "linger.ms": 2, "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
            "retry.backoff.ms": BACKOFF_MS, "reconnect.backoff.ms": BACKOFF_MS,
            "reconnect.backoff.max.ms": 200, "log_level": 0, "error_cb": self._error,
        })
        while not self.stopping.is_set():
            for place, number in self.load():
                self._send(producer, place, number)
            producer.poll(TICK)
        left = producer.flush(DELIVERY_SECONDS + 10)
        if left:
            self.ledger.problem(f"{self.name_}: {left} records were never answered")

    def _send(self, producer, place, number):
        while True:
            try:
                return producer.produce(
                    place.topic, value=self.value(number), partition=place.partition,
                    on_delivery=functools.partial(self._delivered, place, number))
            except BufferError:
                producer.poll(0.1)

    def _delivered(self, place, number, error, message):
        if error is None:
            self.acknowledge(place, number, message.offset())
        else:
            self.fail(place, number, error)

    def _error(self, error):
        if error.fatal():
            self.ledger.problem(f"{self.name_}: {error}")


class KafkaPythonProducer(Producer):
    name_ = "kafka-python acks=1"
    idempotent = False
    acks = 1
    rate = 200

    def work(self):
        producer = kafka.KafkaProducer(
            bootstrap_servers=self.address, acks=self.acks, enable_idempotence=self.idempotent,
            linger_ms=2, delivery_timeout_ms=DELIVERY_SECONDS * 1000, request_timeout_ms=20000,
            retry_backoff_ms=BACKOFF_MS, reconnect_backoff_ms=BACKOFF_MS,
            reconnect_backoff_max_ms=200,
        )
        while not self.stopping.is_set():
            for place, number in self.load():
                future = producer.send(
                    place.topic, value=self.value(number), partition=place.partition)
                future.add_callback(self._delivered, place, number)
                future.add_errback(self.fail, place, number)
            time.sleep(TICK)
        producer.flush(timeout=DELIVERY_SECONDS + 10)
        producer.close(timeout=10)

    def _delivered(self, place, number, metadata):
        self.acknowledge(place, number, metadata.offset)


class KafkaPythonIdempotentProducer(KafkaPythonProducer):
    name_ = "kafka-python idempotent"
    idempotent = True
    acks = "all"


class AioKafkaProducer(Producer):
    name_ = "aiokafka idempotent"
    rate = 300

    def work(self):
        asyncio.run(self._work())

    async def _work(self):
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=self.address, acks="all", enable_idempotence=True, linger_ms=2,
            request_timeout_ms=DELIVERY_SECONDS * 1000, retry_backoff_ms=BACKOFF_MS,
        )
        await producer.start()
        while not self.stopping.is_set():
            for place, number in self.load():
                future = await producer.send(
                    place.topic, value=self.value(number), partition=place.partition)
                future.add_done_callback(functools.partial(self._answered, place, number))
            await asyncio.sleep(TICK)
        await producer.flush()
        await producer.stop()

    def _answered(self, place, number, future):
        error = future.exception()
        if error is None:
            self.acknowledge(place, number, future.result().offset)
        else:
            self.fail(place, number, error)


PRODUCERS = [
    ConfluentProducer, KafkaPythonProducer, KafkaPythonIdempotentProducer, AioKafkaProducer,
]
