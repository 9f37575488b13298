"""Power cuts in QEMU; Scripts/power-cut runs this."""
import argparse
import fcntl
import functools
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import history as histories
import machine as machines
import system

DURABILITIES = ["none", "interval", "batch", "group"]
# The command that a package brings, and the package.
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "nbdkit": "nbdkit", "busybox": "busybox-static"}
FORMATTERS = {"ext4": ("mkfs.ext4", "e2fsprogs"), "xfs": ("mkfs.xfs", "xfsprogs")}
DISK_BYTES = 2 << 30


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="Scripts/power-cut", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Boots a small Linux in QEMU, appends, and takes the power away: QEMU and the volatile\n"
                    "write-back cache beneath its disk are killed together. Boots again and checks that\n"
                    "nothing acknowledged is missing.",
        epilog="Exit status: 0 where everything held, or the run was skipped (it says so); 1 where something\n"
               "acknowledged was lost or a log was damaged; 2 for bad options; 3 where the harness failed.\n"
               "With --mutant: 0 only where a loss WAS found, 3 where the run was skipped.")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cuts", type=int, default=48, help="how many power cuts (default 48)")
    parser.add_argument("--backend", metavar="NAME", action="append",
                        help="only this backend; may be repeated (default: all)")
    parser.add_argument("--durability", choices=DURABILITIES, action="append",
                        help="only this durability; may be repeated (default: batch and group)")
    parser.add_argument("--seed", type=int, default=1, help="what moments and order are drawn from (default 1)")
    parser.add_argument("--mutant", metavar="NAME",
                        help="append with Tests/Mutants/NAME.patch applied, and expect to find a loss")
    parser.add_argument("--fs", choices=sorted(FORMATTERS), default="ext4", help="file system (default ext4)")
    parser.add_argument("--suite", default="trixie-backports",
                        help="Debian suite that the guest's kernel is taken from (default trixie-backports)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE", help="write the cuts as CSV")
    parser.add_argument("--keep", action="store_true", help="keep the disk and the logs of a run that went well")
    options = parser.parse_args(arguments)
    if options.cuts < 1:
        parser.error(f"--cuts: {options.cuts} is not a number of cuts; expected 1 or more")
    if options.seed < 0:
        parser.error(f"--seed: {options.seed} is negative; expected 0 or more")
    if options.output and not options.output.parent.is_dir():
        parser.error(f"--output: there is no folder {options.output.parent}")
    if options.mutant and not (options.root / f"Tests/Mutants/{options.mutant}.patch").is_file():
        known = sorted(path.stem for path in (options.root / "Tests/Mutants").glob("*.patch"))
        parser.error(f"--mutant: there is no Tests/Mutants/{options.mutant}.patch; there are: {', '.join(known)}")
    if options.output:
        options.output = options.output.resolve()
    return options


# Preparing -----------------------------------------------------------------------------------------

