"""The broker's CPU time per GB beside another build's; Scripts/compare-brokers runs this."""
import argparse
import math
import os
import pathlib
import shutil
import socket
import statistics
import struct
import sys
import tempfile

import frames
import rule
import server as servers

WAYS = ["produce", "fetch"]
FLIGHT = 16
FETCH_BYTES = 1 << 20
# What a pass fetches, and what it produces: little enough that the disk does not have a say.
LOG_BYTES, PRODUCED_BYTES = 500_000_000, 200_000_000
WOKEN_BYTES = 512 << 10


def main():
    parser = argparse.ArgumentParser(prog="compare-brokers")
    parser.add_argument("base", type=pathlib.Path, metavar="BASE", help="the other build's executable")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="what is compared (default both)")
    parser.add_argument("--pairs", type=int, default=24, help="trials of each build (default 24)")
    parser.add_argument("--record-bytes", type=int, nargs="+", default=[100, 1024], metavar="B",
                        help="sizes of records (default 100 1024)")
    parser.add_argument("--batch-bytes", type=int, default=64 << 10, metavar="B",
                        help="of a request, which is one batch (default 65536)")
    parser.add_argument("--passes", type=int, default=5, metavar="N",
                        help="of a trial, which is their median (default 5)")
    options = parser.parse_args()
    if options.pairs < rule.PAIRS_MIN:
        parser.error(f"--pairs: found {options.pairs}, expected at least {rule.PAIRS_MIN}")
    if not os.access(options.base, os.X_OK):
        parser.error(f"there is no executable {options.base}")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("this machine has one processor, and the broker and its client need one each")
    broker_cpu, client_cpu = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, {client_cpu})
    builds = {"base": str(options.base.resolve()), "this": servers.VARVE}
    cells = [(way, size) for way in options.ways for size in options.record_bytes]
    costs = {(cell, build): [] for cell in cells for build in builds}
    # The first pair warms files and clocks, and does not count.
    for pair in range(options.pairs + 1):
        order = list(builds) if pair % 2 else list(reversed(builds))
        for cell in cells:
            way, size = cell
            batch = batch_of(size, options.batch_bytes)
            # Both read one log: what a page of the cache costs differs by how it came there.
            log = Log(builds[order[0]], broker_cpu, batch) if way == "fetch" else None
            for build in order:
                with Broker(builds[build], broker_cpu, log) as broker:
                    cost = broker.cost(way, batch, options.passes)
                if pair:
                    costs[cell, build].append(cost)
            if log:
                log.remove()
        print(f"[{pair}/{options.pairs}]", end="\r", file=sys.stderr, flush=True)
    return say(cells, costs)


