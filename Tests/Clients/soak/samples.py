"""What the broker's process takes, once in a while, as rows of a CSV file."""
import csv
import os
import time

COLUMNS = [
    "seconds", "rss_mib", "rss_anonymous_mib", "rss_file_mib", "descriptors", "threads",
    "cpu_s", "log_mib", "files", "acknowledged",
]
MIB = 1 << 20


class Samples:
    """Rows of one run; each is in the file when `take` returns."""

    def __init__(self, path, server):
        self.rows = []
        self._server = server
        self._start = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "w", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()

    def take(self, acknowledged):
        process = f"/proc/{self._server.process.pid}"
        with open(f"{process}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        kib = {name: int(status[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssFile")}
        with open(f"{process}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        files, size = self._stored()
        row = {
            "seconds": round(time.monotonic() - self._start, 1),
            "rss_mib": round(kib["VmRSS"] / 1024, 1),
            "rss_anonymous_mib": round(kib["RssAnon"] / 1024, 1),
            "rss_file_mib": round(kib["RssFile"] / 1024, 1),
            "descriptors": len(os.listdir(f"{process}/fd")),
            "threads": int(status["Threads"]),
            "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            "log_mib": round(size / MIB, 1), "files": files, "acknowledged": acknowledged,
        }
        self.rows.append(row)
        self._writer.writerow(row)
        self._file.flush()

    def highest(self, column, start, end):
        """The highest value from `start` to `end`, in seconds since the run began."""
        values = [row[column] for row in self.rows if start <= row["seconds"] <= end + 5]
        return max(values or [self.rows[-1][column]])

    def _stored(self):
        """Files in the data directory, and the bytes that they take on the disk."""
        count = size = 0
        for folder, _, names in os.walk(self._server.data):
            for name in names:
                try:
                    size += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    continue
                count += 1
        return count, size
