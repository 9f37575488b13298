"""Real events: January 2013's flights, or FLIGHTS=FILE for more of the same shape."""
import functools
import gzip
import json
import os
import pathlib
import zlib

from clients import Record

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = pathlib.Path(os.environ.get("FLIGHTS") or ROOT / "Bench/Data/flights-2013-01.jsonl.gz")
PARTITIONS = 3


@functools.cache
def records():
    """The events in their order. Those with equal headers are in one partition."""
    return [_record(json.loads(line)) for line in _lines()]


def size():
    return len(records())


def grouped():
    """The same, events with equal headers one after the other: kcat takes headers for a process."""
    return sorted(records(), key=lambda record: record.headers)


def _record(event):
    headers = tuple((name, value.encode()) for name, value in event["headers"].items())
    return Record(
        value=json.dumps(event["value"], separators=(",", ":"), ensure_ascii=False).encode(),
        key=None if event["key"] is None else event["key"].encode(),
        headers=headers,
        timestamp=event["timestamp"],
        partition=zlib.crc32(repr(headers).encode()) % PARTITIONS,
    )


def _lines():
    with open(FILE, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(FILE, "rb") if zipped else open(FILE, "rb") as file:
        yield from file
