"""python3 -m soak --minutes M: see Scripts/soak-broker."""
import argparse
import os
import pathlib
import sys
import time

from clients import CLIENTS, ClientError
from kills.run import DURABILITIES
from program import BACKENDS, TRANSFERS
from load import CONSUMERS, ProducerKind, quiet
from server import ROOT, Server, ServerError

from .ledger import Ledger, Place
from .samples import Samples
from .visitors import VISITORS

CALM = {"linger_ms": 50, "tick": 0.05}
PRODUCERS = [
    ProducerKind("confluent-kafka", 500, idempotent=True, **CALM),
    ProducerKind("confluent-kafka", 50, acks=1, compression="zstd", **CALM),
    ProducerKind("confluent-kafka", 50, acks=0, compression="lz4", **CALM),
    ProducerKind("kafka-python", 30, idempotent=True, compression="gzip", **CALM),
    ProducerKind("kafka-python", 30, acks=1, **CALM),
    ProducerKind("aiokafka", 50, idempotent=True, compression="snappy", **CALM),
]
SEGMENT_BYTES = 16 << 20
RETENTION_BYTES = 64 << 20
SAMPLE_SECONDS = 10
FIRST_MINUTES = 5


def main():
    parser = argparse.ArgumentParser(prog="soak-broker")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--data", help="where the data goes while it runs")
    parser.add_argument("--csv", type=pathlib.Path, default=ROOT / ".build/soak-broker.csv")
    options = parser.parse_args()
    quiet()
    server = Server({"auto.create.topics.enable": "false"}, base=options.data).start()
    try:
        problems, result = Soak(server, options.minutes, options.csv).run()
    except ServerError as error:
        problems, result = [str(error)], "the broker failed"
    for problem in problems:
        print(problem)
    if problems:
        print(f"the broker's log ends with:\n{server.log_tail()}")
        print(f"soak-broker: FAILED: {result}; what failed stands above, {server.folder} is kept")
        return 1
    server.remove()
    print(f"soak-broker: {result}")
    return 0


class Soak:
    def __init__(self, server, minutes, path):
        self.server = server
        self.seconds = minutes * 60
        self.minutes = minutes
        self.samples = Samples(path, server)
        places = self._make_topics()
        self.backends = list(dict.fromkeys(name.removeprefix("soak-") for name, _ in places))
        self.ledger = Ledger(PRODUCERS, CONSUMERS[0].title, places)

    def run(self):
        """(problems, what it came to)"""
        address, ledger = self.server.address, self.ledger
        producers = [kind.make(n, address, ledger, n) for n, kind in enumerate(PRODUCERS)]
        consumers = [kind(address, ledger, wait_ms=500, min_bytes=1 << 16) for kind in CONSUMERS]
        visitors = [kind(address, ledger, self.backends) for kind in VISITORS]
        for producer in producers:
            producer.active = list(ledger.places.values())
        for client in producers + consumers + visitors:
            client.start()
        self._watch(visitors)
        for client in visitors + producers:
            client.stop()
        self._wait_for_consumers(consumers)
        for consumer in consumers:
            consumer.stop()
        ledger.check_end()
        self._judge(producers + consumers)
        if not ledger.problems:
            self.server.stop()
            self.server.verify()
        return ledger.problems, self._result()

    def _make_topics(self):
        admin = CLIENTS["confluent-kafka"](self.server.address)
        places = {}
        for index, backend in enumerate(BACKENDS):
            name = f"soak-{backend}"
            try:
                admin.create_topics([name], configs={
                    "varve.backend": backend, "retention.ms": "-1",
                    "varve.durability": DURABILITIES[index % len(DURABILITIES)],
                    "varve.transfer": TRANSFERS[index % len(TRANSFERS)],
                    "segment.bytes": str(SEGMENT_BYTES), "retention.bytes": str(RETENTION_BYTES),
                })
            except ClientError as error:
                print(f"skipped {backend}: {error}", flush=True)
                continue
            places[name, 0] = Place(name, 0)
        return places

    def _watch(self, visitors):
        start = time.monotonic()
        due = start
        while time.monotonic() - start < self.seconds and not self.ledger.problems:
            time.sleep(1)
            self.server.check()
            self.ledger.check()
            if time.monotonic() < due:
                continue
            due += SAMPLE_SECONDS
            self.samples.take(self.ledger.checked)
            row = self.samples.rows[-1]
            if len(self.samples.rows) % 6 == 1:
                visits = ", ".join(f"{visitor.name} {visitor.count}" for visitor in visitors)
                print(
                    f"{row['seconds'] / 60:.0f} min.: RSS {row['rss_mib']} MiB, "
                    f"{row['descriptors']} descriptors, log {row['log_mib']} MiB, "
                    f"{row['acknowledged']} acknowledged and found; {visits}", flush=True)

    def _wait_for_consumers(self, consumers):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            places = self.ledger.places.values()
            ends = {place.end[consumer.name] for place in places for consumer in consumers}
            behind = [
                place for place in places
                if len({place.end[consumer.name] for consumer in consumers}) > 1
                or place.acknowledged and place.acknowledged[-1][0] >= max(ends)
            ]
            if not behind:
                return
            time.sleep(0.2)

    def _judge(self, clients):
        problem = self.ledger.problem
        for client in clients:
            if "acks=0" not in client.name and not self.ledger.progress[client.name]:
                problem(f"{client.name} did nothing")
        for place in self.ledger.places.values():
            ends = {name: place.end[name] for name in (kind.title for kind in CONSUMERS)}
            if len(set(ends.values())) > 1:
                problem(f"{place}: consumers ended at {ends}")
        first, last = self._highest("rss_mib")
        # In a shorter run the windows do not hold a segment's whole life.
        is_judged = self.minutes >= 2 * FIRST_MINUTES
        if is_judged and last > first + max(first / 10, 16):
            problem(f"RSS grew from {first} to {last} MiB")
        # Retention leaves what is asked, the active segment, and one that it is about to delete.
        most = len(self.ledger.places) * (RETENTION_BYTES + 2 * SEGMENT_BYTES) / (1 << 20) + 64
        if self.samples.rows[-1]["log_mib"] > most:
            found = self.samples.rows[-1]["log_mib"]
            problem(f"the log takes {found} MiB, expected {most} at most")

    def _highest(self, column):
        """Of the minutes that end FIRST_MINUTES after the start, and of as many at the end.

        Pages of a mapped segment count until it ends: memory goes up and down with segments, and
        such a window is longer than one takes.
        """
        window = min(FIRST_MINUTES * 60, self.seconds / 2)
        return (self.samples.highest(column, 0, window),
                self.samples.highest(column, self.seconds - window, self.seconds))

    def _result(self):
        first, last = self._highest("rss_mib")
        descriptors = self._highest("descriptors")
        minutes = min(FIRST_MINUTES, self.minutes / 2)
        return (
            f"RSS {first:.0f} MiB after {minutes:g} minutes, {last:.0f} MiB after "
            f"{self.minutes:g} minutes; descriptors {descriptors[0]}, {descriptors[1]}")


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Clients' threads that wait for a broker need not be waited for.
    os._exit(status)
