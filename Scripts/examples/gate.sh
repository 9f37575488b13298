#!/usr/bin/env bash
# gate.sh BASE MIN SUITE...: exits with 1 where this build has less than MIN of BASE's throughput, or more than
# 1/MIN of its time or CPU, by a verdict; with 4 where verdicts are missing. VARVE, OUT: executable, results.
set -euo pipefail
base=$1 min=$2 worst=0 && shift 2
for suite in "$@"; do
  out=${OUT:-Results}/gate-$(basename "$suite" .yaml) status=0
  "${VARVE:-.build/release/varve}" bench "$suite" --against "$base" --out "$out" || status=$?
  case $status in 0 | 3) ;; 4) worst=4 ;; *) exit $status ;; esac
  python3 -c 'import csv, sys
sys.exit("\n".join(row["sentence"] for row in csv.DictReader(open(sys.argv[1])) if row["verdict"] == "worse" and
         row["kind"] == "build" and not float(sys.argv[2]) <= float(row["ratio"]) <= 1 / float(sys.argv[2])) or 0)' \
    "$out/verdicts.csv" "$min"
done
exit $worst
