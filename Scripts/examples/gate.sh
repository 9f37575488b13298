#!/usr/bin/env bash
# gate.sh BASE MIN SUITE...: fails where a verdict says that this build has less than MIN of BASE's throughput
# (or more than 1/MIN of its time or CPU). VARVE is the executable, OUT the folder for results.
set -euo pipefail
base=$1 min=$2 && shift 2
for suite in "$@"; do
  out=${OUT:-Results}/gate-$(basename "$suite" .yaml)
  "${VARVE:-.build/release/varve}" bench "$suite" --against "$base" --out "$out" ||
    { status=$?; [ $status -eq 3 ] || [ $status -eq 4 ] || exit $status; }
  python3 -c 'import csv, sys
bad = [row for row in csv.DictReader(open(sys.argv[1])) if row["kind"] == "build" and row["verdict"] == "worse"
       and not float(sys.argv[2]) <= float(row["ratio"]) <= 1 / float(sys.argv[2])]
print(*[row["sentence"] for row in bad], sep="\n") or sys.exit(len(bad) > 0)' "$out/verdicts.csv" "$min"
done
