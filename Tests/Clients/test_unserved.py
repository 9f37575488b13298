"""What Varve does not serve yet: groups, transactions, SASL. No client crashes over it or tries for ever."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from clients import CLIENTS, Lacks, Record
from server import ROOT
from unserved.outcome import RECORDS

FOLDER = pathlib.Path(__file__).parent / "unserved"
OLD = ROOT / ".build/python/old-clients"
TOPIC = "unserved"
# A client that reconnects with librdkafka's shortest back-off makes some 12 in that time.
CONNECTIONS_MAX = 20
LOG_LINES_MAX = 10

# Client and version: its program, and the folder that Scripts/setup has an old version in.
PROGRAMS = {
    "kcat": None,
    "confluent-kafka": ("confluent.py", None),
    "confluent-kafka 2.0.2": ("confluent.py", "confluent-kafka-2.0.2"),
    "librdkafka 1.7.0": ("librdkafka.py", "librdkafka-1.7.0"),
    "librdkafka 0.11.6": ("librdkafka.py", "librdkafka-0.11.6"),
    "kafka-python": ("kafka_python.py", None),
    "kafka-python 2.0.2": ("kafka_python.py", "kafka-python-2.0.2"),
    "aiokafka": ("aio_kafka.py", None),
    "aiokafka 0.8.1": ("aio_kafka.py", "aiokafka-0.8.1"),
}
# (scenario, the table's row, what becomes of it)
SCENARIOS = [
    ("assign", "assign() with a group id and no offset", "works"),
    ("subscribe", "a group is refused, with an error", "error"),
    ("commit", "a commit is refused, with an error", "error"),
    ("transactions", "transactions are refused, with an error", "error"),
    ("sasl", "SASL is refused, with an error", "error"),
]
LACKS = {
    ("kcat", "commit"): "commits nothing by itself",
    ("kcat", "transactions"): "has no transactions",
    ("librdkafka 1.7.0", "commit"): "is asked for this as confluent-kafka",
    ("librdkafka 0.11.6", "commit"): "is asked for this as confluent-kafka",
    ("librdkafka 0.11.6", "transactions"): "has no transactions",
    ("kafka-python 2.0.2", "transactions"): "has no transactions",
}
KCAT = {
    # Its consumer is librdkafka's old one, which has no group.
    "assign": ["-C", "-t", TOPIC, "-p", "0", "-o", "beginning", "-e"],
    "subscribe": ["-G", "unserved", TOPIC],
    "sasl": ["-L", "-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanisms=PLAIN",
             "-X", "sasl.username=user", "-X", "sasl.password=word"],
}


@pytest.fixture
def unserved_server(own_server):
    """A server of the test's own, since its log lines and connections are counted."""
    server = own_server({"varve.metrics.listen": "127.0.0.1:0"})
    writer = CLIENTS["kafka-python"](server.address)
    writer.create_topics([TOPIC])
    writer.produce(TOPIC, [Record(b"%d" % n) for n in range(RECORDS)])
    return server


def run_program(program, folder, scenario, address):
    """(outcome, seconds, text)"""
    environment = dict(os.environ)
    if folder is not None:
        place = OLD / folder
        if not place.is_dir():
            pytest.skip(f"{folder} is not installed: Scripts/setup says why")
        environment["PYTHONPATH"] = str(place)
        for library in place.glob("confluent_kafka*/**/librdkafka*.so*"):
            environment["LIBRDKAFKA"] = str(library)
    process = subprocess.run(
        [sys.executable, FOLDER / program, scenario, address, TOPIC],
        capture_output=True, text=True, env=environment, timeout=60)
    lines = process.stdout.splitlines()
    assert process.returncode == 0 and lines, (
        f"ended with {process.returncode}: {process.stderr[-2000:]}")
    found = json.loads(lines[-1])
    return found["outcome"], found["seconds"], found["text"] + process.stderr[-2000:]


def run_kcat(scenario, address):
    """The same for kcat, a process for each call."""
    began = time.monotonic()
    process = subprocess.run(
        ["kcat", "-b", address, "-m", "3", *KCAT[scenario]], capture_output=True, text=True,
        timeout=20)
    seconds = time.monotonic() - began
    assert process.returncode >= 0, f"ended by signal {-process.returncode}: {process.stderr}"
    if process.returncode == 0:
        assert process.stdout.splitlines() == [f"{n}" for n in range(RECORDS)]
        return "works", seconds, ""
    return "error" if "ERROR" in process.stderr else "nothing", seconds, process.stderr


@pytest.mark.parametrize("scenario, row, expected", SCENARIOS, ids=[name for name, _, _ in SCENARIOS])
@pytest.mark.parametrize("client", PROGRAMS)
@pytest.mark.feature("{row}")
def test_a_client_reports_what_is_not_served(client, scenario, row, expected, unserved_server):
    if (client, scenario) in LACKS:
        raise Lacks(LACKS[client, scenario])
    if client == "kcat":
        outcome, seconds, text = run_kcat(scenario, unserved_server.address)
    else:
        outcome, seconds, text = run_program(
            *PROGRAMS[client], scenario, unserved_server.address)
    assert outcome == expected, text
    assert seconds <= 5, f"{seconds:.1f} s: {text}"
    # Whoever was here has not filled the log, and has not reconnected all the time.
    connections = unserved_server.metric("varve_connections_opened_total")
    assert connections <= CONNECTIONS_MAX, unserved_server.log_tail()
    lines = unserved_server.log.read_text().splitlines()
    assert len(lines) <= LOG_LINES_MAX, unserved_server.log_tail()
