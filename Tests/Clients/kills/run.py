"""A run: kills of one broker, over topics of every backend and durability in turn."""
import itertools
import random
import time

from clients import CLIENTS, ClientError
from clients.base import INVALID_CONFIG
from load import CONSUMERS, ProducerKind, quiet
from program import BACKENDS, TRANSFERS
from server import Server, ServerError

from .ledger import Ledger, Place

DURABILITIES = ["none", "interval", "batch", "group"]
PRODUCERS = [
    ProducerKind("confluent-kafka", 1000, idempotent=True),
    ProducerKind("kafka-python", 200, acks=1),
    ProducerKind("kafka-python", 200, idempotent=True),
    ProducerKind("aiokafka", 300, idempotent=True),
]
PARTITIONS = 2
# How long a client may take to go on after a restart.
RESUME_SECONDS = 30
# One restart of so many is killed again before it has ended.
KILLED_AGAIN = 8


class Failed(Exception):
    """Something is wrong; each problem is a line of the text."""


class Run:
    """Starts a broker and its clients; `kill` as often as wanted; `finish`, then `remove`."""

    def __init__(self, kinds, seed, say=print):
        """`kinds` are pairs of a backend and a durability, in the order of their turns."""
        quiet()
        self.say = say
        self.kills = 0
        # Called when the broker is dead: where a test does harm.
        self.after_kill = lambda: None
        self._random = random.Random(seed)
        self._turn = 0
        self.server = Server({"auto.create.topics.enable": "false"})
        self.server.start()
        self.server.listen = self.server.address
        self.ledger = Ledger(PRODUCERS)
        self.topics = []
        admin = CLIENTS["confluent-kafka"](self.server.address)
        for index, (backend, durability) in enumerate(kinds):
            self._make_topic(admin, backend, durability, TRANSFERS[index % len(TRANSFERS)])
        if not self.topics:
            raise Failed("none of these backends is to be had on this system")
        address = self.server.address
        self.producers = [
            kind.make(number, address, self.ledger, self._random.random())
            for number, kind in enumerate(PRODUCERS)
        ]
        self.consumers = [kind(address, self.ledger) for kind in CONSUMERS]
        self._load()
        for client in self.producers + self.consumers:
            client.start()

    def kill(self):
        """Kills the broker at a random moment of the load, starts it again and checks."""
        topic = self.topics[self._turn % len(self.topics)]
        self._load()
        self._wait_until_all_go_on()
        time.sleep(self._random.uniform(0, 0.5))
        self.server.check()
        self.server.kill()
        self.kills += 1
        again = ""
        if self._random.randrange(KILLED_AGAIN) == 0:
            moment = self._random.uniform(0, 0.05)
            self.server.launch()
            time.sleep(moment)
            self.server.kill()
            self.kills += 1
            again = f", killed again {moment * 1000:.0f} ms after its start"
        self.after_kill()
        started = time.monotonic()
        self._restart()
        seconds = time.monotonic() - started
        places = [self.ledger.places[name, p] for name in self._active() for p in range(PARTITIONS)]
        self._expect(self.ledger.check(self.server.address, places))
        self.say(
            f"kill {self.kills}: {topic}: back after {seconds:.2f} s{again}, "
            f"{self.ledger.acknowledged} acknowledged")
        self._turn += 1

    def finish(self):
        """Ends the load, compares everything with everything, and stops the broker in order."""
        self._wait_until_all_go_on()
        for producer in self.producers:
            producer.stopping.set()
        for producer in self.producers:
            producer.stop()
        self._expect(self.ledger.check(self.server.address, self.ledger.places.values()))
        self._wait_for_consumers()
        for consumer in self.consumers:
            consumer.stop()
        self.ledger.check_again(self.server.address)
        self._expect(not self.ledger.problems)
        self.server.stop()
        self.server.verify()

    def remove(self):
        """Ends the broker, if it runs, and deletes its files."""
        for producer in self.producers:
            producer.abandon()
        for consumer in self.consumers:
            consumer.stopping.set()
        for client in self.producers + self.consumers:
            client.join(timeout=3)
        self.server.remove()

    def _make_topic(self, admin, backend, durability, transfer):
        name = f"{backend}-{durability}"
        configs = {
            "varve.backend": backend, "varve.durability": durability, "varve.transfer": transfer,
            # Small, so that kills fall on rolls too.
            "segment.bytes": "65536", "retention.ms": "-1",
        }
        try:
            admin.create_topics([name], partitions=PARTITIONS, configs=configs)
        except ClientError as error:
            if error.code != INVALID_CONFIG:
                raise
            return self.say(f"skipped {name}: {error}")
        self.topics.append(name)
        for partition in range(PARTITIONS):
            self.ledger.places[name, partition] = Place(name, partition)

    def _active(self):
        """The topics under load: this turn's and the next, so that each sees two kills in a row."""
        count = len(self.topics)
        return {self.topics[self._turn % count], self.topics[(self._turn + 1) % count]}

    def _load(self):
        places = [
            self.ledger.places[name, partition]
            for name, partition in itertools.product(sorted(self._active()), range(PARTITIONS))
        ]
        for producer in self.producers:
            producer.active = places

    def _restart(self):
        try:
            self.server.start()
        except ServerError as error:
            raise Failed(f"the broker does not start again: {error}") from error

    def _wait_until_all_go_on(self):
        progress = self.ledger.progress
        before = {client.name: progress[client.name] for client in self.producers + self.consumers}
        self._wait(
            RESUME_SECONDS, "went on after the restart",
            lambda: [name for name, count in before.items() if progress[name] == count])

    def _wait_for_consumers(self):
        places = self.ledger.places.values()
        self._wait(
            RESUME_SECONDS, "got everything", lambda: [
                f"{client.name} at {place}" for place in places for client in self.consumers
                if len(place.received[client.name]) < len(place.log)
            ])

    def _wait(self, seconds, what, missing):
        end = time.monotonic() + seconds
        while left := missing():
            self.server.check()
            self._expect(not self.ledger.problems)
            if time.monotonic() > end:
                raise Failed("\n".join(f"{name}: not {what} within {seconds} s" for name in left))
            time.sleep(0.01)

    def _expect(self, holds):
        if not holds:
            raise Failed("\n".join(self.ledger.problems))
