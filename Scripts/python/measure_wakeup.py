"""How long until a consumer that waits at the end of a log has what was just produced?

A wake-up: the consumer's fetch waits at the broker (at least 1 byte, at most 5 s); a record is
produced, acks=all. Two times are taken, both until the fetch response has arrived whole: from just
before the produce request is sent, and from its acknowledgement (negative where the consumer is
faster). The reference is a thread that does nothing but answer: the same sizes over two sockets.
"""
import argparse
import collections
import csv
import pathlib
import queue
import random
import socket
import statistics
import sys
import threading
import time

import confluent_kafka
from confluent_kafka import TopicPartition
from kafka.record.default_records import DefaultRecordBatchBuilder

import raw
from clients import CLIENTS, ClientError
from program import BACKENDS
from server import Server

DURABILITIES = ["none", "group"]
CONSUMERS = ["raw", "confluent-kafka"]
VALUE_BYTES = 100
MEAN_GAP_SECONDS = 0.02
WAIT_MS = 5000
PATIENCE_SECONDS = 20
BOUND_MS = 5
ECHO = ("echo", "", "")
KEYS = ["consumer", "backend", "durability"]
FIGURES = ["from_request", "after_ack"]


class Connection(raw.RawConnection):
    """Without Nagle's delay; `sizes` are those of its last request and answer on the wire."""

    def __init__(self, address):
        super().__init__(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sizes = (0, 0)

    def _ask(self, api, body):
        answer = super()._ask(api, body)
        # Before the body: size, key, version, number, client id; before the answer: size, number.
        self.sizes = (4 + 13 + len(body), 4 + 4 + len(answer))
        return answer


class Follower(threading.Thread):
    """Waits at the end of a log; `arrivals` gets the moment, in nanoseconds, of each record."""

    def __init__(self):
        super().__init__(daemon=True)
        self.arrivals = queue.Queue()
        self.stopping = threading.Event()

    def run(self):
        try:
            self.follow()
        except Exception as error:
            if not self.stopping.is_set():
                self.arrivals.put(error)

    def wait(self):
        found = self.arrivals.get(timeout=PATIENCE_SECONDS)
        if isinstance(found, Exception):
            raise found
        return found

    def end(self):
        self.stopping.set()


class RawFollower(Follower):
    def __init__(self, address, topic, offset):
        super().__init__()
        self.topic = topic
        self.offset = offset
        self.connection = Connection(address)

    def follow(self):
        while not self.stopping.is_set():
            error, data = self.connection.fetch(self.topic, 0, self.offset, wait_ms=WAIT_MS)
            moment = time.monotonic_ns()
            if error != 0:
                raise RuntimeError(f"fetch of {self.topic} at {self.offset}: error {error}")
            for first, count, _ in raw.whole_batches(data):
                self.offset = first + count
                self.arrivals.put(moment)

    def end(self):
        super().end()
        self.connection.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.connection.socket.close()


class ConfluentFollower(Follower):
    def __init__(self, address, topic, offset):
        super().__init__()
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": address, "group.id": "wakeup", "enable.auto.commit": False,
            "fetch.min.bytes": 1, "fetch.wait.max.ms": WAIT_MS, "log_level": 0,
        })
        self.consumer.assign([TopicPartition(topic, 0, offset)])

    def follow(self):
        while not self.stopping.is_set():
            message = self.consumer.poll(0.5)
            moment = time.monotonic_ns()
            if message is not None and message.error() is None:
                self.arrivals.put(moment)

    def end(self):
        super().end()
        self.join()
        self.consumer.close()


