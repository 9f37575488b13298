"""What was acknowledged, what consumers got, and what the log has: the three must agree."""
import collections
import threading

import raw

from . import records

PROBLEMS_MAX = 20


class Place:
    """One partition."""

    def __init__(self, topic, partition):
        self.topic = topic
        self.partition = partition
        # The log as it was read, by offset: (producer, number).
        self.log = []
        self.next = collections.Counter()  # by producer: its next number in the log
        # (offset, producer, number) as clients were told; -1 where they were told no offset.
        self.acknowledged = []
        self.acknowledged_checked = 0
        # By consumer, what it got: (producer, number) by offset.
        self.received = collections.defaultdict(list)
        self.received_checked = collections.Counter()

    def __str__(self):
        return f"{self.topic}-{self.partition}"


class Ledger:
    """Written to by the clients' threads, checked by one."""

    value = staticmethod(records.value)

    def __init__(self, producers):
        # By number: their kinds.
        self.producers = producers
        self.problems = []
        self.progress = collections.Counter()  # by client's name: acknowledgements, or records got
        self.duplicates = 0
        self.without_offset = 0
        self.places = {}
        self._lock = threading.Lock()

    def problem(self, text):
        with self._lock:
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.append(text)

    def acknowledge(self, place, producer, number, offset):
        place.acknowledged.append((-1 if offset is None else offset, producer, number))
        self.progress[f"{self.producers[producer]} producer"] += 1

    def receive(self, place, consumer, offset, content):
        """A consumer got a record: the next one of its partition, or something is wrong."""
        got = place.received[consumer]
        if offset != len(got):
            self.problem(f"{consumer} got offset {offset} of {place}, expected {len(got)}")
        found = records.parse(content)
        if found is None:
            self.problem(f"{consumer} got bytes at {place} offset {offset} that nobody sent")
        got.append(found)
        self.progress[consumer] += 1

    @property
    def acknowledged(self):
        return sum(len(place.acknowledged) for place in self.places.values())

    def check(self, address, places):
        """Reads what the partitions have got since, and compares. True where all holds."""
        with raw.RawConnection(address) as connection:
            for place in places:
                # In this order: what is told or got after this need not be in what is read.
                told = len(place.acknowledged)
                got = {name: len(seen) for name, seen in list(place.received.items())}
                self._read(connection, place)
                self._compare(place, told, got)
        return not self.problems

    def check_again(self, address):
        """Reads everything from the first offset: nothing may differ from what was there before."""
        with raw.RawConnection(address) as connection:
            for place in self.places.values():
                before, place.log, place.next = place.log, [], collections.Counter()
                place.acknowledged_checked = 0
                place.received_checked.clear()
                duplicates = self.duplicates
                self._read(connection, place)
                self.duplicates = duplicates
                if place.log[:len(before)] != before:
                    self.problem(f"{place} has other records than it had at an earlier restart")
                got = {name: len(seen) for name, seen in place.received.items()}
                self._compare(place, len(place.acknowledged), got)
                for name, count in got.items():
                    if count != len(place.log):
                        self.problem(f"{name} got {count} of {place}'s {len(place.log)} records")

    def _read(self, connection, place):
        error, end = connection.end_offset(place.topic, place.partition)
        if error != 0:
            return self.problem(f"{place}: ListOffsets answers error {error}")
        if end < len(place.log):
            self.problem(f"{place} ends at {end}, and was read to {len(place.log)} before")
        while len(place.log) < end:
            start = len(place.log)
            error, data = connection.fetch(place.topic, place.partition, start)
            for offset, content in records.in_batches(data):
                if offset >= start:
                    self._take(place, offset, content)
            if error != 0 or len(place.log) == start:
                return self.problem(
                    f"{place}: error {error}, {len(data)} bytes at {start}, which ends at {end}")

    def _take(self, place, offset, content):
        if offset != len(place.log):
            self.problem(f"{place}: offset {offset} follows {len(place.log) - 1}")
        found = records.parse(content)
        place.log.append(found)
        if found is None:
            return self.problem(f"{place}: bytes at offset {offset} that nobody sent")
        producer, number = found
        kind = self.producers[producer]
        expected = place.next[producer]
        if kind.idempotent and number != expected:
            what = "a duplicate or out of order" if number < expected else "a hole before it"
            self.problem(
                f"{place} offset {offset}: {kind}'s record {number}, expected {expected}: {what}")
        elif number < expected:
            self.duplicates += 1
        place.next[producer] = max(expected, number + 1)

    def _compare(self, place, told, got):
        end = len(place.log)
        for offset, producer, number in place.acknowledged[place.acknowledged_checked:told]:
            kind = self.producers[producer]
            what = f"{place}: {kind}'s record {number} was acknowledged at offset {offset}"
            if offset < 0:
                self.without_offset += 1
                if kind.idempotent and number >= place.next[producer]:
                    self.problem(f"{place}: {kind}'s record {number} was acknowledged: not there")
            elif offset >= end:
                self.problem(f"{what}, and the log ends at {end}")
            elif place.log[offset] != (producer, number):
                self.problem(f"{what}, where the log has {place.log[offset]}")
        place.acknowledged_checked = told
        for name, count in got.items():
            start = place.received_checked[name]
            # Between the two a record may have come that was not there when the log was read.
            count = min(count, end) if count <= end else count
            if place.received[name][start:count] != place.log[start:count]:
                self.problem(
                    f"{place}: {name} got other records from {start} to {count} than the log has,"
                    f" which ends at {end}")
            place.received_checked[name] = count
