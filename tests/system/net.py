"""Ports, raw senders and receivers on loopback."""

from __future__ import annotations

import itertools
import os
import random
import socket
import threading

from wait import wait_until

# Below the kernel's range for outgoing connections, so that nobody is given one of ours in between. Tests that run beside
# these (pytest -n) have ports of their own.
_first = 20000 + 2500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4)
_ports = itertools.cycle(random.Random(os.getpid()).sample(range(_first, _first + 2500), 2500))


def free_port() -> int:
    """A port that is free for TCP and UDP on IPv4 and IPv6."""
    for port in _ports:
        if all(_free(family, kind, port) for family in (socket.AF_INET, socket.AF_INET6)
               for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            return port
    raise AssertionError("no free port")


def _free(family: int, kind: int, port: int) -> bool:
    with socket.socket(family, kind) as probe:
        try:
            probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
        except OSError:
            return False
    return True


def connect(port: int, host: str = "127.0.0.1", source: str = "") -> socket.socket:
    return socket.create_connection((host, port), timeout=30, source_address=(source, 0) if source else None)


def send_tcp(port: int, data: bytes, host: str = "127.0.0.1", source: str = "") -> None:
    """Sends, then waits until the other side has read it all and closed."""
    with connect(port, host, source) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        wait_closed(connection)


def send_some(connection: socket.socket, data: bytes) -> int:
    """As many bytes as go without waiting: how many. The connection does not wait from then on."""
    connection.setblocking(False)
    try:
        return connection.send(data)
    except BlockingIOError:
        return 0


def wait_closed(connection: socket.socket) -> None:
    connection.settimeout(30)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


def send_udp(port: int, *datagrams: bytes, host: str = "127.0.0.1", source: str = "") -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        if source:
            sender.bind((source, 0))
        for datagram in datagrams:
            sender.sendto(datagram, (host, port))


class Listener:
    """A TCP server on loopback that can be stopped and started again. Who inherits says in `_meet` what becomes of a
    connection."""

    def __init__(self, port: int = 0):
        self.port = port or free_port()
        self.connections = 0  # all there were
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def start(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(128)
        self._spawn(self._accept, self._listener)
        return self

    def _spawn(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._meet(connection)

    def _meet(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def _stop_listening(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _join(self, seconds: float) -> None:
        for thread in self._threads:
            thread.join(seconds)
        self._threads.clear()


class Receiver(Listener):
    """Keeps what it is sent, for each connection."""

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.streams: list[bytearray] = []
        self._open: list[socket.socket] = []

    def _meet(self, connection: socket.socket) -> None:
        stream = bytearray()
        self.streams.append(stream)
        self._open.append(connection)
        self._spawn(self._read, connection, stream)

    @staticmethod
    def _read(connection: socket.socket, stream: bytearray) -> None:
        try:
            while data := connection.recv(1 << 20):
                stream += data
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self) -> None:
        """Stops listening and closes every connection."""
        self._stop_listening()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._join(5)
        self._open.clear()

    def lines(self) -> list[bytes]:
        return [line for stream in self.streams for line in bytes(stream).split(b"\n") if line]

    def frames(self) -> list[bytes]:
        """The octet-counted frames of all streams; an unfinished one at the end is left out."""
        return [frame for stream in self.streams for frame in octet_frames(bytes(stream))]

    def wait_lines(self, count: int, seconds: float = 15.0) -> list[bytes]:
        wait_until(lambda: len(self.lines()) >= count, lambda: f"{count} lines, got {len(self.lines())}", seconds)
        return self.lines()

    def wait_frames(self, count: int, seconds: float = 15.0) -> list[bytes]:
        wait_until(lambda: len(self.frames()) >= count, lambda: f"{count} frames, got {len(self.frames())}", seconds)
        return self.frames()


def octet_frames(stream: bytes) -> list[bytes]:
    frames, at = [], 0
    while at < len(stream):
        blank = stream.find(b" ", at, at + 12)
        if blank < 0:
            break
        length = int(stream[at:blank])
        if blank + 1 + length > len(stream):
            break
        frames.append(stream[blank + 1:blank + 1 + length])
        at = blank + 1 + length
    return frames
