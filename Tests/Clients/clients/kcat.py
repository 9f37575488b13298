"""kcat: a process for each call. It has no administration and sets no timestamps."""
import itertools
import json
import re
import subprocess

from .base import (
    CLIENT_MAX_BYTES, MESSAGE_TOO_LARGE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION,
    Client, ClientError, Lacks, Received,
)

# What separates records and keys on kcat's input: no test's record contains it.
RECORD_END = b"\x1e%varve%\x1e"
KEY_END = b"\x1f%varve%\x1f"

# kcat prints librdkafka's texts, not codes.
CODES = {
    "Offset out of range": OFFSET_OUT_OF_RANGE,
    "Unknown topic or partition": UNKNOWN_TOPIC_OR_PARTITION,
    "Message size too large": MESSAGE_TOO_LARGE,
}


class Kcat(Client):
    name = "kcat"

    @staticmethod
    def version():
        text = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
        return re.search(r"Version (\S+)", text)[1]

    def produce(self, topic, records, *, acks="all", compression="none", idempotent=False):
        for (partition, headers, null), run in itertools.groupby(records, key=self._run):
            lines = [self._line(record, null) for record in run]
            self._kcat(
                "-P", "-t", topic, "-p", partition, "-z", compression,
                "-D", RECORD_END.decode(), "-K", KEY_END.decode(), *(["-Z"] if null else []),
                *itertools.chain.from_iterable(("-H", self._header(*pair)) for pair in headers),
                "-X", f"topic.acks={acks}", "-X", f"enable.idempotence={str(idempotent).lower()}",
                "-X", f"message.max.bytes={CLIENT_MAX_BYTES}", input=RECORD_END.join(lines),
            )

    def consume(
        self, topic, partition, offset, count, *, isolation="read_uncommitted", seconds=30
    ):
        out = self._consume(
            topic, partition, offset, count, "-f", r"%o %T %K %S\n%k%s%h\n",
            "-X", f"isolation.level={isolation}", seconds=seconds,
        )
        records = []
        position = 0
        while position < len(out):
            end = out.index(b"\n", position)
            at, timestamp, key_size, value_size = map(int, out[position:end].split())
            key, position = self._take(out, end + 1, key_size)
            value, position = self._take(out, position, value_size)
            end = out.index(b"\n", position)
            headers = tuple(map(self._parse_header, filter(None, out[position:end].split(b","))))
            position = end + 1
            records.append(Received(at, timestamp, key, value, headers))
        return records

    def timestamp_types(self, topic, partition, offset, count):
        lines = self._consume(topic, partition, offset, count, "-J").splitlines()
        return [json.loads(line)["tstype"].removeprefix("log") for line in lines]

    def bounds(self, topic, partition):
        return self._offset(topic, partition, -2), self._offset(topic, partition, -1)

    def offset_at(self, topic, partition, timestamp):
        offset = self._offset(topic, partition, timestamp)
        return None if offset < 0 else offset

    def topics(self):
        return {topic["topic"] for topic in self._metadata()["topics"]}

    def partition_count(self, topic):
        (found,) = self._metadata("-t", topic)["topics"]
        if "error" in found:
            raise self._error(found["error"])
        return len(found["partitions"])

    def cluster(self):
        metadata = self._metadata()
        brokers = {}
        for broker in metadata["brokers"]:
            host, port = broker["name"].rsplit(":", 1)
            brokers[broker["id"]] = (host, int(port))
        return {"brokers": brokers, "controller": metadata["controllerid"], "cluster_id": None}

    @staticmethod
    def _run(record):
        """What one process can send: headers are the process's, and -Z makes empty things null."""
        if record.timestamp is not None:
            raise Lacks("sets no timestamps")
        null = record.key is None and record.value == b"" or record.value is None
        if null and (b"" in (record.key, record.value) or record.key is None):
            raise Lacks("sends no record with a null and an empty part")
        return record.partition, record.headers, null

    @staticmethod
    def _line(record, null):
        key = b"" if record.key is None else record.key + KEY_END
        return key + (record.value or b"")

    @staticmethod
    def _header(name, value):
        if value is None:
            return name
        # kcat prints headers as name=value,… and gets them as a command line's words.
        if not all(32 <= byte < 127 and byte not in b",=" for byte in value):
            raise Lacks("takes and prints headers as text")
        return f"{name}={value.decode()}"

    @staticmethod
    def _parse_header(text):
        name, value = text.split(b"=", 1)
        return name.decode(), None if value == b"NULL" else value

    @staticmethod
    def _take(out, position, size):
        if size < 0:
            return None, position
        return out[position:position + size], position + size

    def _offset(self, topic, partition, timestamp):
        out = self._kcat("-Q", "-t", f"{topic}:{partition}:{timestamp}")
        return int(re.search(rb"offset (-?\d+)", out)[1])

    def _metadata(self, *arguments):
        return json.loads(self._kcat("-L", "-J", *arguments))

    def _consume(self, topic, partition, offset, count, *arguments, seconds=30):
        if count == 0:
            return b""
        return self._kcat(
            "-C", "-q", "-t", topic, "-p", partition, "-o", offset, "-c", count,
            "-X", "topic.auto.offset.reset=error", *arguments, seconds=seconds,
        )

    def _kcat(self, *arguments, input=b"", seconds=60):
        process = subprocess.run(
            ["kcat", "-b", self.address, *map(str, arguments)],
            input=input, capture_output=True, timeout=seconds,
        )
        if process.returncode != 0:
            raise self._error(process.stderr.decode(errors="replace").strip())
        return process.stdout

    @staticmethod
    def _error(text):
        code = next((CODES[known] for known in CODES if known in text), None)
        return ClientError(code, text)
