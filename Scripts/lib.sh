# Shared by the scripts; sourced, not run. Sets ROOT and moves there.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# The interpreter with the Python packages that the tests need.
export VARVE_PYTHON="$ROOT/.build/python/bin/python3"

say() { printf '== %s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
