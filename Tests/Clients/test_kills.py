"""A broker that is killed under load, once for each backend; Scripts/kill9-broker does it more."""
import random

import pytest

from kills.run import BACKENDS, Failed, Run


@pytest.mark.seconds(90)
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


@pytest.mark.seconds(60)
def test_a_loss_is_found():
    run = Run([("buffered", "none")], seed=1)

    def cut():
        """Takes the last byte of each partition's log away, and so the last batch."""
        for place in run.ledger.places:
            folder = run.server.data / "-".join(map(str, place))
            newest = max(folder.glob("*.log"))
            with open(newest, "r+b") as file:
                file.truncate(newest.stat().st_size - 1)

    try:
        run.kill()
        run.after_kill = cut
        with pytest.raises(Failed, match="acknowledged at offset|than it|was read to"):
            for _ in range(3):
                run.kill()
    finally:
        run.remove()
