"""What consumers that wait cost who produces; Scripts/waiting-consumers runs this."""
import argparse
import contextlib
import math
import os
import statistics
import struct
import sys
import time

import frames
import rule
import server as servers

FLIGHT = 16
# More than comes while they wait.
MIN_BYTES = 1 << 30
BOUND = 0.9


def main():
    parser = argparse.ArgumentParser(prog="waiting-consumers")
    parser.add_argument("--consumers", type=int, default=20, help="that wait (default 20)")
    parser.add_argument("--partitions", type=int, default=1000, help="of the topic (default 1000)")
    parser.add_argument("--pairs", type=int, default=60, help="times without and with them (default 60)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each (default 1.5)")
    options = parser.parse_args()
    if options.pairs < rule.PAIRS_MIN:
        parser.error(f"--pairs: found {options.pairs}, expected at least {rule.PAIRS_MIN}")
    prefix = []
    if len(os.sched_getaffinity(0)) > 1:
        broker_cpu, client_cpu = sorted(os.sched_getaffinity(0))[:2]
        prefix = ["taskset", "-c", str(broker_cpu)]
        os.sched_setaffinity(0, {client_cpu})
    server = servers.Server(prefix=prefix)
    server.start()
    try:
        rates = measure(server, options)
    finally:
        server.stop()
        server.remove()
    return say(rates)


def measure(server, options):
    """(without, with) in requests a second, for each pair."""
    pairs = []
    with frames.Frames(server.address) as client:
        client.send(frames.create_topic("t", {}, partitions=options.partitions))
        client.answer()
        producer = Producer(client, options.partitions)
        # Each partition's first append makes files.
        producer.rate(requests=2 * options.partitions)
        for pair in range(options.pairs):
            rates = {}
            for waiting in (0, options.consumers) if pair % 2 else (options.consumers, 0):
                with consumers(server, waiting, producer.ends()):
                    rates[bool(waiting)] = producer.rate(seconds=options.seconds)
            pairs.append((rates[False], rates[True]))
            print(f"[{pair + 1}/{options.pairs}]", end="\r", file=sys.stderr, flush=True)
    return pairs


class Producer:
    """Sends a record to one partition after the other, some requests under way at once."""

    def __init__(self, client, partitions):
        self.client = client
        self.batch = frames.batch(bytes(100))
        self.partitions, self.next = partitions, 0

    def rate(self, seconds=None, requests=None):
        """Requests a second, for so long or so many."""
        start = time.monotonic()
        under_way = answered = 0
        while True:
            is_over = answered >= requests if requests else time.monotonic() - start >= seconds
            while under_way < FLIGHT and not is_over:
                self._send()
                under_way += 1
            if not under_way:
                return answered / (time.monotonic() - start)
            # One topic and its name, one partition and its number.
            (error,) = struct.unpack_from(">h", self.client.answer()[1], 4 + 3 + 4 + 4)
            assert error == 0, f"produce: error {error}"
            under_way -= 1
            answered += 1

    def ends(self):
        """Each partition's log end offset."""
        return [(self.next - number + self.partitions - 1) // self.partitions for number in range(self.partitions)]

    def _send(self):
        body = struct.pack(">hhii", -1, -1, 30_000, 1) + frames.name_of("t")
        body += struct.pack(">iii", 1, self.next % self.partitions, len(self.batch)) + self.batch
        self.client.send(frames.request(frames.PRODUCE, 3, body))
        self.next += 1


@contextlib.contextmanager
def consumers(server, count, ends):
    """So many, each with a fetch that waits at the partitions' ends."""
    parts = b"".join(struct.pack(">iqi", number, end, MIN_BYTES) for number, end in enumerate(ends))
    body = struct.pack(">iiiibi", -1, 600_000, MIN_BYTES, MIN_BYTES, 0, 1) + frames.name_of("t")
    body += struct.pack(">i", len(ends)) + parts
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(frames.Frames(server.address)) for _ in range(count)]
        for each in waiting:
            each.send(frames.request(frames.FETCH, 4, body))
        time.sleep(0.3)
        yield
        for each in waiting:
            assert not each.is_answered(), "a fetch did not wait"
    time.sleep(0.1)


def say(pairs):
    estimate = rule.Estimate([math.log(with_them / without) for without, with_them in pairs])
    verdict, level, *_ = rule.decide([estimate], f"at least {BOUND}", True)[0]
    low, high = estimate.interval(level)
    without, with_them = (statistics.median(each) for each in zip(*pairs))
    print(f"waiting-consumers: {without:.0f} requests/s without, {with_them:.0f} with them: "
          f"{math.exp(estimate.mean):.2f}x [{low:.2f}, {high:.2f}] at {100 * level:.0f} %, {len(pairs)} pairs; "
          f"at least {BOUND}: {verdict}")
    return 0 if verdict == "holds" else 1


sys.exit(main())
