#!/usr/bin/env python3
"""counts.py FILE: what a step's output says that it ran, in a few words; nothing where it says nothing.

Fails where a test run closed without a test: a filter that matches nothing must not pass for success.
"""
import pathlib
import re
import sys

# Swift Testing, pytest, varve crash, Scripts/mutants, Scripts/same-histories.
PATTERNS = [
    r"Test run with (\d+ tests? in \d+ suites?) passed",
    r"^(?:=+ )?(\d+ passed.*?)(?: in [\d.:s ()]+)?(?: =+)?$",
    r"^No promise was broken in (\d+ histories)",
    r"^== (All \d+ mutants found within \d+ seeds)",
    r"^== (\d+ seeds are the same in debug and in release)",
]


def main(path):
    text = re.sub(r"\x1b\[[0-9;]*m", "", pathlib.Path(path).read_text(errors="replace"))
    if re.search(r"Test run with 0 tests|no tests ran", text):
        sys.exit("test: no test ran: a filter matches nothing")
    found = []
    for pattern in PATTERNS:
        found += re.findall(pattern, text, re.MULTILINE)
    print(", ".join(found))


if __name__ == "__main__":
    main(sys.argv[1])
