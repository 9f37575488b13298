"""What `varve serve` says of mistakes before it serves, and what else comes to its port."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

import frames
from clients import CLIENTS
from frames import Frames
from server import ROOT, VARVE, Server


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
    status, said = serve("--data", data, "--set", "something.else=3")
    assert status == 2 and "nearest" not in said and "--settings-help" in said
    status, said = serve("--data", data, "--set", "zookeeper.connect=localhost:2181")
    assert status == 2 and "there is no ZooKeeper" in said
    assert not data.exists()


def test_a_variable_that_is_nearly_a_settings_is_warned_of(own_server, monkeypatch):
    monkeypatch.setenv("VARVE_NUM_PARTITION", "3")
    monkeypatch.setenv("VARVE_SOMETHING_ELSE_ALTOGETHER", "3")
    server = own_server()
    assert server.says("VARVE_NUM_PARTITION is")
    said = server.log_tail()
    assert "nearest: VARVE_NUM_PARTITIONS" in said
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
    server.start()
    assert server.says("gone-0: is missing, and ") and server.says("topics/gone.properties says")
    with Frames(server.address) as connection:
        assert connection.produce("here", 0, frames.batch(b"x")) == (0, 0)
        assert connection.produce("gone", 0, frames.batch(b"x"))[0] == 56
    server.stop()
    (server.folder / "gone-0").rename(server.data / "gone-0")
    server.start()
    with Frames(server.address) as connection:
        assert connection.produce("gone", 0, frames.batch(b"x")) == (0, 0)


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
    assert server.says("1 topics do not follow varve.durability=group")
    said = "\n".join(line for line in server.log_tail().splitlines() if " warning " in line)
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


DENY = ROOT / "Tests/CommandLine/deny.py"
IO_URING_SETUP = "425"


def test_a_backend_that_does_not_work_here_is_refused_at_the_start(data):
    for backend in "uring", "uring-buffered":
        process = subprocess.run(
            [sys.executable, DENY, "1", IO_URING_SETUP, VARVE, "serve", "--data", data,
             "--listen", "127.0.0.1:0", "--set", f"varve.backend={backend}"],
            capture_output=True, text=True, timeout=30)
        assert process.returncode == 2, process.stderr
        assert f"the backend '{backend}' does not work here" in process.stderr
        assert "io_uring cannot be used here" in process.stderr


def test_a_backend_that_does_not_work_here_is_refused_to_topics(own_server):
    server = own_server(prefix=[sys.executable, DENY, "1", IO_URING_SETUP])
    ring = {"varve.backend": "uring"}
    with Frames(server.address) as connection:
        connection.send(frames.create_topic("new", ring))
        _, body = connection.answer()
        assert struct.unpack_from(">h", body, 4 + 4 + 2 + 3) == (40,) and b"io_uring cannot be used" in body
        connection.send(frames.create_topic("old", {"varve.backend": "direct"}))
        _, body = connection.answer()
        assert struct.unpack_from(">h", body, 4 + 4 + 2 + 3) == (0,), body
        connection.send(frames.alter_topic("old", ring))
        _, body = connection.answer()
        assert b"io_uring cannot be used" in body
        # Nothing of it was applied.
        assert connection.produce("old", 0, frames.batch(b"x")) == (0, 0)


def test_a_topic_whose_backend_stopped_working_fails_its_appends_for_good(own_server):
    server = own_server()
    with Frames(server.address) as connection:
        connection.send(frames.create_topic("ring", {"varve.backend": "uring"}))
        connection.answer()
        assert connection.produce("ring", 0, frames.batch(b"x")) == (0, 0)
    server.stop()
    server.prefix = [sys.executable, DENY, "1", IO_URING_SETUP]
    server.start()
    assert server.says("io_uring cannot be used here")
    with Frames(server.address) as connection:
        # INVALID_CONFIG, which is not retriable, and not a storage error, which is.
        assert connection.produce("ring", 0, frames.batch(b"x"))[0] == 40
        connection.send(frames.metadata("other"))
        connection.answer()
        assert connection.produce("other", 0, frames.batch(b"x")) == (0, 0)


def test_too_little_address_space_for_the_budget_is_refused(data):
    process = subprocess.run(
        ["prlimit", "--as=1000000000", VARVE, "serve", "--data", data, "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=30)
    assert process.returncode == 2 and "RLIMIT_AS" in process.stderr, process.stderr
    assert not data.exists()


def test_what_the_broker_makes_is_for_its_user_alone(own_server):
    server = own_server()
    with Frames(server.address) as connection:
        for backend in "buffered", "mmap", "direct":
            connection.send(frames.create_topic(backend, {"varve.backend": backend}))
            connection.answer()
            connection.produce(backend, 0, frames.batch(b"x"))
    server.stop()
    for path in [server.data, *server.data.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_places_that_this_machine_does_not_have_are_refused(data):
    for setting in "varve.log.places", "varve.network.places":
        for place in "cpu:8000", "node:77":
            status, said = serve("--data", data, "--listen", "127.0.0.1:0", "--set", f"{setting}={place}")
            assert status == 2 and setting in said, said
        status, said = serve("--data", data, "--set", f"{setting}=somewhere")
        assert status == 2 and setting in said and "expected places separated by ';'" in said


def test_threads_run_where_they_are_placed(own_server):
    server = own_server({"varve.log.threads": 2, "varve.log.places": "cpu:0;any", "varve.network.places": "cpu:0"})
    with Frames(server.address) as connection:
        connection.send(frames.metadata("one", "two"))
        connection.answer()
        for topic in "one", "two":
            assert connection.produce(topic, 0, frames.batch(b"x")) == (0, 0)
    allowed = [
        next(line.split()[1] for line in task.joinpath("status").read_text().splitlines()
             if line.startswith("Cpus_allowed_list"))
        for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()
    ]
    # Two event loops, and one of the two that append.
    assert allowed.count("0") == 3, allowed


@pytest.mark.parametrize("wait", [0, 0.05, 0.15, 0.4])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_heard_while_the_log_is_recovered_and_loses_nothing(own_server, wait, number):
    server = own_server()
    with Frames(server.address) as client:
        client.send(frames.create_topic("t", {}, partitions=4))
        client.answer()
        for count in range(200):
            assert client.produce("t", count % 4, frames.batch(bytes(900_000)))[0] == 0
    server.kill()
    # All of it is to be checked.
    (server.data / "recovery-point-offset-checkpoint").unlink(missing_ok=True)
    server.launch()
    server.process.stdout.readline()
    time.sleep(wait)
    server.process.send_signal(number)
    assert server.process.wait(timeout=20) == 0
    server.start()
    with Frames(server.address) as client:
        for partition in range(4):
            assert client.end_offset("t", partition) == (0, 50)
    server.stop()
    server.verify()
