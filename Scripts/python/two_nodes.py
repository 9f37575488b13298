"""Threads on two memory nodes, in QEMU; Scripts/two-nodes runs this."""
import argparse
import collections
import os
import pathlib
import re
import select
import shutil
import stat
import subprocess
import sys
import time

import machine as machines
import system

PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static"}
SECONDS_TO_END = 300
LIBRARIES = "usr/lib/x86_64-linux-gnu"

# Node 0 has processor 0, node 1 has processor 1. A thread's line: what it may run on, and the policy by which
# it gets memory, as the kernel tells.
INIT = """#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t tmpfs tmpfs /data
busybox ip link set lo up
say() { echo "two-nodes: $*" >/dev/ttyS0; }
threads() {
  for task in /proc/$2/task/*; do
    cpus=$(busybox sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' $task/status)
    policy=$(busybox sed -n '1s/^[0-9a-f]* \\([^ ]*\\).*/\\1/p' $task/numa_maps)
    say thread $1 $cpus $policy
  done
}
for node in /sys/devices/system/node/node*; do say node ${node##*node} $(busybox cat $node/cpulist); done
varve serve --data /data/log --listen 127.0.0.1:9092 --set varve.log.threads=2 \\
  --set "varve.log.places=node:0;node:1" --set "varve.network.places=node:1" >/dev/ttyS0 2>&1 &
server=$!
for second in 1 2 3 4 5 6 7 8 9 10; do
  busybox nc -z 127.0.0.1 9092 && break
  busybox sleep 1
done
threads serve $server
kill $server
wait $server
say ended $?
varve bench /suite.yaml --histories 0 --out /data/results --data /data >/dev/ttyS0 2>&1 &
bench=$!
trial=
for try in $(busybox seq 200); do
  for process in /proc/[0-9]*; do
    # The trial's process, when it has made its threads.
    if busybox tr '\\0' ' ' <$process/cmdline 2>/dev/null | busybox grep -q '^[^ ]*varve trial' &&
      [ $(busybox ls $process/task | busybox wc -l) -ge 4 ]; then
      trial=${process##*/}
    fi
  done
  [ -n "$trial" ] && break
  busybox sleep 0.1
done
busybox sleep 0.5
threads bench $trial
wait $bench
say ended $?
say done
busybox sleep 1
busybox poweroff -f
"""

SUITE = """suite: two-nodes
question: "Do threads run where they are placed?"
repeats: 1
warmup: 0
seed: 1
headline: response_p99_us
baseline: {durability: none}
defaults: {target: embedded, record_bytes: 1000, batch_bytes: 16KiB, arrival: uniform, rate: 2000, duration: 5s, backend: buffered, memory: cold, producers: 2, place_log: "node:1", place_producers: "node:0"}
crosses:
  only:
    axes:
      durability: [none]
"""

# Threads for each pair of processors and policy, at least: two event loops and a shard, and a shard.
SERVE = {("1", "bind:1"): 3, ("0", "bind:0"): 1}
# The log's thread; two producers.
BENCH = {("1", "bind:1"): 1, ("0", "bind:0"): 2}


def say(text):
    print(f"== {text}", flush=True)


def make_initramfs(path, program):
    archive = system.Archive()
    folders = ["bin", "dev", "proc", "sys", "data", "lib64", "usr", "usr/lib", LIBRARIES]
    for folder in folders:
        archive.add(folder, stat.S_IFDIR | 0o755)
    for name, source in ("busybox", shutil.which("busybox")), ("varve", program):
        archive.add(f"bin/{name}", stat.S_IFREG | 0o755, pathlib.Path(source).read_bytes())
    for name, source in system.libraries(program):
        place = "lib64/ld-linux-x86-64.so.2" if name == "loader" else f"{LIBRARIES}/{name}"
        archive.add(place, stat.S_IFREG | 0o755, source.read_bytes())
    archive.add("init", stat.S_IFREG | 0o755, INIT.encode())
    archive.add("suite.yaml", stat.S_IFREG | 0o644, SUITE.encode())
    path.write_bytes(archive.finish())


