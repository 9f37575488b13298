"""A broker that is killed under load, once for each backend; Scripts/kill9-broker does it more."""
import random
import struct

import pytest

import raw
from kills.run import Failed, Run
from program import BACKENDS


@pytest.mark.seconds(300)
def test_a_killed_broker_loses_nothing_that_was_acknowledged():
    # What is written survives the process under every durability, so `none` is the hardest.
    seed = random.randrange(1 << 31)
    print(f"seed {seed}")
    run = Run([(backend, "none") for backend in BACKENDS], seed)
    try:
        for _ in run.topics:
            run.kill()
        run.finish()
        assert run.ledger.acknowledged > 0
    finally:
        run.remove()


def newest_segments(run):
    """The file that each partition's log ends in."""
    for place in run.ledger.places:
        yield max((run.server.data / "-".join(map(str, place))).glob("*.log"))


def expect_found(after_kill, what):
    """A harness that finds nothing proves nothing: what is done to the log is found."""
    run = Run([("buffered", "none")], seed=1)
    try:
        run.kill()
        run.after_kill = lambda: [after_kill(segment) for segment in newest_segments(run)]
        with pytest.raises(Failed, match=what):
            for _ in range(3):
                run.kill()
    finally:
        run.remove()


def test_a_loss_is_found():
    def cut(segment):
        """Takes the last byte away, and so the last batch."""
        with open(segment, "r+b") as file:
            file.truncate(segment.stat().st_size - 1)

    # By what the log has, by a consumer that was further, or by an idempotent producer's next batch.
    expect_found(
        cut, "acknowledged at offset|than it|was read to|OutOfOrderSequence|OUT_OF_ORDER|OutOfRange")


def test_a_duplicate_is_found():
    def repeat(segment):
        """Appends the last batch of an idempotent producer once more."""
        data = segment.read_bytes()
        batches = raw.whole_batches(data)
        length = sum(len(batch) for _, _, batch in batches)
        last, count, _ = batches[-1]
        for _, _, batch in reversed(batches):
            (producer,) = struct.unpack_from(">q", batch, 43)
            if producer >= 0:
                # The checksum does not cover the offset.
                copy = struct.pack(">q", last + count) + batch[8:]
                segment.write_bytes(data[:length] + copy)
                return

    expect_found(repeat, "a duplicate or out of order")
