"""`log import`, `log dump` and `log verify` over real events."""
import collections
import gzip
import json
import os

import pytest
from conftest import BACKENDS, JANUARY
from kafka.partitioner.default import murmur2


def is_impossible(outcome):
    """True where this system lacks what the backend needs."""
    return "io_uring cannot be used here" in outcome.err or "RWF_DONTCACHE needs" in outcome.err


def skip_where_impossible(outcome):
    if is_impossible(outcome):
        pytest.skip(outcome.err.strip())



def events_of(path):
    """Each event with its value's bytes exactly as written."""
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    with opened as lines:
        for line in lines:
            event = json.loads(line)
            value = line.rstrip("\n").split('"value":', 1)[1][:-1]
            yield event, (None if value == "null" else value)


def expected_partitions(path, count):
    """What each partition should hold, by Kafka's own partitioner, in order."""
    partitions = collections.defaultdict(list)
    keyless = 0
    for event, value in events_of(path):
        if event["key"] is None:
            partition = keyless % count
            keyless += 1
        else:
            partition = (murmur2(event["key"].encode()) & 0x7FFFFFFF) % count
        headers = [{"key": k, "value": v} for k, v in event["headers"].items()]
        partitions[partition].append((event["key"], event["timestamp"], headers, value))
    return partitions


def dumped(varve, directory, partition):
    found = []
    folder = directory / f"events-{partition}"
    for segment in sorted(folder.glob("*.log")):
        outcome = varve("log", "dump", segment, "--json")
        assert outcome.status == 0, outcome.err
        for line in outcome.out.splitlines():
            record = json.loads(line)
            assert record["offset"] == len(found)
            found.append(
                (record["key"], record["timestamp"], record["headers"], record["value"])
            )
    return found


def check_import(varve, folder, source, count, segment_bytes):
    expected = expected_partitions(source, count)
    files = {}
    for backend in BACKENDS:
        directory = folder / backend
        outcome = varve(
            "log", "import", source, "--dir", directory, "--partitions", count,
            "--backend", backend, "--segment-bytes", segment_bytes,
        )
        if is_impossible(outcome):
            print(f"skipped {backend}: {outcome.err.strip()}")
            continue
        assert outcome.status == 0, outcome.err
        total = sum(map(len, expected.values()))
        assert outcome.last.startswith(f"imported {total} records")
        verified = varve("log", "verify", directory)
        assert verified.status == 0 and f"{total} records" in verified.last, verified.err
        files[backend] = {
            path.relative_to(directory): path.read_bytes()
            for path in sorted(directory.glob("events-*/*"))
            if path.name != "partition.metadata"
        }
    for backend, found in files.items():
        assert files["buffered"] == found, f"{backend} leaves the same bytes as buffered"
    for partition in range(count):
        assert dumped(varve, folder / "buffered", partition) == expected[partition]
    return expected


def test_january_keeps_every_event_in_order_with_keys_and_headers(varve, folder):
    expected = check_import(varve, folder, JANUARY, 3, 1 << 20)
    records = [record for part in expected.values() for record in part]
    assert len(records) == 26_865
    assert sum(record[0] is None for record in records) == 154


@pytest.mark.skipif("FLIGHTS" not in os.environ, reason="set FLIGHTS=FILE to import a whole year")
def test_a_larger_file_keeps_every_event(varve, folder):
    expected = check_import(varve, folder, os.environ["FLIGHTS"], 4, 8 << 20)
    print(sum(map(len, expected.values())), "records")


