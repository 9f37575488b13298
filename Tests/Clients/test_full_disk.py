"""A disk that becomes full while clients produce."""
import subprocess

import pytest

import frames
import raw
from bystander import Bystander
from frames import Frames
from server import Server

KAFKA_STORAGE_ERROR = 56
VALUE = b"v" * 60_000

pytestmark = pytest.mark.alone


@pytest.fixture
def small_disk():
    """A server with its data on a tmpfs of 8 MiB."""
    server = Server({"log.segment.bytes": 1 << 20})
    disk = server.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        server.remove()
        pytest.skip(f"mounting a tmpfs needs root: {mounted.stderr.strip()}")
    server.data = disk / "data"
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
        subprocess.run(["umount", "-l", disk], check=True)
        server.remove()


def fill(connection, topic):
    """Produces until the broker has no room: how many batches it has acknowledged."""
    for count in range(500):
        error, offset = connection.produce(topic, 0, frames.batch(VALUE))
        if error:
            assert error == KAFKA_STORAGE_ERROR, f"error {error}"
            return count
        assert offset == count
    raise AssertionError("the disk does not become full")


def check_all(connection, topic, count):
    """Every acknowledged batch is there, once, and nothing else."""
    offset = 0
    while offset < count:
        error, data = connection.fetch(topic, 0, offset)
        batches = raw.whole_batches(data)
        assert error == 0 and batches, f"error {error} at {offset} of {count}"
        for first, offsets, batch in batches:
            assert first == offset and VALUE in batch
            offset += offsets
    assert offset == count, f"{offset} records, {count} acknowledged"


@pytest.mark.parametrize("durability", ["none", "batch", "group"])
@pytest.mark.parametrize("backend", ["buffered", "mmap", "uring-buffered"])
def test_a_full_disk_is_an_error_and_costs_nothing_else(small_disk, backend, durability):
    server = small_disk
    server.settings |= {"varve.backend": backend, "varve.durability": durability}
    ballast = server.folder / "disk" / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    server.start()
    with Frames(server.address) as connection:
        connection.send(frames.metadata("full", "read"))
        connection.answer()
        error, _ = connection.produce("read", 0, frames.batch(b"before"))
        if error == KAFKA_STORAGE_ERROR and backend != "buffered":
            pytest.skip(f"this system has no {backend}: {server.log_tail()}")
        assert error == 0
        with Bystander(server.address, "read", produces=False):
            count = fill(connection, "full")
            assert count > 20
            check_all(connection, "full", count)
            # Again, and the broker stays what it is.
            for _ in range(5):
                assert connection.produce("full", 0, frames.batch(VALUE))[0] == KAFKA_STORAGE_ERROR
            check_all(connection, "full", count)
        assert server.says("append to full-0")

        ballast.unlink()
        error, offset = connection.produce("full", 0, frames.batch(VALUE))
        if error == 0:
            assert offset == count
            count += 1
        else:
            # In doubt: it takes appends again when the broker is started again.
            assert error == KAFKA_STORAGE_ERROR
    server.stop()
    server.verify()
    server.start()
    with Frames(server.address) as connection:
        check_all(connection, "full", count)
        assert connection.produce("full", 0, frames.batch(VALUE)) == (0, count)
        check_all(connection, "full", count + 1)
        assert connection.produce("read", 0, frames.batch(b"after"))[0] == 0
    server.stop()
    server.verify()
