"""The machine and its disk. The disk is nbdkit with a volatile write-back cache; both die together."""
import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

BLOCK = 4096
MEMORY_MIB = 512
PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """The machine did not do what it must: the harness's failure, not the log's."""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Disk:
    """A file behind nbdkit's cache filter. What was written and not flushed is in the cache alone. With
    `is_slow` each block takes a millisecond from the cache to the file, so that flushes last, and a cut
    often finds one half done."""

    def __init__(self, image, log, is_slow=False):
        self.image = image
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="varve-power-cut-"))
        self.socket = self.folder / "disk"
        self.cache = None
        # The file system's blocks, or larger ones would be cached where only a part is known.
        if os.statvfs(image.parent).f_bsize > BLOCK:
            raise Trouble(f"{image.parent}: a file system with blocks of at most {BLOCK} bytes is needed")
        self.process = subprocess.Popen(
            # No cache-max-size: what that evicts is forgotten, dirty or not. In nbdkit 1.32.5 a cache of 1 MiB
            # lost 1,840 of 2,048 blocks while it ran.
            ["nbdkit", "--foreground", "--unix", self.socket, "--filter=cache", "--filter=delay", "file", image,
             "cache=writeback", f"cache-min-block-size={BLOCK}", f"delay-write={int(is_slow)}ms"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
            start_new_session=True, env={**os.environ, "TMPDIR": str(image.parent)})
        self.wait_for_socket()

    def wait_for_socket(self):
        end = time.monotonic() + 10
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise Trouble("nbdkit does not start; see its log")
            time.sleep(0.01)
        # Kept open beyond nbdkit's end. It has no name any more.
        descriptors = pathlib.Path(f"/proc/{self.process.pid}/fd")
        for entry in descriptors.iterdir():
            target = os.readlink(entry)
            if target.startswith(f"{self.image.parent}/") and target.endswith("(deleted)"):
                self.cache = os.open(entry, os.O_RDONLY)
                return
        self.close()
        raise Trouble("nbdkit's cache file is not found")

    def cut(self):
        self.process.kill()
        self.process.wait()

    def write_back(self, survives):
        """After a cut: the file gets those unflushed blocks for which `survives()` says so, as if the
        disk had written them out by itself, in any order, before the power went. How many blocks there
        were, and how many the file got."""
        unflushed = written = 0
        with open(self.image, "r+b", buffering=0) as image:
            for start, end in self.cached_ranges():
                for place in range(start, end, BLOCK):
                    block = os.pread(self.cache, BLOCK, place)
                    if block == os.pread(image.fileno(), BLOCK, place):
                        continue
                    unflushed += 1
                    if survives():
                        os.pwrite(image.fileno(), block, place)
                        written += 1
        return unflushed, written

    def cached_ranges(self):
        place, end = 0, os.fstat(self.cache).st_size
        while place < end:
            try:
                place = os.lseek(self.cache, place, os.SEEK_DATA)
            except OSError:
                return
            until = os.lseek(self.cache, place, os.SEEK_HOLE)
            yield place - place % BLOCK, until
            place = until

    def close(self):
        if self.process.poll() is None:
            self.cut()
        if self.cache is not None:
            os.close(self.cache)
            self.cache = None
        shutil.rmtree(self.folder, ignore_errors=True)


class Machine:
    """QEMU with that disk, and a port that speaks lines."""

    def __init__(self, image, kernel, initramfs, log_path, accelerator, has_slow_disk):
        self.log_path = log_path
        self.log = open(f"{log_path}.host", "ab")
        self.disk = self.process = self.port = None
        self.unread = b""
        try:
            self.disk = Disk(image, self.log, has_slow_disk)
            self.start(kernel, initramfs, accelerator, log_path)
        except BaseException:
            self.close()
            raise

    def start(self, kernel, initramfs, accelerator, log_path):
        place = self.disk.folder / "port"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            listener.listen(1)
            listener.settimeout(30)
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-machine", "q35", "-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "max",
                 "-m", str(MEMORY_MIB),
                 # Emulated processors do not always see each other's patches to the kernel's text: with two,
                 # one boot in forty panicked ("int3") when the clock source changed.
                 "-smp", "2" if accelerator == "kvm" else "1", "-kernel", kernel, "-initrd", initramfs,
                 "-append", "console=ttyS0 quiet panic=-1", "-serial", f"file:{log_path}",
                 # The guest sees a disk with a write cache; its flushes reach nbdkit, and QEMU keeps nothing.
                 "-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={self.disk.socket},"
                              "cache.direct=on,cache.no-flush=off",
                 "-device", "virtio-blk-pci,drive=disk,write-cache=on",
                 "-device", "virtio-serial-pci", "-chardev", f"socket,id=port,path={place}",
                 "-device", "virtserialport,chardev=port,name=varve"],
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=die_with_parent,
                start_new_session=True)
            try:
                self.port = listener.accept()[0]
            except socket.timeout:
                raise Trouble("QEMU does not start; see its log") from None

    def send(self, line):
        self.port.sendall(line.encode() + b"\n")

    def lines(self, seconds):
        """The whole lines that come within `seconds`: waits for the first of them only. None where QEMU
        has ended."""
        if not select.select([self.port], [], [], max(0, seconds))[0]:
            return []
        return self.receive()

    def receive(self):
        try:
            got = self.port.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        if not got:
            return None
        *lines, self.unread = (self.unread + got).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def cut(self):
        """The power goes: processor, memory, and the disk's cache. What had left the machine before is
        returned, a last line that is not whole left out."""
        self.process.kill()
        self.disk.process.kill()
        self.process.wait()
        self.disk.cut()
        last = []
        while (lines := self.receive()) is not None:
            last += lines
        return last

    def last_words(self):
        """For when QEMU has ended by itself: its status, and what stands last on the consoles."""
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            status = "unknown"
        tail = [line for path in (self.log_path, self.log.name)
                for line in pathlib.Path(path).read_text(errors="replace").splitlines()[-3:]]
        return f"QEMU ended by itself with status {status}: {' | '.join(tail) or 'no word'}; see {self.log_path}"

    def close(self):
        for process in (self.process, self.disk.process if self.disk else None):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if self.port is not None:
            self.port.close()
        if self.disk is not None:
            self.disk.close()
        self.log.close()


