"""What was acknowledged against what those at the end of the log got, in bounded memory."""
import collections
import random
import struct
import threading

import flights

PROBLEMS_MAX = 20
# A record that was got and not acknowledged is kept so long: acks=0 never is.
KEPT_OFFSETS = 100_000
VALUE_BYTES = 2_000
_HEADER = struct.Struct(">BQ")


class Place:
    """One partition."""

    def __init__(self, topic, partition):
        self.topic = topic
        self.partition = partition
        self.end = collections.Counter()  # by consumer: behind what it got
        # (offset, producer, number): acknowledged, and not looked for yet.
        self.acknowledged = collections.deque()
        # By offset, what the first of the consumers got.
        self.received = {}
        self.next = collections.Counter()  # by producer: its next number
        self.trimmed = 0

    def __str__(self):
        return f"{self.topic}-{self.partition}"


class Ledger:
    """Written to by the clients' threads. `witness` is the consumer whose records are compared."""

    def __init__(self, producers, witness, places):
        self.producers = producers
        self.witness = witness
        self.places = places
        self.problems = []
        self.progress = collections.Counter()
        self.checked = 0
        self._lock = threading.Lock()
        # Text as events have it, so that there is something to compress.
        text = b"".join(record.value for record in flights.records()[:2_000])
        self._text = text + text[:VALUE_BYTES]
        self._places = len(text)

    def problem(self, text):
        with self._lock:
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.append(text)

    def value(self, producer, number):
        """Of 9 to 2,009 bytes; its length and bytes follow from the two."""
        start = (producer * 7919 + number * 1009) % self._places
        size = number * 373 % VALUE_BYTES
        return _HEADER.pack(producer, number) + self._text[start:start + size]

    def parse(self, content):
        """(producer, number), or None where the bytes are not what `value` makes."""
        if content is None or len(content) < _HEADER.size:
            return None
        found = _HEADER.unpack_from(content)
        return found if content == self.value(*found) else None

    def acknowledge(self, place, producer, number, offset):
        self.progress[f"{self.producers[producer]} producer"] += 1
        if offset is not None and offset >= 0:
            place.acknowledged.append((offset, producer, number))

    def receive(self, place, consumer, offset, content):
        """A consumer that follows got a record: the next one, or something is wrong."""
        self.progress[consumer] += 1
        if offset != place.end[consumer]:
            self.problem(f"{consumer} got offset {offset} of {place}, not {place.end[consumer]}")
        found = self.parse(content)
        if found is None:
            self.problem(f"{consumer} got bytes at {place} offset {offset} that nobody sent")
        elif consumer == self.witness:
            place.received[offset] = found
            self._expect_next(place, offset, *found)
        place.end[consumer] = offset + 1

    def check(self):
        """Looks for what was acknowledged among what the witness got."""
        for place in self.places.values():
            end = place.end[self.witness]
            for _ in range(len(place.acknowledged)):
                offset, producer, number = place.acknowledged.popleft()
                if offset >= end:
                    place.acknowledged.append((offset, producer, number))
                    continue
                self.checked += 1
                found = place.received.pop(offset, None)
                if found != (producer, number):
                    self.problem(
                        f"{place}: {self.producers[producer]}'s record {number} was acknowledged "
                        f"at offset {offset}, where the log has {found}")
            while place.trimmed < end - KEPT_OFFSETS:
                place.received.pop(place.trimmed, None)
                place.trimmed += 1

    def check_end(self):
        self.check()
        for place in self.places.values():
            if place.acknowledged:
                self.problem(f"{place}: {len(place.acknowledged)} acknowledged records never came")

    def some_value(self):
        return self.value(random.randrange(256), random.randrange(1 << 40))

    def _expect_next(self, place, offset, producer, number):
        expected = place.next[producer]
        if self.producers[producer].idempotent and number != expected:
            self.problem(
                f"{place} offset {offset}: {self.producers[producer]}'s record {number}, "
                f"expected {expected}")
        place.next[producer] = number + 1
