"""Cuts in a row on one disk: what was acknowledged, and what the next boot finds."""
import csv
import dataclasses
import random
import sys
import time

import machine as machines

PARTITIONS = 3
# Software emulation takes its time.
BOOT_SECONDS = {"kvm": 30, "tcg": 180}
OWES_ACKNOWLEDGED = {"batch", "group"}
COLUMNS = ["cut", "backend", "durability", "seed", "acknowledged", "found", "lost", "lost_ms", "verdict"]


@dataclasses.dataclass
class Log:
    """A log on the disk, and what it owes."""
    name: str
    backend: str
    durability: str
    # By partition, the offset below which all was acknowledged.
    acknowledged: list = dataclasses.field(default_factory=lambda: [0] * PARTITIONS)

    def task(self, verb, seed):
        return f"{verb} {self.name} {self.backend} {self.durability} {seed}"


@dataclasses.dataclass
class Cut:
    number: int
    log: Log
    seed: int
    # (seconds, partition, offset) of each acknowledgement, as it came.
    times: list = dataclasses.field(default_factory=list)
    moment: float = 0.0
    expected: list = None
    found: list = None
    faults: list = dataclasses.field(default_factory=list)
    notices: list = dataclasses.field(default_factory=list)
    unflushed: int = 0
    survived: int = 0
    interrupted: bool = False

    @property
    def acknowledged(self):
        return sum(self.expected)

    @property
    def lost(self):
        return 0 if self.found is None else sum(max(0, a - b) for a, b in zip(self.expected, self.found))

    @property
    def lost_ms(self):
        """How long before the cut the first of the lost was acknowledged."""
        if self.found is None or not self.lost:
            return 0.0
        lost = [when for when, partition, offset in self.times if offset > self.found[partition]]
        return (self.moment - min(lost)) * 1e3 if lost else 0.0

    @property
    def verdict(self):
        if self.faults or self.found is None:
            return "damaged"
        if not self.lost:
            return "kept"
        return "lost" if self.log.durability in OWES_ACKNOWLEDGED else "lost as allowed"

    @property
    def is_bad(self):
        return self.verdict in ("lost", "damaged")

    def row(self):
        found = sum(self.found) if self.found is not None else ""
        return [self.number, self.log.backend, self.log.durability, self.seed, self.acknowledged, found,
                self.lost, f"{self.lost_ms:.1f}", self.verdict]

    def line(self, count):
        found = sum(self.found) if self.found is not None else "nothing readable"
        text = (f"cut {self.number:{len(str(count))}}/{count}  {self.log.backend:14} {self.log.durability:8} "
                f"acknowledged {self.acknowledged:6}  found {found:>6}  ")
        text += f"unflushed blocks {self.unflushed:5}, {self.survived:5} of them written  "
        text += self.verdict.upper() if self.is_bad else self.verdict
        if self.lost:
            text += f" ({self.lost} records, the oldest for {self.lost_ms:.0f} ms)"
        if self.interrupted:
            text += "; cut once more while it recovered"
        return text


