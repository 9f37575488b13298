"""What `varve serve` says of mistakes before it serves, and what else comes to its port."""
import os
import signal
import socket
import subprocess
import time

import pytest

import frames
from clients import CLIENTS
from frames import Frames
from server import VARVE, Server, ServerError


def serve(*arguments, **environment):
    """(exit status, standard error) of a server that is expected not to start."""
    process = subprocess.run(
        [VARVE, "serve", *map(str, arguments)], capture_output=True, text=True, timeout=30,
        env=os.environ | environment)
    return process.returncode, process.stderr


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def test_a_setting_that_is_not_one_is_named_with_what_was_probably_meant(data):
    status, said = serve("--data", data, "--set", "num.partition=3")
    assert status == 2 and "'num.partition'" in said and "nearest: 'num.partitions'" in said
    status, said = serve("--data", data, "--set", "zookeeper.connect=localhost:2181")
    assert status == 2 and "nearest" not in said and "--settings-help" in said
    assert not data.exists()


def test_a_variable_that_is_nearly_a_settings_is_warned_of(own_server, monkeypatch):
    monkeypatch.setenv("VARVE_NUM_PARTITION", "3")
    monkeypatch.setenv("VARVE_SOMETHING_ELSE_ALTOGETHER", "3")
    server = own_server()
    said = server.log_tail()
    assert "VARVE_NUM_PARTITION is" in said and "nearest: VARVE_NUM_PARTITIONS" in said
    assert "ALTOGETHER" not in said


def test_a_configuration_file_that_cannot_be_read_says_why(data, tmp_path):
    for path in tmp_path / "missing", tmp_path:
        status, said = serve("--data", data, "--config", path)
        assert status == 2 and f"--config: {path}: " in said and not said.endswith(": \n")


def test_an_address_that_is_taken_says_which_setting_it_is(data):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "%s:%d" % taken.getsockname()
        status, said = serve("--data", data, "--listen", address)
        assert status == 1 and "listeners (--listen)" in said and address in said
        status, said = serve("--data", data, "--listen", "127.0.0.1:0", "--metrics", address)
        assert status == 1 and "varve.metrics.listen (--metrics)" in said and address in said


def test_every_address_needs_one_that_clients_are_told(data):
    status, said = serve("--data", data, "--listen", "0.0.0.0:0")
    assert status == 2 and "--advertise" in said


def test_a_data_directory_that_is_a_file_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for path in file, file / "below":
        status, said = serve("--data", path, "--listen", "127.0.0.1:0")
        assert status == 1 and f"{path}: is a file, or lies below one" in said


def test_a_partition_that_is_missing_is_named_with_the_way_out(own_server):
    server = own_server()
    with Frames(server.address) as connection:
        connection.send(frames.metadata("here", "gone"))
        connection.answer()
    server.stop()
    (server.data / "gone-0").rename(server.folder / "gone-0")
    with pytest.raises(ServerError, match="gone-0: is missing, and .*topics/gone.properties"):
        server.start()
    (server.folder / "gone-0").rename(server.data / "gone-0")
    server.start()


def test_topics_that_do_not_follow_the_broker_are_told(own_server, tmp_path):
    server = own_server()
    with Frames(server.address) as connection:
        connection.send(frames.metadata("follows", "told"))
        connection.answer()
    server.stop()
    events = tmp_path / "events.jsonl"
    events.write_text('{"key":"a","timestamp":1,"headers":{},"value":1}\n')
    for topic, *told in ("imported",), ("follows",), ("told", "--durability", "batch"):
        arguments = ["log", "import", events, "--dir", server.data, "--topic", topic, *told]
        subprocess.run([VARVE, *arguments], check=True)
    server.settings = {"varve.durability": "group"}
    server.start()
    said = server.log_tail()
    assert "1 topics do not follow varve.durability=group" in said
    assert "imported" in said and "follows" not in said and "retention" not in said
    client = CLIENTS["confluent-kafka"](server.address)
    found = {name: client.topic_configs(name)["varve.durability"] for name in client.topics()}
    assert found == {"imported": "none", "follows": "group", "told": "batch"}


def test_sigterm_may_come_twice(own_server):
    server = own_server()
    for _ in range(20):
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
        if server.process.poll() is not None:
            break
        server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
