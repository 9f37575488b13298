"""Producers that send numbered records at a fixed rate, whatever becomes of the broker."""
import asyncio
import dataclasses
import functools
import random
import threading
import time

import aiokafka
import confluent_kafka
import kafka

# Longer than any restart takes: a record that fails is a finding.
DELIVERY_SECONDS = 60
BACKOFF_MS = 20


@dataclasses.dataclass(frozen=True)
class ProducerKind:
    """A producer as it is wanted."""

    client: str
    rate: int  # records a second
    acks: int | str = "all"
    idempotent: bool = False
    compression: str = "none"
    linger_ms: int = 2
    tick: float = 0.01  # seconds from one look at what is due to the next

    def __str__(self):
        words = [self.client, "idempotent" if self.idempotent else f"acks={self.acks}"]
        return " ".join(words + [self.compression] * (self.compression != "none"))

    def make(self, number, address, ledger, seed):
        return CLIENTS[self.client](self, number, address, ledger, seed)


class Producer(threading.Thread):
    """Sends to the places in `active` until `stop`, then waits until everything is answered.

    `number` is what its records say of who sent them.
    """

    def __init__(self, kind, number, address, ledger, seed):
        super().__init__(name=f"{kind} producer", daemon=True)
        self.kind = kind
        self.number = number
        self.address = address
        self.ledger = ledger
        self.active = []
        self.stopping = threading.Event()
        # Whether to wait for answers at the end.
        self.waits = True
        self._random = random.Random(seed)
        self._next = {}
        self._due = time.monotonic()

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.ledger.problem(f"{self.name}: {error!r}")

    def abandon(self):
        """Ends without waiting for answers, soon."""
        self.waits = False
        self.stopping.set()

    def stop(self):
        self.stopping.set()
        self.join(timeout=DELIVERY_SECONDS + 30)
        if self.is_alive():
            self.ledger.problem(f"{self.name} did not end")

    def load(self):
        """The records that are due: [(place, number)]. What a long wait left out is not made up."""
        now = time.monotonic()
        self._due = max(self._due, now - 10 * self.kind.tick)
        places, sent = self.active, []
        while places and self._due <= now:
            self._due += 1 / self.kind.rate
            place = self._random.choice(places)
            number = self._next.get(place, 0)
            self._next[place] = number + 1
            sent.append((place, number))
        return sent

    def value(self, number):
        return self.ledger.value(self.number, number)

    def compression(self):
        return None if self.kind.compression == "none" else self.kind.compression

    def acknowledge(self, place, number, offset):
        self.ledger.acknowledge(place, self.number, number, offset)

    def fail(self, place, number, error):
        self.ledger.problem(f"{self.name}: record {number} to {place} failed: {error!r}")


class ConfluentProducer(Producer):
    def work(self):
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.address, "acks": str(self.kind.acks),
            "enable.idempotence": self.kind.idempotent, "compression.type": self.kind.compression,
            "batch.size": 32768, "linger.ms": self.kind.linger_ms,
            "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
            "retry.backoff.ms": BACKOFF_MS, "reconnect.backoff.ms": BACKOFF_MS,
            "reconnect.backoff.max.ms": 200, "log_level": 0, "error_cb": self._error,
        })
        while not self.stopping.is_set():
            for place, number in self.load():
                self._send(producer, place, number)
            producer.poll(self.kind.tick)
        if not self.waits:
            return producer.purge()
        left = producer.flush(DELIVERY_SECONDS + 10)
        if left:
            self.ledger.problem(f"{self.name}: {left} records were never answered")

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
            self.ledger.problem(f"{self.name}: {error}")


class KafkaPythonProducer(Producer):
    def work(self):
        producer = kafka.KafkaProducer(
            bootstrap_servers=self.address, acks=self.kind.acks,
            enable_idempotence=self.kind.idempotent, compression_type=self.compression(),
            linger_ms=self.kind.linger_ms, delivery_timeout_ms=DELIVERY_SECONDS * 1000,
            request_timeout_ms=20000,
            retry_backoff_ms=BACKOFF_MS, reconnect_backoff_ms=BACKOFF_MS,
            reconnect_backoff_max_ms=200,
        )
        while not self.stopping.is_set():
            for place, number in self.load():
                future = producer.send(
                    place.topic, value=self.value(number), partition=place.partition)
                future.add_callback(self._delivered, place, number)
                future.add_errback(self.fail, place, number)
            time.sleep(self.kind.tick)
        if self.waits:
            producer.flush(timeout=DELIVERY_SECONDS + 10)
        producer.close(timeout=10 if self.waits else 0)

    def _delivered(self, place, number, metadata):
        self.acknowledge(place, number, metadata.offset)


class AioKafkaProducer(Producer):
    def work(self):
        asyncio.run(self._work())

    async def _work(self):
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=self.address, acks=self.kind.acks, linger_ms=self.kind.linger_ms,
            enable_idempotence=self.kind.idempotent, compression_type=self.compression(),
            request_timeout_ms=DELIVERY_SECONDS * 1000, retry_backoff_ms=BACKOFF_MS,
        )
        await producer.start()
        while not self.stopping.is_set():
            for place, number in self.load():
                future = await producer.send(
                    place.topic, value=self.value(number), partition=place.partition)
                future.add_done_callback(functools.partial(self._answered, place, number))
            await asyncio.sleep(self.kind.tick)
        if self.waits:
            await producer.flush()
            await producer.stop()

    def _answered(self, place, number, future):
        error = future.exception()
        if error is None:
            self.acknowledge(place, number, future.result().offset)
        else:
            self.fail(place, number, error)


CLIENTS = {
    "confluent-kafka": ConfluentProducer, "kafka-python": KafkaPythonProducer,
    "aiokafka": AioKafkaProducer,
}
