"""A disk that can be made to stand still: a FUSE file system that passes everything on to a folder, and
holds up the reads or flushes of some files until it is told to go on.

What a broker does while its disk stands still can be tested so without a clock: nothing that waits for
the disk goes on before the test says so.

As a program: gated_disk.py FOLDER MOUNTPOINT CONTROL. CONTROL is a folder: while CONTROL/read or
CONTROL/fsync is there, such operations wait on paths that have its first word in them, reads from the
byte on that is its second; and each that waits has a file in CONTROL/waiting.
"""
import errno
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

try:
    from mfusepy import FUSE, FuseOSError, Operations
except (ImportError, OSError) as reason:
    FUSE, FuseOSError, Operations = None, None, object
    MISSING = str(reason)

HERE = pathlib.Path(__file__).resolve()


class GatedDisk:
    """Mounted from `with` to its end; `folder` is where files go."""

    def __init__(self, base):
        self._base = pathlib.Path(base)
        self.folder = self._base / "mounted"
        self._files, self._control = self._base / "files", self._base / "control"
        self._process = None

    def __enter__(self):
        if FUSE is None:
            pytest.skip(f"a disk that stands still needs FUSE: {MISSING}")
        for folder in self.folder, self._files, self._control / "waiting":
            folder.mkdir(parents=True)
        errors = self._base / "errors"
        with open(errors, "wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, HERE,
                 self._files, self.folder, self._control],
                stdout=log, stderr=log,
            )
        deadline = time.monotonic() + 60
        while not self.folder.is_mount():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._unmount()
                pytest.skip(f"a disk that stands still needs FUSE: {errors.read_text().strip()}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._unmount()

    def hold(self, operation, path, start=0):
        """From now on `operation`, read or fsync, of files with `path` in their path waits; a read where
        it asks for bytes from `start` on."""
        temporary = self._control / "new"
        temporary.write_text(f"{path} {start}")
        temporary.rename(self._control / operation)

    def go_on(self):
        """Nothing waits any more."""
        for operation in "read", "fsync":
            (self._control / operation).unlink(missing_ok=True)

    def wait_until_held(self):
        """Returns when an operation waits."""
        deadline = time.monotonic() + 60
        while not self.is_holding():
            assert time.monotonic() < deadline, "nothing waits for the disk"
            time.sleep(0.005)

    def is_holding(self):
        return any((self._control / "waiting").iterdir())

    def evict(self, path, start=0):
        """Takes a file from a byte on out of the page cache: who reads it has to ask this disk."""
        deadline = time.monotonic() + 10
        with open(self.folder / path, "rb") as file:
            os.fsync(file.fileno())
            while True:
                os.posix_fadvise(file.fileno(), start, 0, os.POSIX_FADV_DONTNEED)
                # Pages that went through a socket stay until its buffers are freed.
                free_socket_buffers()
                pages = subprocess.run(["fincore", "--raw", "--noheadings", "--output", "PAGES", file.name],
                                       capture_output=True, text=True, check=True).stdout
                if int(pages) * 4096 < start + 4096:
                    return
                assert time.monotonic() < deadline, f"the page cache keeps {pages} pages of {path}"
                time.sleep(0.01)

    def _unmount(self):
        self.go_on()
        # Lazily: a broker that failed may hold files open still.
        subprocess.run(["umount", "-l", self.folder], capture_output=True)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def free_socket_buffers():
    """A buffer that another processor has read waits on a list of its own processor's (skb_attempt_defer_free) until
    that one handles a packet: here is one for each."""
    allowed = os.sched_getaffinity(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        try:
            for processor in allowed:
                os.sched_setaffinity(0, {processor})
                own.sendto(b"x", own.getsockname())
                own.recv(1)
        finally:
            os.sched_setaffinity(0, allowed)


class PassedOn(Operations):
    """The file system: every operation is the folder's, by the same descriptor."""

    use_ns = True

    def __init__(self, folder, control):
        self.folder, self.control = folder, pathlib.Path(control)

    def _wait(self, operation, path, end=1):
        gate = self.control / operation
        mark = None
        while True:
            try:
                part, start = gate.read_text().split()
                held = part in path and end > int(start)
            except FileNotFoundError:
                held = False
            if not held:
                break
            if mark is None:
                mark = self.control / "waiting" / str(threading.get_ident())
                mark.touch()
            time.sleep(0.005)
        if mark is not None:
            mark.unlink()

    def _at(self, path):
        return self.folder + path

    def getattr(self, path, fh=None):
        found = os.stat(fh) if fh else os.lstat(self._at(path))
        names = "mode", "nlink", "uid", "gid", "size", "blocks", "ino"
        values = {f"st_{name}": getattr(found, f"st_{name}") for name in names}
        for name in "atime", "mtime", "ctime":
            values[f"st_{name}"] = getattr(found, f"st_{name}_ns")
        return values

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(self._at(path))]

    def open(self, path, flags):
        return os.open(self._at(path), flags)

    def create(self, path, mode, fi=None):
        return os.open(self._at(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path, size, offset, fh):
        self._wait("read", path, offset + size)
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(fh if fh else self._at(path), length)

    def fallocate(self, path, mode, offset, length, fh=None):
        if mode != 0:
            raise FuseOSError(errno.EOPNOTSUPP)
        os.posix_fallocate(fh, offset, length)
        return 0

    def flush(self, path, fh):
        return 0

    def fsync(self, path, datasync, fh):
        self._wait("fsync", path)
        (os.fdatasync if datasync else os.fsync)(fh)
        return 0

    def fsyncdir(self, path, datasync, fh):
        descriptor = os.open(self._at(path), os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        return 0

    def release(self, path, fh):
        os.close(fh)
        return 0

    def unlink(self, path):
        os.unlink(self._at(path))

    def rename(self, old, new, flags=0):
        os.rename(self._at(old), self._at(new))

    def mkdir(self, path, mode):
        os.mkdir(self._at(path), mode)

    def rmdir(self, path):
        os.rmdir(self._at(path))

    def chmod(self, path, mode):
        os.chmod(self._at(path), mode)

    def utimens(self, path, times=None):
        os.utime(self._at(path), ns=times)

    def statfs(self, path):
        found = os.statvfs(self._at(path))
        names = "bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "frsize", "namemax"
        return {f"f_{name}": getattr(found, f"f_{name}") for name in names}


if __name__ == "__main__":
    folder, mounted, control = sys.argv[1:]
    # Threads: what waits does not hold up the rest. The page cache outlives an opening, as on a disk.
    FUSE(PassedOn(folder, control), mounted, foreground=True, nothreads=False, kernel_cache=True)