def build_guest(root, mutant):
    if mutant:
        done = subprocess.run([root / "Scripts/build-mutants", "PowerCutGuest"],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(3)
        return pathlib.Path(done.stdout.splitlines()[-1])
    say("Building the guest program (release)")
    if subprocess.run(["swift", "build", "-c", "release", "--product", "PowerCutGuest"], cwd=root).returncode != 0:
        sys.exit(3)
    return root / ".build/release/PowerCutGuest"


def choose_backends(options, guest):
    """Which of the guest's backends are tried: all, unless some were asked for."""
    known = subprocess.run([guest, "backends"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    for name in options.backend or []:
        if name not in known:
            print(f"power-cut: --backend: found '{name}', expected {', '.join(known)}", file=sys.stderr)
            sys.exit(2)
    options.backend = options.backend or known


def say(text):
    print(f"== {text}", flush=True)


def prepare(options, folder):
    """A fresh folder with everything to boot from, and what boots it."""
    system.install(options.root, PACKAGES | dict([FORMATTERS[options.fs]]))
    kernel, modules = system.fetch_kernel(folder, options.suite)
    guest = build_guest(options.root, options.mutant)
    choose_backends(options, guest)
    shutil.rmtree(folder / "logs", ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    initramfs, image = folder / "initramfs", folder / "disk.raw"
    system.make_initramfs(initramfs, guest, modules, options.fs, options.mutant)
    system.make_disk(image, options.fs, DISK_BYTES)
    machines.check_disk(folder)
    say("The disk keeps what was flushed, and loses what was not, when it is killed")

    return functools.partial(machines.Machine, image, kernel, initramfs)


# Running -------------------------------------------------------------------------------------------

def cases(options, history):
    """Backends and durabilities that this kernel can run; says which it cannot."""
    runnable = []
    for backend in options.backend:
        reason = history.reason_against(backend)
        if reason:
            print(f"power-cut: skipped: the backend {backend}: {reason}", flush=True)
        else:
            runnable.append(backend)
    return [(backend, durability) for backend in dict.fromkeys(runnable)
            for durability in dict.fromkeys(options.durability or ["batch", "group"])]


def run(options, history, cuts):
    """Appends to `cuts` as they are judged. The logs that did not hold at a later look."""
    history.first_boot()
    everything = cases(options, history)
    if not everything:
        raise system.Missing("this kernel can run none of the backends that were asked for")
    say(f"Linux {history.kernel}, {history.acceleration.upper()}, {options.fs}; {options.cuts} power cuts over "
        f"{len(everything)} pairs of backend and durability, seed {options.seed}")
    later = []
    order = []
    for number in range(1, options.cuts + 1):
        if not order:
            order = random.Random(f"{options.seed} {number}").sample(everything, len(everything))
        cut = history.append_until_cut(number, *order.pop())
        history.examine(cut)
        cuts.append(cut)
        print(cut.line(options.cuts), flush=True)
        for fault in cut.faults[:5]:
            print(f"    {fault}", flush=True)
        if options.mutant and cut.is_bad:
            return later
        if not order or number == options.cuts:
            later += history.look_at_all()
    return later


def conclude(options, history, cuts, later, seconds):
    """The last line, and the exit status."""
    bad = [cut for cut in cuts if cut.is_bad]
    pairs = {(cut.log.backend, cut.log.durability) for cut in cuts}
    facts = (f"{len(cuts)} power cuts (and {history.recovery_cuts} more while recovering) over {len(pairs)} pairs of "
             f"backend and durability, {sum(len(cut.times) for cut in cuts)} acknowledgements, "
             f"{sum(cut.acknowledged for cut in cuts)} acknowledged records looked for, "
             f"{sum(cut.unflushed for cut in cuts)} unflushed blocks in the disk's cache, "
             f"{sum(cut.survived for cut in cuts)} of them written out, Linux {history.kernel}, "
             f"{history.acceleration.upper()}, {options.fs}, {seconds:.0f} s")
    for log, cut in later:
        print(f"power-cut: at a later look {log.backend} {log.durability} does not hold: {cut.verdict}, "
              f"{cut.lost} records lost {cut.faults[:3]}")
    if options.mutant:
        if bad or later:
            print(f"power-cut: found out: the mutant {options.mutant} at cut {len(cuts)}: {facts}")
            return 0
        print(f"power-cut: FAILED: the mutant {options.mutant} was not found out: {facts}")
        return 1
    if bad or later:
        print(f"power-cut: FAILED: {len(bad)} cuts lost acknowledged records or damaged a log: {facts}")
        return 1
    allowed = [cut for cut in cuts if cut.lost]
    for durability in sorted({cut.log.durability for cut in allowed}):
        those = [cut for cut in allowed if cut.log.durability == durability]
        print(f"power-cut: {durability}: {len(those)} cuts lost what it allows to lose: "
              f"{sum(cut.lost for cut in those)} acknowledged records, the oldest acknowledged "
              f"{max(cut.lost_ms for cut in those):.0f} ms before the cut; every log was intact up to its end")
    promise = "nothing that was promised to be durable was lost" if allowed else "nothing acknowledged was lost"
    print(f"power-cut: {promise}: {facts}")
    return 0


def main():
    options = parse(sys.argv[1:])
    # So that what was started is ended below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = options.root / ".build/power-cut"
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("power-cut: another run is under way in this working tree", file=sys.stderr)
        sys.exit(3)
    started = time.monotonic()
    history, cuts, status = None, [], 3
    try:
        boot = prepare(options, folder)
        history = histories.History(folder / "logs", boot, machines.accelerator(), options.seed)
        later = run(options, history, cuts)
        status = conclude(options, history, cuts, later, time.monotonic() - started)
    except system.Missing as reason:
        print(f"power-cut: skipped: {reason}")
        # What was not tried has found nothing.
        status = 3 if options.mutant else 0
    except machines.Trouble as trouble:
        print(f"power-cut: FAILED: the harness: {trouble}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"power-cut: stopped after {len(cuts)} cuts", file=sys.stderr)
        status = 130
    finally:
        if history is not None:
            history.stop()
        if options.output and cuts:
            histories.write_csv(options.output, cuts)
        if status == 0 and not options.keep:
            (folder / "disk.raw").unlink(missing_ok=True)
            shutil.rmtree(folder / "logs", ignore_errors=True)
    sys.exit(status)


main()
