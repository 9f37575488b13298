"""python3 -m attacks: see Scripts/attack-broker."""
import argparse
import multiprocessing
import os
import struct
import sys
import time

import frames
from attack import Attack, memory, resident
from bystander import Bystander
from frames import Frames
from program import TRANSFERS
from server import Server, ServerError

MIB = 1 << 20
BUDGET_MIB = 256
BESIDE_MIB = 64
SETTINGS = {"queued.max.request.bytes": BUDGET_MIB * MIB, "max.connections": 15_000,
            "varve.metrics.listen": "127.0.0.1:0", "varve.request.receive.ms": 600_000}
# A server whose standard error is a pipe that nobody reads.
MUTE = ["bash", "-c", 'exec "$@" 2> >(sleep 1000)', "mute"]


# Attacks -------------------------------------------------------------------------------------------
# Each runs in a process of its own: what it does after `yield` it does again and again, and what it
# returns is what does not hold.

def announcing(server):
    """10,000 connections of two addresses announce a megabyte each, and send nothing."""
    with Attack(server, "127.0.0.2") as one, Attack(server, "127.0.0.3") as other:
        for _ in range(5_000):
            for attack in one, other:
                attack.send(attack.connect(), struct.pack(">i", MIB))
        while (yield):
            time.sleep(0.1)
        return None if one.open_count() + other.open_count() == 10_000 else "connections were closed"


def one_address(server):
    """One address asks for 10,000 connections."""
    with Attack(server) as attack:
        for _ in range(10_000):
            attack.connect()
        while (yield):
            time.sleep(0.1)
        return None if attack.open_count() <= 5_000 else "more are let in than max.connections.per.ip says"


def reconnecting(server):
    """400 connections announce a megabyte, end, and come again for ever."""
    while (yield):
        with Attack(server) as attack:
            for _ in range(400):
                attack.send(attack.connect(), struct.pack(">i", MIB))


def byte_by_byte(server):
    """1,000 connections send a request of a megabyte a byte at a time."""
    with Attack(server) as attack:
        for _ in range(1_000):
            attack.send(attack.connect(), struct.pack(">i", MIB))
        while (yield):
            for each in attack.sockets:
                attack.send(each, b"\0")


def not_reading(path):
    """1,000 clients fetch 50 MiB each by a transfer path, and do not read; they come while it is measured."""
    def attack_by(server):
        yield
        with Attack(server) as attack:
            for _ in range(1_000):
                attack.send(attack.connect(receive_buffer=4096), frames.fetch(path, 0, max_bytes=50 * MIB))
            while (yield):
                time.sleep(0.1)
    return attack_by


def bad_requests(server):
    """Requests of nothing, each a line in the log, where nobody reads standard error."""
    while (yield):
        with Attack(server) as attack:
            for _ in range(50):
                attack.send(attack.connect(), struct.pack(">i", -5))


def endless_line(server):
    """A client of the metrics sends a line that does not end."""
    class Metrics:
        address = server.metrics_address
    with Attack(Metrics) as attack:
        attack.connect()
        attack.send(attack.sockets[0], b"GET /")
        while (yield):
            attack.send(attack.sockets[0], b"x" * 4096)
            time.sleep(0.001)
    try:
        server.metric("varve_request_held_bytes")
    except OSError as error:
        return f"the metrics are not served: {error}"


ATTACKS = {
    "announcing": announcing, "one-address": one_address, "reconnecting": reconnecting,
    "byte-by-byte": byte_by_byte, **{f"not-reading-{path}": not_reading(path) for path in TRANSFERS},
    "bad-requests": bad_requests, "endless-line": endless_line,
}


class Attackers:
    """An attack in a process of its own, from `with` to its end; `problem` is what does not hold."""

    def __init__(self, attack, server):
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._run, args=(attack, server, there), daemon=True)
        self.problem = None

    def __enter__(self):
        self.process.start()
        said = self.here.recv() if self.here.poll(120) else "nothing in two minutes"
        check(said == "ready", f"the attackers did not begin: {said}")
        return self

    def __exit__(self, *_):
        try:
            self.here.send("end")
            self.problem = self.here.recv() if self.here.poll(120) else "the attackers did not end"
        except (OSError, EOFError) as error:
            self.problem = f"the attackers are gone: {error!r}"
        self.process.join(10)

    @staticmethod
    def _run(attack, server, there):
        # Elsewhere they would be another machine: their own work is not what the bystander is to feel.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        steps = attack(server)
        try:
            next(steps)
            there.send("ready")
            while True:
                steps.send(not there.poll())
        except StopIteration as end:
            there.send(end.value)
        except Exception as error:  # The other process tells of it.
            there.send(repr(error))


