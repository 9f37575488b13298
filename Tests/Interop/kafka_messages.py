#!/usr/bin/env python3
"""Requests and responses by an independent implementation: kafka-python 3.0.12, whose encoders are
made from Kafka's own message definitions.

    kafka_messages.py API FIRST LAST [API FIRST LAST ...]

For each API and version two requests and two responses, one JSON line each: a frame in hexadecimal
(length, header, body), and what it holds, one `path=value` a field. Of the two samples one has
every field set, and the other null, empty and extreme values where it can. The same at every run.
"""

import json
import random
import sys
import uuid

from kafka.protocol import admin, consumer, metadata, producer, sasl

CORRELATION_ID = 0x01020304
CLIENT_ID = "interop-é"
BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def message_class(name):
    for module in (producer, consumer, metadata, admin, sasl):
        if hasattr(module, name):
            return getattr(module, name)
    raise SystemExit(f"kafka-python has no {name}")


def property_path(path, name):
    """A field's path: its name is as in Kafka's definitions, with a lower first letter."""
    if name == "authorized_operations":  # kafka-python's own name for these
        name = "topicAuthorizedOperations" if path else "clusterAuthorizedOperations"
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


class Sample:
    """Values for the fields of a version, and their description."""

    def __init__(self, seed, version, full):
        self.random = random.Random(seed)
        self.version = version
        self.full = full
        self.lines = []

    def scalar(self, field, path):
        kind = field._type_str
        nullable = field.nullable_for_version_q(self.version)
        if nullable and not self.full and kind != "bitfield":
            self.lines.append(f"{path}=null")
            return None
        if kind == "bool":
            value = self.full
            self.lines.append(f"{path}={'true' if value else 'false'}")
        elif kind in BITS:
            top = 1 << (BITS[kind] - 1)
            if self.full:
                value = self.random.randrange(1, top)
            else:
                value = self.random.choice([-top, top - 1])
            self.lines.append(f"{path}={value}")
        elif kind == "bitfield":
            value = set(self.random.sample(range(31), 5))
            self.lines.append(f"{path}={sum(1 << bit for bit in value)}")
        elif kind == "string":
            # 200 bytes: a compact length of two bytes.
            value = self.random.choice(["topic-ü", "x" * 200]) if self.full else ""
            self.lines.append(f"{path}={value}")
        elif kind == "uuid":
            value = uuid.UUID(int=self.random.getrandbits(128))
            self.lines.append(f"{path}={value.hex}")
        elif kind in ("bytes", "records"):
            value = self.random.randbytes(300) if self.full else b""
            self.lines.append(f"{path}={value.hex()}")
        else:
            raise SystemExit(f"unknown type {kind}")
        return value

    def array(self, field, path, element):
        if not self.full and field.nullable_for_version_q(self.version):
            self.lines.append(f"{path}=null")
            return None
        count = self.random.randrange(1, 4) if self.full else self.random.randrange(0, 2)
        self.lines.append(f"{path}.count={count}")
        return [element(f"{path}[{index}]") for index in range(count)]

    def struct(self, field, data_class, path):
        values = {}
        for inner in field._fields:
            if not inner.for_version_q(self.version):
                continue
            if inner.tagged_field_q(self.version) and not self.full:
                continue
            inner_path = property_path(path, inner._name)
            if inner.is_struct_array():
                values[inner.name] = self.array(
                    inner, inner_path, lambda at: self.struct(inner.array_of, inner.data_class, at))
            elif inner.is_array():
                values[inner.name] = self.array(
                    inner, inner_path, lambda at: self.scalar(inner.array_of, at))
            elif inner.is_struct():
                values[inner.name] = self.struct(inner, inner.data_class, inner_path)
            else:
                values[inner.name] = self.scalar(inner, inner_path)
        return data_class(version=self.version, **values)


def main(arguments):
    for api, first, last in zip(arguments[0::3], arguments[1::3], arguments[2::3]):
        for version in range(int(first), int(last) + 1):
            for kind in ("Request", "Response"):
                cls = message_class(api + kind)
                for full in (True, False):
                    name = f"{api}{kind} version {version}" + (" full" if full else " sparse")
                    sample = Sample(name, version, full)
                    message = sample.struct(cls._struct, cls, "")
                    if kind == "Request":
                        message.with_header(correlation_id=CORRELATION_ID, client_id=CLIENT_ID)
                    else:
                        message.with_header(correlation_id=CORRELATION_ID)
                    frame = message.encode(header=True, framed=True)
                    print(json.dumps({
                        "name": name, "apiKey": cls.API_KEY, "version": version,
                        "isRequest": kind == "Request", "frame": bytes(frame).hex(),
                        "fields": sample.lines,
                    }))


if __name__ == "__main__":
    main(sys.argv[1:])
