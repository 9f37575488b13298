"""What became of a scenario, as one line of JSON."""
import json
import sys
import time

# A client that has said nothing after so many seconds has said nothing.
PATIENCE = 9.0
RECORDS = 10


class NothingHappened(Exception):
    """The client neither worked nor reported an error."""


def report(scenarios, errors):
    """Runs the scenario that the command line names.

    `errors` are the exceptions by which the library reports; any other is a fault of the program.
    """
    name, address, topic = sys.argv[1:]
    began = time.monotonic()
    text = ""
    try:
        scenarios[name](address, topic)
        outcome = "works"
    except NothingHappened:
        outcome = "nothing"
    except errors as error:
        outcome, text = "error", repr(error)
    seconds = time.monotonic() - began
    # Not before the time is over in which a client that tries again would.
    time.sleep(max(0.0, 3.0 - seconds))
    print(json.dumps({"outcome": outcome, "text": text, "seconds": seconds}), flush=True)


def until(deadline_seconds=PATIENCE):
    """Yields until the time is over, then raises NothingHappened."""
    end = time.monotonic() + deadline_seconds
    while time.monotonic() < end:
        yield
    raise NothingHappened


def check(values):
    assert values == [b"%d" % n for n in range(RECORDS)], values
