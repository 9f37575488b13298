"""Clients that do wrong, and what a broker holds meanwhile."""
import contextlib
import errno
import pathlib
import re
import resource
import select
import socket
import time

# Where the attackers come from; the bystander is at 127.0.0.1.
ATTACKERS = "127.0.0.2"


def memory(server):
    """What the server has of the machine's memory, in MiB: files that others have too are left out."""
    return _status(server, "RssAnon")


def resident(server):
    """The same with files: the program itself, and segments that are mapped."""
    return _status(server, "VmRSS")


def _status(server, field):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


class Attack:
    """Connections that do wrong; a broker may close them at any time."""

    def __init__(self, server, source=ATTACKERS):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        host, port = server.address.rsplit(":", 1)
        self.place, self.source, self.sockets = (host, int(port)), source, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.sockets:
            each.close()

    def connect(self, receive_buffer=None):
        made = socket.socket()
        # Whoever reads little has a small window.
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # Each address has its own ports.
        made.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        made.bind((self.source, 0))
        made.connect(self.place)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self.sockets.append(made)
        return made

    def send(self, each, data):
        """As much as the socket takes; how much."""
        try:
            return each.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            assert error.errno in (errno.ECONNRESET, errno.EPIPE), error
            return len(data)

    def send_all(self, data, seconds=20):
        """To each connection, as they take it, or until the time is up."""
        left = {each: memoryview(data) for each in self.sockets}
        end = time.monotonic() + seconds
        while left and time.monotonic() < end:
            for each in select.select([], list(left), [], 0.1)[1] if len(left) < 900 else list(left):
                left[each] = left[each][self.send(each, left[each]):]
                if not left[each]:
                    del left[each]

    def open_count(self):
        """Connections that the broker has not closed."""
        count = 0
        for each in self.sockets:
            with contextlib.suppress(ConnectionError):
                try:
                    count += bool(each.recv(1, socket.MSG_PEEK))
                except BlockingIOError:
                    count += 1
        return count


def highest(server, seconds):
    """The most memory within so long, in MiB."""
    end, most = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        most = max(most, memory(server))
        time.sleep(0.05)
    return most