def test_tombstones_null_keys_and_odd_text_survive(varve, folder):
    source = folder / "events.jsonl"
    lines = [
        '{"key":null,"timestamp":1,"headers":{},"value":null}',
        '{"key":"","timestamp":2,"headers":{"a":null},"value":""}',
        '{"key":"\\u00e9\\ud83d\\ude00\\n","timestamp":3,"headers":{"b":"\\t"},"value":[1, 2 ,{}]}',
        '{"value":0.10e1,"timestamp":4,"key":"k"}',
    ]
    source.write_text("\n".join(lines) + "\n")
    outcome = varve("log", "import", source, "--dir", folder / "log")
    assert outcome.status == 0, outcome.err
    records = dumped(varve, folder / "log", 0)
    assert [record[0] for record in records] == [None, "", "é😀\n", "k"]
    assert [record[3] for record in records] == [None, '""', "[1, 2 ,{}]", "0.10e1"]
    assert records[1][2] == [{"key": "a", "value": None}]


def test_a_topic_that_is_there_is_changed_only_in_what_is_told(varve, folder):
    def settings():
        lines = (folder / "log/topics/events.properties").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    first = ["log", "import", JANUARY, "--dir", folder / "log"]
    told = ["--durability", "group", "--preallocation", "fallocate"]
    assert varve(*first, *told).status == 0
    before = settings()
    assert varve(*first).status == 0
    assert settings() == before
    # What does not go together is refused before anything is changed.
    refused = varve(*first, "--backend", "mmap")
    assert refused.status == 2 and "'fallocate'" in refused.err and "'mmap'" in refused.err
    assert settings() == before
    assert varve(*first, "--backend", "mmap", "--preallocation", "zero").status == 0
    changed = settings()
    assert changed == before | {"varve.backend": "mmap", "varve.preallocation": "zero"}


@pytest.mark.parametrize("durability", ["none", "interval", "batch", "group"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_durability_imports_the_same(varve, folder, backend, durability):
    outcome = varve(
        "log", "import", JANUARY, "--dir", folder / "log", "--partitions", 2,
        "--backend", backend, "--durability", durability,
    )
    skip_where_impossible(outcome)
    assert outcome.status == 0, outcome.err
    assert "26865 records" in varve("log", "verify", folder / "log").last


def test_kafka_python_reads_the_segments(varve, folder):
    from kafka.record import MemoryRecords

    varve("log", "import", JANUARY, "--dir", folder / "log", "--backend", "direct")
    segment = next((folder / "log/events-0").glob("*.log"))
    records = MemoryRecords(segment.read_bytes())
    count = 0
    while (batch := records.next_batch()) is not None:
        assert batch.validate_crc()
        for record in batch:
            assert record.offset == count
            count += 1
    assert count == 26_865


def test_a_second_import_goes_on_behind_the_first(varve, folder):
    imports = 0
    for backend in BACKENDS:
        outcome = varve("log", "import", JANUARY, "--dir", folder / "log", "--backend", backend)
        if is_impossible(outcome):
            continue
        assert outcome.status == 0, outcome.err
        imports += 1
    verified = varve("log", "verify", folder / "log")
    assert f"{imports * 26_865} records" in verified.last, verified.err
    document = json.loads(varve("log", "verify", folder / "log", "--json").out)
    assert document["ok"] and document["records"] == imports * 26_865 and not document["problems"]
    segment = next((folder / "log/events-0").glob("*.log"))
    segment.write_bytes(segment.read_bytes()[:-1] + b"?")
    damaged = varve("log", "verify", folder / "log", "--json")
    document = json.loads(damaged.out)
    assert damaged.status == 1 and not document["ok"] and document["problems"]


@pytest.mark.parametrize("way", ["none", "fallocate", "fallocate-extend", "zero", "recycle"])
def test_every_preallocation_leaves_the_same_log(varve, folder, way):
    for backend in ["buffered", "direct"]:
        outcome = varve(
            "log", "import", JANUARY, "--dir", folder / "log", "--topic", backend,
            "--backend", backend, "--preallocation", way, "--segment-bytes", 1 << 20,
        )
        assert outcome.status == 0, outcome.err
    contents = [
        [path.read_bytes() for path in sorted((folder / f"log/{backend}-0").glob("*.log"))]
        for backend in ["buffered", "direct"]
    ]
    assert contents[0] == contents[1] and len(contents[0]) > 2
