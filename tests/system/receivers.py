"""Receivers that behave badly on purpose: they read so many bytes of a connection and then reset it, close it, or read no
more. Over LF framing or RELP, plain or TLS. What their program has read is what counts as arrived."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

from net import Listener
from wait import wait_until


@dataclass
class Plan:
    """Of one connection: read `bytes`, read nothing for `pause` seconds, then `end` it."""
    bytes: int = 1 << 62
    pause: float = 0.0
    end: str = "fin"  # fin: close (the kernel makes it a reset when something is unread); half: only say FIN; rst; hang


def server_context(made, clients: bool = False) -> ssl.SSLContext:
    """For the certificates of web.Certificates; `clients`: must show one of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    if clients:
        context.load_verify_locations(made.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class BadReceiver(Listener):
    """The n-th connection goes by the n-th plan, those after the last one are read to their end."""

    def __init__(self, plans: list[Plan] = (), protocol: str = "lf", tls: ssl.SSLContext | None = None, port: int = 0):
        super().__init__(port)
        self.plans, self.protocol, self.tls = list(plans), protocol, tls
        self.lines: list[bytes] = []   # of all connections, as their program has read them
        self.failed_handshakes: list[str] = []
        self.client_names: list = []
        self.released = threading.Event()  # ends every hang: reading goes on
        self._ending = threading.Event()

    def stop(self) -> None:
        """Stops listening, and resets every connection."""
        self._ending.set()
        self.released.set()
        self._stop_listening()
        self._join(10)
        self._ending.clear()

    def wait_lines(self, wanted: set[bytes], seconds: float = 30.0) -> None:
        wait_until(lambda: wanted <= set(self.lines), lambda: f"{len(wanted - set(self.lines))} lines", seconds, pause=0.05)

    def _meet(self, connection: socket.socket) -> None:
        number = self.connections
        self._spawn(self._serve, connection, self.plans[number - 1] if number <= len(self.plans) else Plan())

    def _serve(self, connection: socket.socket, plan: Plan) -> None:
        try:
            if self.tls:
                connection.settimeout(10)
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.client_names.append((connection.getpeercert() or {}).get("subject"))
        except OSError as error:
            self.failed_handshakes.append(str(error))
            connection.close()
            return
        try:
            self._read(connection, plan)
        except OSError:
            connection.close()

    def _read(self, connection: socket.socket, plan: Plan) -> None:
        session = Relp(self, connection) if self.protocol == "relp" else Lines(self)
        left = plan.bytes
        while left > 0:
            if self._ending.is_set():
                return self._end(connection, "rst")
            pending = self.tls is not None and connection.pending()
            if not pending and not select.select([connection], [], [], 0.05)[0]:
                continue
            data = connection.recv(min(left, 1 << 16))
            if not data:
                return self._end(connection, "fin")
            left -= len(data)
            if session.take(data):
                return self._end(connection, "fin")
        until = time.monotonic() + plan.pause
        while time.monotonic() < until and not self._ending.is_set():
            time.sleep(0.02)
        if plan.end == "hang":
            self.released.wait()
            return self._read_on(connection, session)
        self._end(connection, plan.end)

    def _read_on(self, connection: socket.socket, session) -> None:
        while not self._ending.is_set():
            pending = self.tls is not None and connection.pending()
            if not pending and not select.select([connection], [], [], 0.05)[0]:
                continue
            data = connection.recv(1 << 16)
            if not data or session.take(data):
                break
        self._end(connection, "fin")

    def _end(self, connection: socket.socket, how: str) -> None:
        if how == "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "half":
            connection.shutdown(socket.SHUT_WR)
            while not self._ending.is_set():  # and never reads again
                time.sleep(0.05)
        connection.close()


class Lines:
    """LF framing: a line counts once its end was read."""

    def __init__(self, owner: BadReceiver):
        self.owner, self.rest = owner, b""

    def take(self, data: bytes) -> bool:
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.owner.lines += lines
        return False


class Relp:
    """A RELP server that keeps a line before it says 200. True from take(): the client has closed."""

    def __init__(self, owner: BadReceiver, connection: socket.socket):
        self.owner, self.connection, self.buffer = owner, connection, b""

    def take(self, data: bytes) -> bool:
        self.buffer += data
        answers, closed = [], False
        while (frame := self._frame()) is not None and not closed:
            number, command, body = frame
            if command == b"open":
                answers.append(self._answer(number, b"200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog"))
            elif command == b"syslog":
                status = self.owner.refuse(body) if hasattr(self.owner, "refuse") else b"200 OK"
                if status.startswith(b"200"):
                    self.owner.lines.append(body)
                answers.append(self._answer(number, status))
            elif command == b"close":
                answers += [self._answer(number, b""), b"0 serverclose 0\n"]
                closed = True
        if answers:
            self.connection.sendall(b"".join(answers))
        return closed

    @staticmethod
    def _answer(number: bytes, data: bytes) -> bytes:
        return b"%s rsp %d%s%s\n" % (number, len(data), b" " if data else b"", data)

    def _frame(self):
        head = self.buffer.split(b" ", 2)
        if len(head) < 3:
            return None
        number, command, rest = head
        digits = len(rest) - len(rest.lstrip(b"0123456789"))
        if digits == len(rest):
            return None
        length = int(rest[:digits])
        start = digits + (1 if rest[digits:digits + 1] == b" " else 0)
        if len(rest) < start + length + 1:
            return None
        assert rest[start + length:start + length + 1] == b"\n", self.buffer[:200]
        self.buffer = rest[start + length + 1:]
        return number, command, rest[start:start + length]