def batch_of(record_bytes, batch_bytes):
    """As many records as a batch of so many bytes has."""
    return frames.batch(*[bytes(record_bytes)] * max(1, batch_bytes // (record_bytes + 12)))


class Broker:
    """A running broker with one connection, alone on its processor. `log` is what it serves, if any."""

    def __init__(self, program, cpu, log=None):
        servers.VARVE = program
        self.server = servers.Server({}, prefix=["taskset", "-c", str(cpu)])
        if log:
            self.server.data = log.path
        self.client = None

    def __enter__(self):
        self.server.start()
        self.client = connect(self.server)
        self.client.sendall(frames.metadata("t"))
        answer(self.client)
        return self

    def __exit__(self, kind, *_):
        self.client.close()
        if kind is None:
            self.server.stop()
        self.server.remove()

    def cost(self, way, batch, passes):
        """CPU seconds for a GB: the median of the passes, of which some meet what else the machine does."""
        costs = []
        for _ in range(passes):
            start = cpu_seconds(self.server)
            moved = fetch(self.client) if way == "fetch" else produce(self.client, batch, PRODUCED_BYTES // len(batch))
            costs.append((cpu_seconds(self.server) - start) / (moved / 1e9))
        return statistics.median(costs)


class Log:
    """A data directory with half a GB, in the page cache."""

    def __init__(self, program, cpu, batch):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-", dir=servers.ROOT / ".build"))
        self.path = self.folder / "data"
        with Broker(program, cpu, self) as broker:
            produce(broker.client, batch, LOG_BYTES // len(batch))

    def remove(self):
        shutil.rmtree(self.folder)


def connect(server):
    host, port = server.address.rsplit(":", 1)
    made = socket.create_connection((host, int(port)), timeout=60)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def produce(client, batch, count):
    """So many requests, some of them under way at once; the bytes of their batches."""
    request = frames.produce("t", batch)
    sent = 0
    for _ in range(min(FLIGHT, count)):
        client.sendall(request)
        sent += 1
    for _ in range(count):
        # Correlation id, one topic and its name, one partition and its number.
        (error,) = struct.unpack_from(">h", answer(client), 4 + 4 + 3 + 4 + 4)
        assert error == 0, f"produce: error {error}"
        if sent < count:
            client.sendall(request)
            sent += 1
    return count * len(batch)


def fetch(client):
    """The log from its start to its end; the bytes of its batches."""
    moved, offset = 0, 0
    while True:
        client.sendall(frames.fetch("t", offset, wait=0, max_bytes=FETCH_BYTES))
        data = answer(client)
        # Correlation id, throttle time, one topic and its name, one partition, its number and error.
        error, end = struct.unpack_from(">hq", data, 4 + 4 + 4 + 3 + 4 + 4)
        assert error == 0, f"fetch: error {error}"
        start = 4 + 4 + 4 + 3 + 4 + 4 + 2 + 8 + 8 + 4 + 4
        position = start
        while position + 61 <= len(data):
            base, length = struct.unpack_from(">qi", data, position)
            # The last batch may be cut short: it is asked for again, as clients do.
            if position + 12 + length > len(data):
                break
            (delta,) = struct.unpack_from(">i", data, position + 23)
            offset = base + delta + 1
            position += 12 + length
        moved += position - start
        if offset >= end:
            return moved


buffer = bytearray(4 << 20)


def answer(client):
    """The next answer's bytes, behind its length."""
    view = memoryview(buffer)
    receive(client, view[:4])
    (length,) = struct.unpack_from(">i", buffer)
    receive(client, view[:length])
    return view[:length]


def receive(client, view):
    # Woken once for all of it, and not whenever something has come: on a virtual machine each wake-up of
    # another processor is dear, the broker pays for it, and how many there are is chance.
    while view:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(len(view), WOKEN_BYTES))
        count = client.recv_into(view)
        assert count, "the broker closed the connection"
        view = view[count:]


def cpu_seconds(server):
    """Of all its threads, which live as long as it does."""
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def say(cells, costs):
    estimates = [rule.Estimate([math.log(new / old) for new, old in zip(costs[cell, "this"], costs[cell, "base"])])
                 for cell in cells]
    decisions = rule.decide(estimates, "difference 0.05", False)
    worse = 0
    print(f"{'':22} {'base':>9} {'this':>9}  CPU seconds per GB, median of {estimates[0].count}")
    for (way, size), estimate, decision in zip(cells, estimates, decisions):
        verdict, level = decision[0], decision[1]
        low, high = estimate.interval(level)
        base, this = (statistics.median(costs[(way, size), build]) for build in ("base", "this"))
        print(f"{way + ', ' + str(size) + ' bytes':22} {base:9.3f} {this:9.3f}  {math.exp(estimate.mean):.2f}x "
              f"[{low:.2f}, {high:.2f}] at {100 * level:.1f} %: {verdict}")
        worse += verdict == "worse"
    counts = {name: sum(d[0] == name for d in decisions) for name in ("better", "equivalent", "worse", "undecided")}
    print("compare-brokers: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    return 3 if worse else 0


sys.exit(main())