def accelerator():
    """KVM where a virtual processor can be made, else software. Whether it can boot is seen at the first
    boot."""
    probe = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "q35", "-accel", "kvm",
             "-cpu", "host", "-S", "-monitor", "stdio"]
    try:
        done = subprocess.run(probe, input=b"quit\n", capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "tcg"
    return "kvm" if done.returncode == 0 else "tcg"


# The disk itself, held to its word -----------------------------------------------------------------

def check_disk(folder):
    """Throws where a disk keeps what was not flushed, or loses what was, when it is cut."""
    image = folder / "disk-check.raw"
    image.write_bytes(bytes(4 * BLOCK))
    with open(folder / "logs" / "disk-check.log", "wb") as log:
        disk = Disk(image, log)
        try:
            with Client(disk.socket) as client:
                client.write(0, b"f" * BLOCK)
                client.flush()
                client.write(BLOCK, b"u" * BLOCK)
            disk.cut()
            kept = image.read_bytes()
            if kept[:BLOCK] != b"f" * BLOCK:
                raise Trouble("the disk lost a block that was flushed")
            if kept[BLOCK:] != bytes(3 * BLOCK):
                raise Trouble("the disk kept a block that was not flushed: its cache is not volatile")
            if disk.write_back(lambda: True) != (1, 1) or image.read_bytes()[BLOCK:2 * BLOCK] != b"u" * BLOCK:
                raise Trouble("the disk's cache does not hold the one block that was not flushed")
        finally:
            disk.close()
            image.unlink()


class Client:
    """As much of the NBD protocol as writing and flushing take."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.take(18)
        # Fixed newstyle without zeroes; then the default export by NBD_OPT_EXPORT_NAME.
        self.socket.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
        self.take(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def take(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                raise Trouble("nbdkit ended the connection")
            got += part
        return got

    def command(self, kind, offset, length, content=b""):
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 1, offset, length) + content)
        magic, error, _ = struct.unpack(">IIQ", self.take(16))
        if magic != 0x67446698 or error != 0:
            raise Trouble(f"nbdkit answers {magic:#x}, error {error}")

    def write(self, offset, content):
        self.command(1, offset, len(content), content)

    def flush(self):
        self.command(3, 0, 0)
