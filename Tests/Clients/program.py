"""What the program has, by its own word."""
import json
import subprocess

from server import VARVE

_LISTS = json.loads(subprocess.run([VARVE, "backends", "--json"], check=True, capture_output=True).stdout)
BACKENDS = [each["name"] for each in _LISTS["backends"]]
TRANSFERS = [each["name"] for each in _LISTS["transfers"]]
# A system may lack what these need.
OPTIONAL = [each["name"] for each in _LISTS["backends"]
            if each["asynchronous"] or each["direct"] or each["uncached"]]