def boot(kernel, initramfs, accelerator):
    """What the guest says until it ends, or until its processor or its kernel gives up."""
    with subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-machine", "q35", "-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "max",
             "-m", "2048", "-smp", "2",
             "-object", "memory-backend-ram,id=first,size=1024M", "-object", "memory-backend-ram,id=second,size=1024M",
             "-numa", "node,nodeid=0,cpus=0,memdev=first", "-numa", "node,nodeid=1,cpus=1,memdev=second",
             "-kernel", kernel, "-initrd", initramfs,
             "-append", "console=ttyS0 quiet panic=-1", "-serial", "stdio"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=machines.die_with_parent) as process:
        said = b""
        end = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < end:
            if not select.select([process.stdout], [], [], 1)[0]:
                continue
            got = os.read(process.stdout.fileno(), 1 << 16)
            said += got
            if not got or b"KVM internal error" in said or b"Kernel panic" in said:
                break
        process.kill()
    return said.decode(errors="replace")


def boot_somehow(kernel, initramfs):
    """With KVM where it can boot, else with emulated processors; those get a second try, since a kernel on two
    of them panics now and then (Scripts/python/power_cut/machine.py says why)."""
    ways = ["tcg", "tcg"] if machines.accelerator() == "tcg" else ["kvm", "tcg", "tcg"]
    for way in ways:
        say(f"Booting {kernel.name} with two nodes, {way.upper()}")
        text = boot(kernel, initramfs, way)
        if "two-nodes: done" in text:
            break
    return text


def faults(text):
    """What is not as it was asked for."""
    said = re.findall(r"two-nodes: (.*?)\r?$", text, re.MULTILINE)
    if "node 0 0" not in said or "node 1 1" not in said:
        yield f"the guest does not have two nodes of a processor each: {said[:4]}"
        return
    for command, wanted in ("serve", SERVE), ("bench", BENCH):
        found = collections.Counter(
            tuple(line.split()[2:4]) for line in said if line.startswith(f"thread {command} "))
        for place, count in wanted.items():
            print(f"two-nodes: {command}: {found[place]} threads on CPU {place[0]} with memory by {place[1]}")
            if found[place] < count:
                yield f"{command}: expected {count} threads on CPU {place[0]} with {place[1]}; found {dict(found)}"
    if said.count("ended 0") != 2:
        yield f"a command did not end well: {[line for line in said if line.startswith('ended')]}"
    if "done" not in said:
        yield "the guest did not come to its end"


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/two-nodes",
        description="Boots a small Linux with two memory nodes in QEMU and checks that the threads of `varve serve`\n"
                    "and `varve bench` run, and get their memory, where they were placed. Says nothing about speed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit status: 0 where every thread was in its place, or the run was skipped (it says so); 1 else.")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--suite", default="bookworm", help="Debian suite of the guest's kernel (default bookworm)")
    options = parser.parse_args()
    folder = options.root / ".build/two-nodes"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        system.install(options.root, PACKAGES)
        kernel, _ = system.fetch_kernel(folder, options.suite)
        say("Building varve (release)")
        subprocess.run(["swift", "build", "-c", "release", "--product", "varve"], cwd=options.root, check=True)
        make_initramfs(folder / "initramfs", options.root / ".build/release/varve")
    except system.Missing as reason:
        print(f"two-nodes: skipped: {reason}")
        sys.exit(0)
    text = boot_somehow(kernel, folder / "initramfs")
    (folder / "console.log").write_text(text)
    found = list(faults(text))
    for fault in found:
        print(f"two-nodes: {fault}")
    if found:
        sys.exit(f"two-nodes: FAILED; the guest's console is in {folder / 'console.log'}")
    print("two-nodes: every thread may run on its node's processors only, and gets memory of that node only")


main()
