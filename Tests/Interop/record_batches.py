#!/usr/bin/env python3
"""Record batches by an independent implementation: kafka-python 3.0.12's record module.

    record_batches.py write FILE   write a fixed set of batches to FILE, one after the other, and
                                   print what they hold, one JSON line a batch
    record_batches.py read FILE    read the batches in FILE, check each CRC, and print one JSON
                                   line a record

Keys, values and header values are base64, null where they are null. Exit code 1: a batch in FILE
does not hold together. `write` gives the same bytes at every run.
"""

import base64
import json
import struct
import sys

from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords
from kafka.record.util import calc_crc32c

NONE, GZIP = 0, 1
APPEND_TIME_BIT = 0x08
TIME = 1_357_016_400_000  # 2013-01-01 05:00 UTC, in milliseconds


def text(data):
    return None if data is None else base64.b64encode(bytes(data)).decode("ascii")


def build(records, base_offset, leader_epoch=0, codec=NONE, transactional=False,
          producer=(-1, -1, -1), append_time=None):
    """A batch of (timestamp, key, value, headers) tuples. kafka-python leaves base offset, leader
    epoch and append time to the broker, whose part this plays."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=transactional,
        producer_id=producer[0], producer_epoch=producer[1], base_sequence=producer[2],
        batch_size=1 << 30)
    for delta, (timestamp, key, value, headers) in enumerate(records):
        builder.append(delta, timestamp, key, value, headers)
    batch = builder.build()
    struct.pack_into(">q", batch, 0, base_offset)
    struct.pack_into(">i", batch, 12, leader_epoch)
    if codec == GZIP:
        batch[65:69] = bytes(4)  # gzip's own time of compression, which differs at every run
    if append_time is not None:
        attributes, = struct.unpack_from(">h", batch, 21)
        struct.pack_into(">h", batch, 21, attributes | APPEND_TIME_BIT)
        struct.pack_into(">q", batch, 35, append_time)
    if codec == GZIP or append_time is not None:
        crc = calc_crc32c(memoryview(batch)[DefaultRecordBatch.ATTRIBUTES_OFFSET:])
        struct.pack_into(">I", batch, DefaultRecordBatch.CRC_OFFSET, crc)
    return bytes(batch)


def cases():
    """Name and bytes of each batch, with offsets that go on from one to the next."""
    plain = [(TIME + n, b"N%05d" % n, b'{"flight":%d}' % n, []) for n in range(3)]
    nulls = [
        (TIME, None, b"no key", []), (TIME, b"no value", None, []), (TIME, None, None, []),
        (TIME, b"", b"", []), (TIME, b"", None, []), (TIME, None, b"", []),
    ]
    headers = [
        (TIME, b"k", b"v", [("source", b"nycflights13")]),
        (TIME, b"k", None, [("null", None), ("empty", b""), ("", b"unnamed")]),
        (TIME, None, b"v", [("\u00fcn\u00efc\u00f6de \u2708", "\U0001f6eb".encode("utf-8"))] * 3),
        (TIME, None, b"v", [("h%d" % n, b"x" * n) for n in range(70)]),
    ]
    many = [(TIME + 7 * n, b"%d" % (n % 101) if n % 5 else None, b"v" * (n % 200), [])
            for n in range(3000)]
    times = [(TIME + delta, b"t", str(delta).encode("ascii"), [])
             for delta in (0, -1, 1, -64, 63, 64, -65, 8191, -8192, 8192, -TIME, 1 << 40)]
    sizes = [(TIME, b"k" * n, b"v" * n, []) for n in (1, 63, 64, 65, 127, 128, 8191, 8192, 60000)]
    offset = 0
    for name, records, options in (
            ("plain", plain, {}),
            ("null and empty", nulls, {"leader_epoch": 5}),
            ("headers", headers, {}),
            ("many records", many, {}),
            ("timestamps out of order", times, {}),
            ("sizes around varint limits", sizes, {}),
            ("append time", plain, {"append_time": TIME + 86_400_000}),
            ("idempotent producer", plain, {"producer": (4000000000, 7, 2147483646)}),
            ("transactional", plain, {"producer": (9, 0, 0), "transactional": True}),
            ("gzip", many, {"codec": GZIP}),
            ("gzip, append time", many, {"codec": GZIP, "append_time": TIME})):
        yield name, build(records, offset, **options)
        offset += len(records)


def describe_batch(batch):
    return {
        "byteCount": batch.size_in_bytes,
        "baseOffset": batch.base_offset,
        "leaderEpoch": batch.leader_epoch,
        "crc": batch.crc,
        "attributes": batch.attributes,
        "codec": batch.compression_type,
        "isAppendTime": batch.timestamp_type == 1,
        "isTransactional": batch.is_transactional,
        "isControl": batch.is_control_batch,
        "lastOffset": batch.last_offset,
        "baseTimestamp": batch.first_timestamp,
        "maxTimestamp": batch.max_timestamp,
        "producerID": batch.producer_id,
        "producerEpoch": batch.producer_epoch,
        "baseSequence": batch.base_sequence,
        "lastSequence": batch.last_sequence,
        "recordCount": batch.records_count,
    }


def describe_record(record):
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": text(record.key),
        "value": text(record.value),
        "headers": [{"key": key, "value": text(value)} for key, value in record.headers],
    }


def write(path):
    with open(path, "wb") as file:
        for name, data in cases():
            file.write(data)
            batch = DefaultRecordBatch(data)
            line = {"name": name, **describe_batch(batch)}
            line["records"] = [describe_record(record) for record in batch]
            print(json.dumps(line))


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    records = MemoryRecords(data)
    if records.valid_bytes() != len(data):
        sys.exit(f"{path}: {len(data) - records.valid_bytes()} bytes after the last whole batch")
    for index, batch in enumerate(records):
        if not batch.validate_crc():
            sys.exit(f"{path}: batch {index}: the CRC does not hold")
        about = {"batch": index, **describe_batch(batch)}
        for record in batch:
            print(json.dumps({**about, **describe_record(record)}))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "read"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])


if __name__ == "__main__":
    main()
