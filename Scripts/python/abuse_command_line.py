"""Runs every subcommand with every option and argument set to hostile values, and in hostile surroundings.

    abuse_command_line.py VARVE FOLDER [--small SEED]

FOLDER is an empty one on a disk. A fault is a signal, a message that does not name the option, the value
or the file, a failure without a message, and a success without a result. The list of commands and options
is the program's own (`--experimental-dump-help`), so that a new option is tried without a word here.

--small tries one value in five and one surrounding in two, chosen by SEED: minutes become seconds.
"""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SUITE = """suite: tiny
repeats: 2
warmup: 0
headline: durable_mb_per_s
baseline: {backend: buffered}
defaults: {target: log, bytes: 64KiB, batch_bytes: 16KiB, drain: false, memory: cold}
axes: {backend: [buffered, direct]}
"""
EVENTS = "".join('{"key":"k%d","timestamp":1700000000000,"value":1}\n' % number for number in range(9))


class Place:
    """What the commands need: a suite, a run, a log, events."""

    def __init__(self, varve, folder):
        self.varve, self.folder = varve, folder
        (folder / "tiny.yaml").write_text(SUITE)
        (folder / "events.jsonl").write_text(EVENTS)
        (folder / "empty").write_bytes(b"")
        (folder / "noise").write_bytes(bytes(random.Random(1).randrange(256) for _ in range(4096)))
        (folder / "a folder").mkdir()
        (folder / "locked").mkdir(mode=0)
        (folder / "read-only").mkdir()
        # As root: a folder into which even root cannot write.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder / "read-only"], capture_output=True)
        self.must("log", "import", "events.jsonl", "--dir", "log")
        for run in ("one", "two"):
            self.must("bench", "tiny.yaml", "--out", run, "--data", "d", "--histories", "0")
        self.segment = "log/events-0/00000000000000000000.log"

    def close(self):
        subprocess.run(["umount", self.folder / "read-only"], capture_output=True)

    def must(self, *arguments):
        subprocess.run([self.varve, *arguments], cwd=self.folder, check=True, capture_output=True)

    def valid(self, command, number):
        """Arguments with which the command succeeds, by option; positional ones under ''. Output goes to names
        of this case."""
        new = f"new-{number}"
        return {
            "bench": {"": ["tiny.yaml"], "--out": [new], "--data": [f"{new}-d"], "--histories": ["0"]},
            "report": {"": ["one"], "--no-plots": []},
            "compare": {"": ["one", "two"]},
            "columns": {},
            "backends": {},
            "crash": {"--seeds": ["20"]},
            "log import": {"": ["events.jsonl"], "--dir": [new]},
            "log dump": {"": [self.segment]},
            "log verify": {"": ["log"]},
            "log repair": {"": ["log"]},
            "serve": {"--data": [new], "--listen": ["127.0.0.1:0"]},
            "doctor": {"--data": ["."]},
            "trial": {"--flights": ["none.jsonl"]},
            "": {"--version": []},
        }[command]


def values(pipe):
    """Name and text of each hostile value."""
    return {
        "empty": "", "blank": " ", "negative": "-5", "zero": "0", "huge": "9" * 30, "fraction": "1.5",
        "no number": "many", "long": "x" * 5000, "option": "--json", "equals": "=", "set": "bytes=x",
        "newline": "a\nb", "letters": "żółw 𝛑", "unit": "5XiB", "percent": "5%%", "dash": "-",
        "folder": "a folder", "missing": "no/such/file", "below a file": "empty/below", "file": "noise",
        "empty file": "empty", "pipe": pipe, "device": "/dev/full", "kernel's": "/proc/self/mem",
        "no permission": "locked/x", "read-only": "read-only/x", "range": "1..2", "port": "127.0.0.1:99999",
    }


SURROUNDINGS = [
    "stdout full", "stderr full", "both full", "stdout closed", "stderr closed", "stdin closed", "all closed",
    "no reader", "16 descriptors", "8 descriptors", "deleted folder", "no PATH", "no locked memory",
    "little address space", "read-only folder",
]


def commands(tool, path=()):
    """Each command with its options and positional arguments."""
    here = path + (tool["commandName"],)
    if tool["commandName"] == "help":
        return
    arguments = [
        argument for argument in tool.get("arguments", [])
        if (argument.get("names") or [{}])[0].get("name") != "help"
    ]
    if not tool.get("subcommands"):
        yield " ".join(here[1:]), arguments
    elif len(here) == 1:
        yield "", arguments
    for child in tool.get("subcommands", []):
        yield from commands(child, here)


