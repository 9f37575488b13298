"""Runs iperf3 and the log's transfers over loopback alternately, and says how much of iperf3's throughput and
of its sender's processor time a transfer has.

Like with like: one connection on 127.0.0.1, the same bytes in calls of the same size, a receiver that copies
out of the socket, TCP_NODELAY, and the same congestion control: where the system's own is BBR, which paces, it
decides more than anything else.

Not like with like:
- plain iperf3 writes one buffer of a call's size again and again and reads no file: an upper bound for `copy`,
  which reads a segment into memory first.
- `iperf3 -Z` sends the same first bytes, a call's size, of one temporary file (in the folder measured) again and
  again; `sendfile` goes through segments of hundreds of megabytes in the page cache. The small file stays in the
  processor's cache, the large one's pages may be in larger pieces: no bound, in either direction.
- iperf3's two ends are processes and their times are of the process; the log's are of the two threads.
- iperf3 waits for the socket in select(), after ten calls at most, and its receiver reads into as many bytes as
  a call has.
- its receiver counts what had arrived when the sender ended, up to a few megabytes less than was sent.
"""
import argparse
import csv
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time

from rule import judged

CALL_BYTES = 128 << 10
CONGESTION = "cubic"
METRICS = {"mb_per_s": "MB/s", "cpu_s_per_gb": "sender s/GB", "receiver_cpu_s_per_gb": "receiver s/GB"}
CASES = {"copy": ("varve-copy", "iperf3"), "sendfile": ("varve-sendfile", "iperf3-Z")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Asks the kernel: a connection would be the one that `iperf3 -s -1` serves."""
    with open("/proc/net/tcp") as table:
        return any(fields[1] == f"0100007F:{port:04X}" and fields[3] == "0A"
                   for fields in map(str.split, table))


def start_server(port):
    server = subprocess.Popen(["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + 10
    while not listens(port):
        if server.poll() is not None:
            sys.exit(f"iperf3's server failed: {server.stdout.read().strip()}")
        if time.monotonic() > end:
            stop(server)
            sys.exit("iperf3's server does not listen after 10 s")
        time.sleep(0.01)
    return server


def stop(server):
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    server.stdout.close()


def run_iperf(options, folder, extra):
    port = free_port()
    command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-n", str(options.bytes), "-l", str(CALL_BYTES),
               "-C", CONGESTION, "-N", "-J", *extra]
    server = start_server(port)
    try:
        # -Z makes its file there.
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(folder)})
    finally:
        stop(server)
    try:
        told = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"iperf3 failed: {done.stderr.strip() or done.stdout.strip()}")
    # With -J it ends with 0 even then.
    if "error" in told or done.returncode != 0:
        sys.exit(f"iperf3 failed: {told.get('error') or done.stderr.strip()}")
    sent, received, cpu = (told["end"][key] for key in ("sum_sent", "sum_received", "cpu_utilization_percent"))
    if not received["bytes"]:
        sys.exit("iperf3 failed: its receiver got nothing")

    def seconds_per_gigabyte(end, total):
        percent = cpu[f"{end}_user"] + cpu[f"{end}_system"]
        return percent / 100 * total["seconds"] / (total["bytes"] / 1e9)

    return {"mb_per_s": received["bits_per_second"] / 8e6,
            "cpu_s_per_gb": seconds_per_gigabyte("host", sent),
            "receiver_cpu_s_per_gb": seconds_per_gigabyte("remote", received)}


def run_log(options, folder, transfer):
    out = folder / "results"
    command = [str(options.root / ".build/release/varve"), "bench", str(options.root / "Bench/iperf/transfer.yaml"),
               "--data", str(folder), "--out", str(out), "--repeats", "1", "--set", f"transfer={transfer}",
               "--set", f"call_bytes={CALL_BYTES}", "--set", f"bytes={options.bytes}",
               "--set", f"congestion={CONGESTION}"]
    done = subprocess.run(command, capture_output=True, text=True)
    rows = list(csv.DictReader(open(out / "trials.csv"))) if (out / "trials.csv").exists() else []
    shutil.rmtree(out, ignore_errors=True)
    if done.returncode != 0 or not rows or rows[0]["status"] != "ok":
        reason = rows[0]["reason"] if rows else done.stderr.strip()
        sys.exit(f"the log's trial did not run: {reason or done.stderr.strip()}")
    if [row["transfer"] for row in rows] != [transfer]:
        sys.exit(f"the log's trial did not run: expected one of transfer={transfer}")
    try:
        return {metric: float(rows[0][metric]) for metric in METRICS}
    except ValueError:
        sys.exit(f"the log's trial lacks one of {', '.join(METRICS)}")


SIDES = {"iperf3": lambda options, folder: run_iperf(options, folder, []),
         "iperf3-Z": lambda options, folder: run_iperf(options, folder, ["-Z"]),
         "varve-copy": lambda options, folder: run_log(options, folder, "copy"),
         "varve-sendfile": lambda options, folder: run_log(options, folder, "sendfile")}


def main():
    parser = argparse.ArgumentParser(prog="Scripts/compare-iperf")
    parser.add_argument("--root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each of the four (default 7)")
    parser.add_argument("--bytes", type=int, default=8 << 30, help="bytes that each run sends (default 8 GiB)")
    parser.add_argument("--data", type=pathlib.Path, help="folder on the file system to measure")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the measurements as CSV")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    if options.bytes < CALL_BYTES:
        parser.error(f"--bytes: expected {CALL_BYTES}, one call's, or more")
    data = (options.data or options.root / "Results/scratch").resolve() / "compare-iperf"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    order = random.Random(1)
    rows = []
    try:
        for number in range(1, options.rounds + 1):
            sides = list(SIDES.items())
            order.shuffle(sides)
            for side, run in sides:
                # As before a trial: nothing of what came before is still on its way to the disk.
                os.sync()
                rows.append({"round": number, "side": side, **run(options, data)})
                print(f"round {number} of {options.rounds}: {side} {rows[-1]['mb_per_s']:.0f} MB/s, sender "
                      f"{rows[-1]['cpu_s_per_gb']:.3f} s/GB", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "iperf.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, ["round", "side", *METRICS], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    values = {side: {metric: [row[metric] for row in rows if row["side"] == side] for metric in METRICS}
              for side in SIDES}
    print(f"{'median [least, most]':<22}" + "".join(f"{title:>26}" for title in METRICS.values()))
    for side, found in values.items():
        cells = [f"{statistics.median(found[metric]):.{digits}f} [{min(found[metric]):.{digits}f}, "
                 f"{max(found[metric]):.{digits}f}]" for metric, digits in zip(METRICS, (0, 3, 3))]
        print(f"{side:<22}" + "".join(f"{cell:>26}" for cell in cells))
    def verdicts(metric):
        return judged(
            [list(zip(values[log][metric], values[witness][metric])) for log, witness in CASES.values()],
            metric)

    results = [
        f"{case}: throughput {speed}; sender's CPU per GB {cost}"
        for case, speed, cost in zip(CASES, verdicts("mb_per_s"), verdicts("cpu_s_per_gb"))
    ]
    print("\nvarve / iperf3\n" + "\n".join(results))
    print(f"varve / iperf3 over {options.rounds} rounds: {'; '.join(results)}")


main()
