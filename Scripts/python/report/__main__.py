"""python Scripts/python/report DIR < document.json: writes DIR/plots/*.svg and DIR/report.html."""

import pathlib
import sys

# Run as a folder, a package has no name. The folder above it takes this one's place in the search
# path, so that no module here can stand in for one of the standard library's.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

try:
    from report.command import main
except ImportError as error:
    sys.exit(f"The Python package '{error.name or error}' is missing or broken: run Scripts/setup")

sys.exit(main(sys.argv[1:]))