# Measuring -----------------------------------------------------------------------------------------

class Failed(Exception):
    pass


def check(holds, problem):
    if not holds:
        raise Failed(problem)


def p99(times):
    return sorted(times)[len(times) * 99 // 100] * 1000


def rounds(server, seconds):
    """The bystander's times, and the most memory meanwhile."""
    most = 0
    with Bystander(server.address) as bystander:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, memory(server))
            time.sleep(0.05)
    return bystander.times, most


def settled(server, wanted):
    """The memory when it is down to what was wanted, or after 20 s: what is free is given back now and then."""
    end = time.monotonic() + 20
    while memory(server) > wanted and time.monotonic() < end:
        time.sleep(0.2)
    return memory(server)


def prepare(server):
    """A log of 64 MiB for each path, which all clients fetch."""
    with Frames(server.address) as other:
        for path in TRANSFERS:
            other.send(frames.create_topic(path, {"varve.transfer": path}))
            other.answer()
            for _ in range(64):
                check(other.produce(path, 0, frames.batch(bytes(900_000)))[0] == 0, "a produce failed")


def attack(name, seconds):
    """A row of the table, and what does not hold."""
    server = Server(SETTINGS, prefix=MUTE if name == "bad-requests" else ())
    server.start()
    try:
        prepare(server)
        before, _ = rounds(server, seconds)
        start = memory(server)
        # A tenth of what the process had.
        start_max = start + resident(server) / 10
        with Attackers(ATTACKS[name], server) as attackers:
            during, most = rounds(server, seconds)
        after = settled(server, start_max)
        server.stop()
        server.verify()
    finally:
        server.remove()
    row = (name, p99(before), p99(during), start, most, after)
    problems = [attackers.problem] if attackers.problem else []
    if row[2] > 2 * row[1] + 10:
        problems.append(f"the bystander's p99 is {row[2]:.2f} ms, {row[1]:.2f} without the attack")
    if most > BUDGET_MIB + BESIDE_MIB:
        problems.append(f"the broker had {most:.0f} MiB, expected at most {BUDGET_MIB + BESIDE_MIB}")
    if after > start_max:
        problems.append(f"the broker has {after:.1f} MiB afterwards, expected at most {start_max:.1f}")
    return row, problems


def main():
    parser = argparse.ArgumentParser(prog="attack-broker")
    parser.add_argument("attack", nargs="*", metavar="ATTACK", help=f"only these, of {', '.join(ATTACKS)}")
    parser.add_argument("--seconds", type=float, default=5, help="of the bystander's times, each (default 5)")
    options = parser.parse_args()
    for name in options.attack:
        if name not in ATTACKS:
            parser.error(f"found '{name}', expected {', '.join(ATTACKS)}")
    bad = 0
    print(f"{'attack':22} {'p99 without':>12} {'p99 under it':>13} {'MiB before':>11} {'at most':>8} {'after':>6}")
    for name in options.attack or ATTACKS:
        try:
            row, problems = attack(name, options.seconds)
            print(f"{row[0]:22} {row[1]:9.2f} ms {row[2]:10.2f} ms {row[3]:11.0f} {row[4]:8.0f} {row[5]:6.0f}", flush=True)
        except (Failed, AssertionError, ServerError, OSError, EOFError) as error:
            problems = [str(error)]
            print(f"{name:22} failed", flush=True)
        for problem in problems:
            print(f"    {problem}")
        bad += bool(problems)
    count = len(options.attack or ATTACKS)
    if bad:
        print(f"attack-broker: FAILED: {bad} of {count} attacks did more than they may")
        return 1
    print(f"attack-broker: {count} attacks: each left the bystander's p99 within twice its value plus 10 ms, "
          f"the broker's memory within the budget and {BESIDE_MIB} MiB, and all of it came back")
    return 0


sys.exit(main())