class Broker:
    """One cell: a topic, a connection that produces to it, and a consumer at its end."""

    def __init__(self, address, topic, consumer):
        self.topic = topic
        self.connection = Connection(address)
        _, offset = self.connection.end_offset(topic, 0)
        kind = RawFollower if consumer == "raw" else ConfluentFollower
        self.follower = kind(address, topic, offset)
        self.follower.start()

    def produce(self):
        builder = DefaultRecordBatchBuilder(
            magic=2, compression_type=0, is_transactional=False, producer_id=-1,
            producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
        )
        builder.append(
            0, timestamp=round(time.time() * 1000), key=None, value=bytes(VALUE_BYTES), headers=[])
        batch = bytes(builder.build())
        start = time.monotonic_ns()
        error, _ = self.connection.produce(self.topic, 0, batch)
        acknowledged = time.monotonic_ns()
        if error != 0:
            raise RuntimeError(f"produce to {self.topic}: error {error}")
        return start, acknowledged

    def end(self):
        self.follower.end()
        self.connection.socket.close()


class Echo:
    """The reference: a thread between two sockets that answers both when one has asked."""

    def __init__(self, produce_sizes, fetch_sizes):
        self.produce_sizes = produce_sizes
        self.fetch_sizes = fetch_sizes
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
            self.producer, self.produced = socket.create_connection(address), listener.accept()[0]
            self.consumer, self.consumed = socket.create_connection(address), listener.accept()[0]
        self.sockets = [self.producer, self.produced, self.consumer, self.consumed]
        for one in self.sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.follower = Follower()
        self.follower.follow = self._follow
        self.follower.start()
        self.thread = threading.Thread(target=self._answer, daemon=True)
        self.thread.start()

    def produce(self):
        request = bytes(self.produce_sizes[0])
        start = time.monotonic_ns()
        self.producer.sendall(request)
        self._receive(self.producer, self.produce_sizes[1])
        return start, time.monotonic_ns()

    def end(self):
        self.follower.end()
        for one in self.sockets:
            one.shutdown(socket.SHUT_RDWR)
        self.follower.join()
        self.thread.join()
        for one in self.sockets:
            one.close()

    def _follow(self):
        while True:
            self.consumer.sendall(bytes(self.fetch_sizes[0]))
            self._receive(self.consumer, self.fetch_sizes[1])
            self.follower.arrivals.put(time.monotonic_ns())

    def _answer(self):
        try:
            while True:
                self._receive(self.consumed, self.fetch_sizes[0])
                self._receive(self.produced, self.produce_sizes[0])
                self.consumed.sendall(bytes(self.fetch_sizes[1]))
                self.produced.sendall(bytes(self.produce_sizes[1]))
        except OSError:
            return

    @staticmethod
    def _receive(one, count):
        while count > 0:
            part = one.recv(count)
            if not part:
                raise ConnectionError("closed")
            count -= len(part)


def measure(cell, discarded, wakeups, order):
    """[(microseconds from the request, from the acknowledgement)]"""
    found = []
    for index in range(discarded + wakeups):
        time.sleep(order.expovariate(1 / MEAN_GAP_SECONDS))
        start, acknowledged = cell.produce()
        arrived = cell.follower.wait()
        if index >= discarded:
            found.append(((arrived - start) / 1e3, (arrived - acknowledged) / 1e3))
    return found


def make_topics(address):
    """The cells that this system has, without the reference."""
    admin = CLIENTS["confluent-kafka"](address)
    cells = []
    for backend in BACKENDS:
        for durability in DURABILITIES:
            configs = {"varve.backend": backend, "varve.durability": durability}
            try:
                admin.create_topics([f"{backend}-{durability}"], configs=configs)
            except ClientError as error:
                print(f"skipped {backend} {durability}: {error}", file=sys.stderr)
                continue
            cells += [(consumer, backend, durability) for consumer in CONSUMERS]
    return cells


