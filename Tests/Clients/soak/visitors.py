"""Clients that come, do something, and go: readers from the start, administrators, broken peers."""
import itertools
import os
import random
import socket
import threading
import time

import confluent_kafka
from confluent_kafka import TopicPartition

from clients import CLIENTS, ClientError, Record


class Visitor(threading.Thread):
    """Calls `visit` every `pause` seconds until `stop`."""

    title = ""
    pause = 1.0

    def __init__(self, address, ledger, backends):
        super().__init__(name=self.title, daemon=True)
        self.address = address
        self.ledger = ledger
        self.backends = backends
        self.stopping = threading.Event()
        self.count = 0
        self.prepare()

    def prepare(self):
        pass

    def run(self):
        while not self.stopping.wait(self.pause):
            try:
                self.visit()
            except Exception as error:
                self.ledger.problem(f"{self.name}: {error!r}")
            self.count += 1

    def stop(self):
        self.stopping.set()
        self.join(timeout=90)
        if self.is_alive():
            self.ledger.problem(f"{self.name} did not end")


class Reader(Visitor):
    """Reads a partition from its start to its end, by each client in turn."""

    title = "reader from the start"
    pause = 10.0
    RECORDS_MAX = 20_000

    def prepare(self):
        names = [name for name in CLIENTS if name != "kcat"]
        self._clients = itertools.cycle([CLIENTS[name](self.address) for name in names])
        self._places = itertools.cycle(self.ledger.places.values())

    def visit(self):
        client, place = next(self._clients), next(self._places)
        first, end = client.bounds(place.topic, place.partition)
        count = min(end - first, self.RECORDS_MAX)
        try:
            found = client.consume(place.topic, place.partition, first, count)
        except ClientError as error:
            # Retention may have been faster.
            if client.bounds(place.topic, place.partition)[0] > first:
                return
            raise error
        if [record.offset for record in found] != list(range(first, first + count)):
            self.ledger.problem(
                f"{self.name}: {client.name} got {len(found)} records of {place} from {first}, "
                f"expected {count}")
        for record in found:
            if self.ledger.parse(record.value) is None:
                self.ledger.problem(f"{self.name}: {place} offset {record.offset}: other bytes")


class Administrator(Visitor):
    """Makes a topic, writes and reads it, and deletes it, by each client in turn."""

    title = "administrator"
    pause = 8.0

    def prepare(self):
        self._clients = itertools.cycle([client(self.address) for client in CLIENTS.values()])
        self._admins = itertools.cycle([
            CLIENTS[name](self.address) for name in CLIENTS if name != "kcat"
        ])

    def visit(self):
        admin, client = next(self._admins), next(self._clients)
        name = f"passing-{self.count}"
        admin.create_topics([name], partitions=3, configs={
            "varve.backend": random.choice(self.backends), "segment.bytes": "1048576",
        })
        records = [Record(b"record %d" % number, partition=1) for number in range(100)]
        client.produce(name, records)
        found = client.consume(name, 1, 0, len(records))
        if [record.value for record in found] != [record.value for record in records]:
            self.ledger.problem(f"{self.name}: {client.name} got other records of {name}")
        admin.delete_topics([name])
        if name in admin.topics():
            self.ledger.problem(f"{self.name}: {name} is there after {admin.name} deleted it")


class TimeAsker(Visitor):
    """Asks for an offset by a time that lies between two looks at the log's end."""

    title = "asker by time"
    pause = 2.0

    def prepare(self):
        self._consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": "soak-times", "log_level": 0,
        })

    def visit(self):
        place = random.choice(list(self.ledger.places.values()))
        ask = TopicPartition(place.topic, place.partition)
        before = self._end(ask)
        # Producers stamp records before they send them: by less than this.
        time.sleep(3)
        now = round(time.time() * 1000)
        time.sleep(3)
        end = self._end(ask)
        asked = TopicPartition(place.topic, place.partition, now)
        (found,) = self._consumer.offsets_for_times([asked], timeout=10)
        if found.error is not None or end > before and not before <= found.offset <= end:
            self.ledger.problem(
                f"{self.name}: {place} at {now}: {found.error} offset {found.offset}, expected "
                f"{before} to {end}")

    def _end(self, place):
        return self._consumer.get_watermark_offsets(place, timeout=10)[1]


class BrokenPeer(Visitor):
    """Connections that end in the middle, say nothing, or talk nonsense."""

    title = "broken peer"
    pause = 1.0

    def prepare(self):
        self._silent = []

    def visit(self):
        host, port = self.address.rsplit(":", 1)
        for _ in range(10):
            peer = socket.create_connection((host, int(port)), timeout=10)
            what = random.randrange(4)
            if what == 0:
                peer.sendall((1000).to_bytes(4) + os.urandom(random.randrange(999)))
            elif what == 1:
                peer.sendall((64).to_bytes(4) + os.urandom(64))
            elif what == 2:
                peer.sendall(os.urandom(2))
            else:
                self._silent.append(peer)
                continue
            peer.close()
        while len(self._silent) > 50:
            self._silent.pop(0).close()


VISITORS = [Reader, Administrator, TimeAsker, BrokenPeer]
