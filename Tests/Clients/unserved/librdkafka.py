"""librdkafka by itself, as old as a wheel of confluent-kafka brings it: LIBRDKAFKA names the library.

The wheels of old versions are for old Pythons, but the library in them is C.
"""
import ctypes
import os
import pathlib

import outcome

CONSUMER, PRODUCER = 1, 0
NO_SUCH_OFFSET_YET = -1001  # RD_KAFKA_OFFSET_INVALID, as assign() without an offset has it.
PARTITION_EOF = -191


class Message(ctypes.Structure):
    """rd_kafka_message_t"""

    _fields_ = [
        ("err", ctypes.c_int), ("rkt", ctypes.c_void_p), ("partition", ctypes.c_int32),
        ("payload", ctypes.c_void_p), ("len", ctypes.c_size_t), ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t), ("offset", ctypes.c_int64), ("private", ctypes.c_void_p),
    ]


class LibraryError(Exception):
    """What librdkafka reported."""


def load(path):
    """The library; the wheel's other libraries, which it names without a path, are loaded before it."""
    others = set(pathlib.Path(path).parent.glob("lib*.so*")) - {pathlib.Path(path)}
    for _ in range(len(others)):
        for other in sorted(others):
            try:
                ctypes.CDLL(str(other), mode=ctypes.RTLD_GLOBAL)
                others.remove(other)
            except OSError:
                pass  # It needs one that comes later.
    return ctypes.CDLL(path)


lib = load(os.environ["LIBRDKAFKA"])
for name in (
    "rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_topic_partition_list_new",
    "rd_kafka_topic_partition_list_add",
):
    getattr(lib, name).restype = ctypes.c_void_p
ERROR_CALLBACK = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
reported = []
# Kept: the library only has its address.
on_error = ERROR_CALLBACK(lambda _handle, code, text, _opaque: reported.append(text.decode()))
lib.rd_kafka_err2str.restype = ctypes.c_char_p
lib.rd_kafka_consumer_poll.restype = ctypes.POINTER(Message)


def check(code):
    if code:
        raise LibraryError(lib.rd_kafka_err2str(code).decode())


def client(kind, **settings):
    conf = ctypes.c_void_p(lib.rd_kafka_conf_new())
    text = ctypes.create_string_buffer(512)
    for name, value in settings.items():
        if lib.rd_kafka_conf_set(
            conf, name.replace("_", ".").encode(), value.encode(), text, len(text)
        ):
            raise ValueError(text.value)
    lib.rd_kafka_conf_set_error_cb(conf, on_error)
    handle = lib.rd_kafka_new(kind, conf, text, len(text))
    if not handle:
        raise ValueError(text.value)
    return ctypes.c_void_p(handle)


def consumer(address, **settings):
    handle = client(
        CONSUMER, bootstrap_servers=address, group_id="unserved", auto_offset_reset="earliest",
        auto_commit_interval_ms="200", enable_partition_eof="false", **settings)
    check(lib.rd_kafka_poll_set_consumer(handle))
    return handle


def places(topic, partition=0):
    places = ctypes.c_void_p(lib.rd_kafka_topic_partition_list_new(1))
    lib.rd_kafka_topic_partition_list_add(places, topic.encode(), ctypes.c_int32(partition))
    return places


def read(reader):
    values = []
    for _ in outcome.until():
        message = lib.rd_kafka_consumer_poll(reader, 200)
        if reported:
            raise LibraryError(reported[0])
        if not message:
            if len(values) == outcome.RECORDS:
                break
            continue
        found = message.contents
        if found.err != PARTITION_EOF:
            check(found.err)
            values.append(ctypes.string_at(found.payload, found.len))
        lib.rd_kafka_message_destroy(message)
    check(lib.rd_kafka_consumer_close(reader))
    outcome.check(values)


def assign(address, topic):
    reader = consumer(address)
    check(lib.rd_kafka_assign(reader, places(topic)))
    read(reader)


def subscribe(address, topic):
    reader = consumer(address)
    check(lib.rd_kafka_subscribe(reader, places(topic, -1)))
    read(reader)


def sasl(address, topic):
    reader = consumer(
        address, security_protocol="sasl_plaintext", sasl_mechanisms="PLAIN",
        sasl_username="user", sasl_password="word")
    check(lib.rd_kafka_assign(reader, places(topic)))
    read(reader)


def transactions(address, _topic):
    producer = client(PRODUCER, bootstrap_servers=address, transactional_id="unserved")
    lib.rd_kafka_init_transactions.restype = ctypes.c_void_p
    lib.rd_kafka_error_string.restype = ctypes.c_char_p
    error = lib.rd_kafka_init_transactions(producer, int(outcome.PATIENCE * 1000))
    if error:
        raise LibraryError(lib.rd_kafka_error_string(ctypes.c_void_p(error)).decode())


outcome.report(
    {"assign": assign, "subscribe": subscribe, "transactions": transactions, "sasl": sasl},
    LibraryError)