def sizes(address, topic):
    """What a produce and a fetch of one record take on the wire, both ways each."""
    cell = Broker(address, topic, "raw")
    try:
        cell.produce()
        cell.follower.wait()
        produce = cell.connection.sizes
        # The follower's answer has one record, and so has this.
        cell.connection.fetch(topic, 0, cell.follower.offset - 1)
        return produce, cell.connection.sizes
    finally:
        cell.end()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(address, options, wakeup_rows, cell_rows):
    order = random.Random(options.seed)
    cells = make_topics(address)
    echo_sizes = sizes(address, f"{cells[0][1]}-{cells[0][2]}")
    cells.append(ECHO)
    for block in range(1, options.repeats + 1):
        order.shuffle(cells)
        for position, key in enumerate(cells, 1):
            consumer, backend, durability = key
            cell = (Echo(*echo_sizes) if key == ECHO
                    else Broker(address, f"{backend}-{durability}", consumer))
            try:
                found = measure(cell, options.discard, options.wakeups, order)
            finally:
                cell.end()
            place = {"block": block, "position": position, **dict(zip(KEYS, key))}
            row = {**place, "wakeups": len(found)}
            for name, values in zip(FIGURES, zip(*found)):
                for label, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)):
                    row[f"{name}_{label}_us"] = round(percentile(values, share), 1)
            cell_rows.append(row)
            wakeup_rows += [
                {**place, "number": number, "from_request_us": round(request, 1),
                 "after_ack_us": round(after, 1)}
                for number, (request, after) in enumerate(found, 1)
            ]
            where = f"block {block} of {options.repeats}, {position} of {len(cells)}"
            print(f"{where}: {' '.join(key)} {row['from_request_p50_us'] / 1e3:.2f} ms",
                  file=sys.stderr, flush=True)


def table(cell_rows):
    """Prints a line a cell; returns the slowest median in milliseconds, and whose it is."""
    by_cell = collections.defaultdict(list)
    for row in cell_rows:
        by_cell[tuple(row[key] for key in KEYS)].append(row)

    def middle(rows, column):
        return statistics.median(row[column] for row in rows) / 1e3

    echo = middle(by_cell[ECHO], "from_request_p50_us")
    print("median of the repeats, in ms; [] the repeats' least and greatest median")
    print(f"{'consumer':<17}{'backend':<16}{'durability':<11}{'p50 from request':>23}{'p99':>8}"
          f"{'p50 after ack':>15}{'p99':>8}{'p50 to echo':>13}")
    slowest = (0, ECHO)
    for key in sorted(by_cell, key=lambda key: (key == ECHO, key)):
        rows = by_cell[key]
        medians = [row["from_request_p50_us"] / 1e3 for row in rows]
        p50 = statistics.median(medians)
        spread = f"{p50:.2f} [{min(medians):.2f}, {max(medians):.2f}]"
        print(f"{key[0]:<17}{key[1]:<16}{key[2]:<11}{spread:>23}"
              f"{middle(rows, 'from_request_p99_us'):>8.2f}"
              f"{middle(rows, 'after_ack_p50_us'):>15.2f}{middle(rows, 'after_ack_p99_us'):>8.2f}"
              f"{p50 / echo:>12.1f}x")
        if key != ECHO:
            slowest = max(slowest, (p50, key))
    return slowest


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(prog="Scripts/measure-wakeup")
    parser.add_argument("--wakeups", type=int, default=300, help="of each cell and repeat (300)")
    parser.add_argument("--discard", type=int, default=30, help="before them, not counted (30)")
    parser.add_argument("--repeats", type=int, default=5, help="blocks of all cells (5)")
    parser.add_argument("--seed", type=int, default=1, help="of the order and the gaps (1)")
    parser.add_argument("--data", type=pathlib.Path, help="folder on the file system to measure")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the measurements as CSV")
    options = parser.parse_args()
    if options.wakeups < 1 or options.repeats < 1 or options.discard < 0:
        parser.error("--wakeups and --repeats: expected 1 or more, --discard: 0 or more")
    wakeup_rows, cell_rows = [], []
    server = Server(base=options.data)
    try:
        run(server.start().address, options, wakeup_rows, cell_rows)
        server.stop()
    finally:
        server.remove()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write(options.out / "wakeup.csv", cell_rows)
        write(options.out / "wakeups.csv", wakeup_rows)
    milliseconds, key = table(cell_rows)
    holds = milliseconds <= BOUND_MS
    print(f"measure-wakeup: the slowest median is {milliseconds:.2f} ms ({' '.join(key)}), "
          f"{'within' if holds else 'MORE THAN'} {BOUND_MS} ms")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
