"""A client that does nothing wrong, beside one that does: it must not notice."""
import threading
import time

import frames
import raw


class Bystander:
    """Produces and fetches in a loop, in a thread, from `with` to its end, which checks."""

    # Far above what a loaded machine needs: a broker that stands still does so until the other client
    # has gone, or for ever.
    SECONDS_MAX = 6

    def __init__(self, address, topic="bystander", produces=True):
        self.address, self.topic, self.produces = address, topic, produces
        self.rounds, self.error = 0, None
        # Of each round, in seconds.
        self.times = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.wait_for(3)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            # What it does last comes after all that the other client did.
            self.wait_for(3)
        self._ending.set()
        self._thread.join(timeout=30)
        if kind is None:
            assert self.error is None, f"another client failed: {self.error!r}"
            assert self.slowest < self.SECONDS_MAX, f"another client waited {self.slowest:.1f} s"

    @property
    def slowest(self):
        return max(self.times, default=0)

    def wait_for(self, rounds):
        """Until there have been so many rounds more."""
        end, deadline = self.rounds + rounds, time.monotonic() + 60
        while self.rounds < end and self.error is None:
            assert time.monotonic() < deadline, "another client stands still"
            time.sleep(0.005)

    def _run(self):
        try:
            with frames.Frames(self.address) as connection:
                connection.send(frames.metadata(self.topic))
                connection.answer()
                while not self._ending.is_set():
                    start = time.monotonic()
                    self._round(connection)
                    self.times.append(time.monotonic() - start)
                    self.rounds += 1
                    time.sleep(0.002)
        except Exception as error:  # The test's thread tells of it.
            self.error = error

    def _round(self, connection):
        offset = 0
        if self.produces:
            value = b"round %d" % self.rounds
            error, offset = connection.produce(self.topic, 0, frames.batch(value))
            assert error == 0, f"produce: error {error}"
        error, data = connection.fetch(self.topic, 0, offset)
        assert error == 0 and raw.whole_batches(data), f"fetch: error {error}, {len(data)} bytes"
        assert not self.produces or value in data, "the record is not there"