class History:
    """Boots, appends and cuts. `boot_machine(log_path, acceleration, has_slow_disk)` gives a machine, always
    on the same disk."""

    def __init__(self, folder, boot_machine, acceleration, seed):
        self.folder = folder
        self.boot_machine = boot_machine
        self.acceleration = acceleration
        self.seed = seed
        self.random = random.Random(seed)
        self.logs = {}
        self.machine = None
        self.boots = 0
        self.recovery_cuts = 0
        self.kernel = ""

    # Tasks -----------------------------------------------------------------------------------------

    def first_boot(self):
        try:
            self.boot_once()
        except machines.Trouble:
            # A virtual machine's own KVM can be there and not run this kernel.
            self.stop()
            self.acceleration = "tcg"
            self.boot()

    def boot(self):
        """A machine that ends before the program runs says nothing about a log: it is booted again."""
        for _ in range(2):
            try:
                return self.boot_once()
            except machines.Trouble as trouble:
                print(f"power-cut: booting again: {trouble}", file=sys.stderr, flush=True)
                self.stop()
        self.boot_once()

    def boot_once(self):
        self.boots += 1
        self.machine = self.boot_machine(
            self.folder / f"boot-{self.boots:04}.log", self.acceleration, self.random.random() < 0.5)
        seen = self.read_until("H", BOOT_SECONDS[self.acceleration])
        cache = [line for line in seen if line.startswith("W ")]
        if cache != ["W write back"]:
            raise machines.Trouble(f"the guest sees no volatile write cache: {cache}")
        self.kernel = next(line[2:] for line in seen if line.startswith("V "))

    def read_until(self, last, seconds):
        """All lines before the one that is `last`."""
        seen = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lines = self.machine.lines(end - time.monotonic())
            if lines is None:
                raise machines.Trouble(self.machine.last_words())
            for index, line in enumerate(lines):
                if line.startswith("X "):
                    raise machines.Trouble(f"boot {self.boots}: {line[2:]}; see {self.folder}")
                if line == last:
                    return seen + lines[:index]
            seen += lines
        raise machines.Trouble(f"boot {self.boots}: no answer within {seconds:.0f} s; see {self.folder}")

    def ask(self, task):
        self.machine.send(task)
        return self.read_until(".", 2 * BOOT_SECONDS[self.acceleration])

    def reason_against(self, backend):
        """Why this kernel cannot run the backend; None where it can."""
        words = self.ask(f"probe {backend}")[-1].split(" ", 2)
        return words[2] if len(words) > 2 else None

    def stop(self):
        if self.machine is not None:
            self.machine.close()
            self.machine = None

    # Cutting ---------------------------------------------------------------------------------------

    def log(self, backend, durability):
        key = (backend, durability)
        if key not in self.logs:
            self.logs[key] = Log(f"{backend}-{durability}-{self.boots}", backend, durability)
        return self.logs[key]

    def append_until_cut(self, number, backend, durability):
        log = self.log(backend, durability)
        # What one cut draws does not depend on how many draws those before it took.
        self.random = random.Random(f"{self.seed} {number}")
        cut = Cut(number, log, self.random.getrandbits(32))
        self.machine.send(log.task("append", cut.seed))
        self.note(cut, self.read_until("S", 2 * BOOT_SECONDS[self.acceleration]))
        wait = self.random.uniform(0.3, 3.0)
        # Nobody knows how long a machine takes to the first of them.
        end = time.monotonic() + BOOT_SECONDS[self.acceleration]
        while time.monotonic() < end:
            lines = self.machine.lines(end - time.monotonic())
            if lines is None:
                raise machines.Trouble(self.machine.last_words())
            is_first = not cut.times
            self.note(cut, lines)
            if is_first and cut.times:
                end = time.monotonic() + wait
        if not cut.times:
            raise machines.Trouble(f"boot {self.boots}: nothing was acknowledged; see {self.folder}")
        cut.moment = time.monotonic()
        self.note(cut, self.cut(cut))
        cut.expected = list(log.acknowledged)
        return cut

    def note(self, cut, lines):
        now = time.monotonic()
        for line in lines:
            words = line.split()
            if len(words) == 3 and words[0] == "A":
                partition, offset = int(words[1]), int(words[2])
                if offset <= cut.log.acknowledged[partition]:
                    cut.faults.append(f"acknowledged {offset} after {cut.log.acknowledged[partition]}")
                cut.log.acknowledged[partition] = offset
                cut.times.append((now, partition, offset))
            elif line.startswith("N "):
                cut.notices.append(line[2:])
            elif line.startswith(("E ", "X ")):
                cut.faults.append(line[2:])

    def cut(self, cut):
        """Cuts the power. Some cuts take the whole cache with them; in others the disk has written out a
        part of it, block by block, in no order."""
        last = self.machine.cut()
        blocks = random.Random(self.random.getrandbits(64))
        share = blocks.choice([0, 0, 0.1, 0.5, 0.9])
        unflushed, survived = self.machine.disk.write_back(lambda: blocks.random() < share)
        cut.unflushed += unflushed
        cut.survived += survived
        self.stop()
        return last

    # Looking ---------------------------------------------------------------------------------------

    def examine(self, cut):
        """Boots, and judges what the last cut left. Leaves the machine running."""
        self.boot()
        if self.random.random() < 0.15:
            self.cut_while_recovering(cut)
            self.boot()
        self.look(cut, cut.log)

    def cut_while_recovering(self, cut):
        self.machine.send(cut.log.task("open", 1))
        seen = []
        end = time.monotonic() + self.random.uniform(0.0, 0.3)
        while (left := end - time.monotonic()) > 0:
            seen += self.machine.lines(left) or []
        self.take_findings(cut, seen + self.cut(cut))
        cut.interrupted = True
        self.recovery_cuts += 1

    def look(self, cut, log):
        seen = self.ask(log.task("check", self.random.getrandbits(32)))
        self.take_findings(cut, seen)
        appended = next((line for line in seen if line.startswith("P ")), None)
        if cut.is_bad or appended is None:
            # What follows begins with a log of its own.
            self.logs.pop((log.backend, log.durability), None)
            return
        # Under `none` and `interval` only what was found is on the disk for certain.
        owed = log.durability in OWES_ACKNOWLEDGED
        log.acknowledged = [int(word) for word in appended.split()[1:]] if owed else list(cut.found)

    def take_findings(self, cut, lines):
        for line in lines:
            if line.startswith("F "):
                found = [int(word) for word in line.split()[1:]]
                # A second look does not make good what the first one missed.
                cut.found = found if cut.found is None else [min(pair) for pair in zip(cut.found, found)]
            elif line.startswith("E "):
                cut.faults.append(line[2:])
            elif line.startswith("N "):
                cut.notices.append(line[2:])

    def look_at_all(self):
        """Judges every log on the disk once more; those that do not hold."""
        bad = []
        for log in list(self.logs.values()):
            cut = Cut(0, log, 0, expected=list(log.acknowledged))
            self.look(cut, log)
            if cut.lost or cut.is_bad:
                bad.append((log, cut))
        return bad


def write_csv(path, cuts):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for cut in cuts:
            writer.writerow(cut.row())
