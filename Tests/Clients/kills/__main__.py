"""python3 -m kills KILLS [--seed N]: see Scripts/kill9-broker."""
import argparse
import itertools
import random
import sys

from server import ServerError

from program import BACKENDS

from .run import DURABILITIES, Failed, Run


def main():
    parser = argparse.ArgumentParser(prog="kill9-broker")
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    print(f"kill9-broker: seed {options.seed}", flush=True)
    # Backends change fastest: a few kills see each of them.
    kinds = [(backend, durability) for durability, backend in
             itertools.product(DURABILITIES, BACKENDS)]
    run = Run(kinds, options.seed, say=lambda text: print(text, flush=True))
    try:
        while run.kills < options.kills:
            run.kill()
        run.finish()
    except (Failed, ServerError) as error:
        print(f"{error}\nthe broker's log ends with:\n{run.server.log_tail()}")
        print(
            f"kill9-broker: FAILED at kill {run.kills}, seed {options.seed}: what failed stands"
            f" above; {run.server.folder} has the data and the broker's log", flush=True)
        return 1
    ledger = run.ledger
    print(f"{ledger.duplicates} duplicates of producers that may have some, "
          f"{ledger.without_offset} acknowledgements without an offset")
    run.remove()
    print(f"kill9-broker: {run.kills} kills, {ledger.acknowledged} acknowledged records, "
          "none lost, no duplicate of an idempotent producer", flush=True)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Clients' threads that wait for a broker need not be waited for.
    import os
    os._exit(status)
