"""What a start costs after a kill under full load; Scripts/restart-cost runs this."""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import frames
import server as servers

DURABILITIES = ["none", "interval", "batch", "group"]
# What a start may read, whatever the checkpoint is behind, and what finding one's way to it may take in each partition.
BOUND_BYTES, PARTITION_BYTES = 1 << 30, 1 << 20
FLIGHT = 4
# A clean start against reading the files once: at most so many times that, the median of so many pairs.
CLEAN_RATIO, CLEAN_PAIRS = 2, 7


def main():
    parser = argparse.ArgumentParser(prog="restart-cost")
    parser.add_argument("--gib", type=float, default=20, help="on the disk when it is killed (default 20)")
    parser.add_argument("--partitions", type=int, default=16, help="that share them (default 16)")
    parser.add_argument("--durability", nargs="+", choices=DURABILITIES, default=DURABILITIES)
    parser.add_argument("--clean", type=int, metavar="PARTITIONS",
                        help="instead: a start after a clean stop with so many partitions, against reading their files")
    options = parser.parse_args()
    if options.clean:
        return measure_clean(options.clean)
    base = servers.ROOT / ".build/test-data"
    base.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(base).free
    if room < 1.5 * options.gib * 2**30:
        print(f"restart-cost: skipped: {base} has {room / 2**30:.0f} GiB of room, and {1.5 * options.gib:.0f} are "
              "needed; --gib asks for less")
        return 0
    failed = [each for each in options.durability if not measure(each, options)]
    print("restart-cost: " + (f"more than the bound under {', '.join(failed)}" if failed else "within the bound"))
    return 1 if failed else 0


def measure(durability, options):
    """Prints a line; True where recovery stayed within the bound."""
    server = servers.Server({
        "varve.durability": durability, "varve.metrics.listen": "127.0.0.1:0", "log.segment.bytes": 1 << 28,
    })
    server.start()
    try:
        seconds, written = fill(server, durability, options)
        server.kill()
        start = time.monotonic()
        server.start()
        listening = time.monotonic() - start
        while not is_healthy(server):
            time.sleep(0.01)
        serving = time.monotonic() - start
        read, rewritten = counted(server, "rchar"), counted(server, "write_bytes")
        checked = recovered_bytes(server)
        bound = BOUND_BYTES + options.partitions * PARTITION_BYTES
        holds = read <= bound and rewritten <= bound
        print(f"{durability}: {written / 2**30:.1f} GiB in {seconds:.0f} s, killed; listens after {listening:.2f} s, "
              f"all {options.partitions} partitions are served after {serving:.2f} s; checked {checked >> 20} MiB, "
              f"read {read >> 20}, rewrote {rewritten >> 20} (at most {bound >> 20}): "
              f"{'holds' if holds else 'FAILS'}", flush=True)
        server.stop()
        return holds
    finally:
        server.remove()


def fill(server, durability, options):
    """Appends by four connections until so much is there, and goes on while this returns: (seconds, bytes)."""
    with frames.Frames(server.address) as client:
        client.send(frames.create_topic("t", {}, partitions=options.partitions))
        client.answer()
    end = options.gib * 2**30
    written = [0] * 4
    start = time.monotonic()
    threads = [threading.Thread(target=append, args=(server, written, number, options.partitions), daemon=True)
               for number in range(len(written))]
    for thread in threads:
        thread.start()
    while sum(written) < end:
        time.sleep(0.2)
        assert any(thread.is_alive() for thread in threads), server.log_tail()
        done = min(1, sum(written) / end)
        print(f"[{durability}] {100 * done:.0f} %", end="\r", file=sys.stderr, flush=True)
    return time.monotonic() - start, sum(written)


def append(server, written, number, partitions):
    """Until the broker is gone."""
    batch = frames.batch(os.urandom(900_000))
    own = range(number, partitions, len(written)) or [0]
    under_way, turn = 0, 0
    try:
        with frames.Frames(server.address) as client:
            while True:
                while under_way < FLIGHT:
                    body = struct.pack(">hhii", -1, -1, 30_000, 1) + frames.name_of("t")
                    body += struct.pack(">iii", 1, own[turn % len(own)], len(batch)) + batch
                    client.send(frames.request(frames.PRODUCE, 3, body))
                    under_way, turn = under_way + 1, turn + 1
                (error,) = struct.unpack_from(">h", client.answer()[1], 4 + 3 + 4 + 4)
                assert error == 0, f"produce: error {error}"
                under_way -= 1
                written[number] += len(batch)
    except (OSError, EOFError, TypeError):
        return


def measure_clean(partitions):
    """Prints the ratio of starts to readings, alternately; 0 where it is at most 2."""
    server = servers.Server({"varve.metrics.listen": "127.0.0.1:0", "varve.durability": "none"})
    server.start()
    try:
        fill_partitions(server, partitions)
        ratios = []
        for _ in range(CLEAN_PAIRS):
            server.stop()
            start = time.monotonic()
            subprocess.run(["find", server.data, "-type", "f", "-exec", "cat", "{}", "+"],
                           stdout=subprocess.DEVNULL, check=True)
            reading = time.monotonic() - start
            start = time.monotonic()
            server.start()
            while not is_healthy(server):
                time.sleep(0.01)
            starting = time.monotonic() - start
            ratios.append(starting / reading)
            print(f"{partitions} partitions: read in {reading:.2f} s, served after {starting:.2f} s: "
                  f"{ratios[-1]:.2f}x", flush=True)
        server.stop()
        ratio = statistics.median(ratios)
        holds = ratio <= CLEAN_RATIO
        print(f"restart-cost: a clean start takes {ratio:.2f}x [{min(ratios):.2f}, {max(ratios):.2f}] of reading the "
              f"files once (at most {CLEAN_RATIO}): {'holds' if holds else 'FAILS'}")
        return 0 if holds else 1
    finally:
        server.remove()


def fill_partitions(server, partitions):
    """Topics of 1,000 partitions, with a batch of 4 KB in each."""
    batch = frames.batch(os.urandom(4000))
    with frames.Frames(server.address) as client:
        for first in range(0, partitions, 1000):
            topic, count = f"t{first}", min(1000, partitions - first)
            client.send(frames.create_topic(topic, {}, partitions=count))
            client.answer()
            for number in range(count):
                body = struct.pack(">hhii", -1, -1, 30_000, 1) + frames.name_of(topic)
                client.send(frames.request(
                    frames.PRODUCE, 3, body + struct.pack(">iii", 1, number, len(batch)) + batch))
                (error,) = struct.unpack_from(">h", client.answer()[1], 4 + 2 + len(topic) + 4 + 4)
                assert error == 0, f"produce: error {error}"
            print(f"{first + count} of {partitions} partitions", end="\r", file=sys.stderr, flush=True)


def is_healthy(server):
    try:
        with urllib.request.urlopen(f"http://{server.metrics_address}/health", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def counted(server, name):
    text = pathlib.Path(f"/proc/{server.process.pid}/io").read_text()
    return int(re.search(rf"^{name}: (\d+)", text, re.MULTILINE)[1])


def recovered_bytes(server):
    assert server.says("log opened"), server.log_tail()
    return int(re.findall(r"recovered_bytes=(\d+)", server.log_tail())[-1])


sys.exit(main())
