"""A `varve serve` of the test's own, on a free port, with its data on the disk."""
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import time
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
VARVE = os.environ.get("VARVE", str(ROOT / ".build/release/varve"))


class ServerError(Exception):
    """The server did not start, ended by itself, or did not stop cleanly."""


class Server:
    """Started by `start`, stopped by `stop`, and again. Never outlives this process."""

    def __init__(self, settings=None, base=None, prefix=()):
        # Not in /tmp, which may be a tmpfs, where O_DIRECT means nothing.
        base = pathlib.Path(base or ROOT / ".build/test-data")
        base.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="clients-", dir=base))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.settings = settings or {}
        # A command that starts the server, if any.
        self.prefix = list(prefix)
        self.process = None
        # HOST:PORT to listen on. Set to `address`, the next start comes back where clients know it.
        self.listen = "127.0.0.1:0"
        self.address = None
        # HOST:PORT of the metrics, where they are served.
        self.metrics_address = None
        self.last_line = ""

    def launch(self):
        """Starts the process and does not wait for it."""
        arguments = [VARVE, "serve", "--data", str(self.data), "--listen", self.listen]
        for name, value in self.settings.items():
            arguments += ["--set", f"{name}={value}"]
        with open(self.log, "ab") as log:
            # Whatever ends this process, the server does not stay behind.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, self.prefix), *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )

    def start(self):
        """Returns when the server listens; `address` is HOST:PORT then."""
        self.launch()
        lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()
        while True:
            try:
                line = lines.get(timeout=60)
            except queue.Empty:
                self.kill()
                raise ServerError(f"not listening within 60 seconds\n{self.log_tail()}") from None
            if line is None:
                raise ServerError(f"ended before it listened\n{self.log_tail()}")
            if "metrics on " in line:
                self.metrics_address = line.split()[-1]
            if "listening on " in line:
                self.address = line.split()[-1]
                return self

    def check(self):
        """Throws if the server has ended by itself."""
        if self.process.poll() is not None:
            raise ServerError(f"ended with {self.process.returncode}\n{self.log_tail()}")

    def stop(self):
        """SIGTERM; throws unless the server ends in order."""
        self.check()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"not stopped within 30 seconds\n{self.log_tail()}") from None
        self._reader.join(timeout=10)
        if status != 0 or self.last_line != "varve serve: stopped":
            raise ServerError(f"status {status}, last line {self.last_line!r}\n{self.log_tail()}")

    def kill(self):
        """SIGKILL; returns when the process is gone."""
        self.process.kill()
        self.process.wait()

    def remove(self):
        """Ends the server, if it runs still, and deletes its files."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def verify(self):
        """Every log of the stopped server holds by `varve log verify`."""
        process = subprocess.run(
            [VARVE, "log", "verify", str(self.data)], capture_output=True, text=True, timeout=120
        )
        if process.returncode != 0:
            raise ServerError(f"log verify: {process.stdout[-2000:]}{process.stderr[-2000:]}")

    def metric(self, name):
        """A metric without labels, now. The server needs a `varve.metrics.listen`."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=10) as answer:
            return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)[1])

    def says(self, text, seconds=20):
        """True where the log says so. Its lines are written by a thread of their own, soon after what they tell of."""
        end = time.monotonic() + seconds
        while text not in self.log_tail():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def log_tail(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def _read(self, lines):
        for line in self.process.stdout:
            self.last_line = line.rstrip("\n")
            lines.put(self.last_line)
        lines.put(None)