class Abuse:
    def __init__(self, varve, folder, small):
        self.place = Place(varve, folder)
        self.varve, self.folder = varve, folder
        self.random = random.Random(small) if small is not None else None
        text = subprocess.run([varve, "--experimental-dump-help"], capture_output=True, text=True, check=True).stdout
        self.commands = list(commands(json.loads(text)["command"]))
        self.faults, self.count = [], 0

    def cases(self):
        """Command, arguments, surrounding, and the words of which an error must have one."""
        number = 0
        for command, arguments in self.commands:
            for argument in arguments:
                name = "--" + argument["names"][0]["name"] if argument["kind"] != "positional" else ""
                for what, value in values("PIPE").items():
                    if argument["kind"] == "flag" and what != "missing":
                        continue
                    if self.random and argument["kind"] != "flag" and self.random.random() > 0.2:
                        continue
                    number += 1
                    chosen = dict(self.place.valid(command, number))
                    chosen[name] = [] if argument["kind"] == "flag" else [value]
                    words = [name, value, argument["valueName"]] if name else [value, argument["valueName"]]
                    # What a hidden command reads first is its standard input.
                    words += ["standard input"] if command == "trial" else []
                    # A flag is not wrong by itself.
                    words = [] if argument["kind"] == "flag" else [word for word in words if word]
                    yield command, chosen, None, words
            for surrounding in SURROUNDINGS:
                if self.random and self.random.random() > 0.5:
                    continue
                number += 1
                yield command, dict(self.place.valid(command, number)), surrounding, []

    def run(self):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda case: self.check(*case), list(self.cases())))
        return self.faults

    def check(self, command, chosen, surrounding, words):
        arguments = command.split()
        for name, given in chosen.items():
            if name:
                arguments += [name, *given]
        # Behind the options, as far as an option does not take all that follows.
        arguments += chosen.get("", [])
        status, out, err = self.execute(arguments, surrounding)
        words = [word.replace("PIPE", "/dev/fd/") for word in words]
        self.count += 1
        label = f"varve {' '.join(repr(a)[:60] for a in arguments)}" + (f" [{surrounding}]" if surrounding else "")
        fault = judge(command, status, out, err, surrounding, words)
        if fault:
            self.faults.append(f"{label}: {fault}")

    def execute(self, arguments, surrounding):
        read, write = os.pipe()
        os.close(write)
        arguments = [argument.replace("PIPE", f"/dev/fd/{read}") for argument in arguments]
        gone, unread = os.pipe()
        os.close(gone)
        full = os.open("/dev/full", os.O_WRONLY)
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        if surrounding in ("stdout full", "both full"):
            streams["stdout"] = full
        if surrounding in ("stderr full", "both full"):
            streams["stderr"] = full
        if surrounding == "no reader":
            streams["stdout"] = unread
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        folder = self.folder
        if surrounding == "no PATH":
            environment.pop("PATH")
        if surrounding == "deleted folder":
            folder = self.folder / f"gone-{os.urandom(4).hex()}"
            folder.mkdir()

        def prepare():
            closed = {"stdout closed": [1], "stderr closed": [2], "stdin closed": [0], "all closed": [0, 1, 2]}
            for number in closed.get(surrounding, []):
                os.close(number)
            if surrounding == "deleted folder":
                os.rmdir(folder)
            if surrounding == "read-only folder":
                os.chdir("/proc/self")
            limits = {
                "16 descriptors": (resource.RLIMIT_NOFILE, 16), "8 descriptors": (resource.RLIMIT_NOFILE, 8),
                "no locked memory": (resource.RLIMIT_MEMLOCK, 0),
                "little address space": (resource.RLIMIT_AS, 600 << 20),
            }
            if surrounding in limits:
                kind, value = limits[surrounding]
                resource.setrlimit(kind, (value, value))

        try:
            process = subprocess.Popen(
                [self.varve, *arguments], cwd=folder, env=environment, preexec_fn=prepare, pass_fds=[read], **streams)
        finally:
            for number in (read, unread, full):
                os.close(number)
        try:
            # A server that starts is told to stop.
            out, err = process.communicate(timeout=2 if arguments[:1] == ["serve"] else 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            try:
                out, err = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                return "does not end", out, err
        return process.returncode, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")


def judge(command, status, out, err, surrounding, words):
    """What is wrong with an outcome; None where nothing is."""
    if status == "does not end":
        return "did not end, and not by SIGTERM"
    if status < 0 or status >= 126:
        return f"ended by status {status}: {err[-300:]}"
    for trap in ("Fatal error", "NSCocoaErrorDomain", "NSPOSIXErrorDomain", "Illegal instruction"):
        if trap in err or trap in out:
            return f"says {trap}: {err[-300:]}"
    sees_errors = surrounding not in ("stderr full", "both full", "stderr closed", "all closed")
    if status != 0:
        if not err.strip() and not out.strip() and sees_errors:
            return f"status {status} without a message"
        if words and not any(word[:30] in err + out for word in words):
            return f"status {status}, and the message names none of {[word[:30] for word in words]}: {err[-300:]}"
        return None
    if surrounding in ("stdout full", "both full", "stdout closed", "all closed", "no reader"):
        return "its output was lost, and the status is 0"
    if not out.strip():
        return "status 0 without a result"
    return None


def main():
    varve, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    small = sys.argv[4] if sys.argv[3:4] == ["--small"] else None
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f"abuse-{os.getpid()}"
    work.mkdir()
    abuse = Abuse(os.path.abspath(varve), work, small)
    try:
        faults = abuse.run()
    finally:
        abuse.place.close()
        shutil.rmtree(work, ignore_errors=True)
    for fault in faults:
        print(fault)
    print(f"{abuse.count} cases of {len(abuse.commands)} commands, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
