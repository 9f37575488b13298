"""What a start after a kill reads."""
import re
import time

import pytest

import frames
from frames import Frames

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("durability", ["none", "interval", "batch", "group"])
def test_a_start_after_a_kill_reads_what_no_checkpoint_covers(own_server, durability):
    server = own_server({
        "varve.durability": durability,
        "log.segment.bytes": 4 * MEBIBYTE,
        "varve.checkpoint.bytes": MEBIBYTE,
        "varve.checkpoint.lag.max.bytes": 3 * MEBIBYTE,
        "varve.metrics.listen": "127.0.0.1:0",
    })
    batch = frames.batch(bytes(900_000))
    with Frames(server.address) as client:
        client.send(frames.create_topic("t", {}, partitions=2))
        client.answer()
        for count in range(60):
            assert client.produce("t", count % 2, batch) == (0, count // 2)
    # Appends that are durable when they are acknowledged wait for no checkpoint.
    deadline = time.monotonic() + 20
    while durability in ("batch", "group") and server.metric("varve_checkpoint_lag_bytes") > 3 * MEBIBYTE:
        assert time.monotonic() < deadline, "no checkpoint is made"
        time.sleep(0.05)
    server.kill()
    server.start()
    # A partition may be checked from an index entry and a batch before its recovery point on.
    assert 0 <= checked_bytes(server) <= 3 * MEBIBYTE + 2 * 2 * MEBIBYTE
    with Frames(server.address) as client:
        for partition in range(2):
            assert client.end_offset("t", partition) == (0, 30)
    server.stop()
    server.verify()


def checked_bytes(server):
    assert server.says("log opened")
    return int(re.findall(r"recovered_bytes=(\d+)", server.log_tail())[-1])
