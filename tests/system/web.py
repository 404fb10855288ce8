"""A real HTTP and HTTPS server on loopback that keeps every request and can answer in every wrong way."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from net import Listener
from wait import wait_until


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)

    def json(self):
        return json.loads(self.body)


def certificates(folder: Path) -> "Certificates":
    return Certificates(folder)


class Certificates:
    """An authority and a server certificate of it, made by openssl."""

    def __init__(self, folder: Path, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 2):
        folder.mkdir()
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", "/CN=test authority", "-keyout", folder / "ca.key", "-out", self.ca)
        self.folder = folder
        self.issue("server", names, days)

    def issue(self, stem: str, names: str, days: int = 2) -> tuple[Path, Path]:
        """One more certificate of the authority, and its key."""
        certificate, key, request = (self.folder / f"{stem}.{end}" for end in ("pem", "key", "csr"))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN=test {stem}", "-keyout", key, "-out", request)
        (self.folder / "ext").write_text(f"subjectAltName={names}\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
                      "-CAcreateserial", "-days", str(days), "-extfile", self.folder / "ext", "-out", certificate)
        return certificate, key

    @staticmethod
    def _openssl(*arguments) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


class Gone(Exception):
    """The connection is over, one way or the other."""


def answer(status: int = 200, body: bytes = b"", **headers: str):
    """A whole answer; header names with _ for -."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    bytes_of = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return lambda connection, request: connection.sendall(bytes_of)


def reset(connection, request) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise Gone


def close(connection, request) -> None:
    raise Gone


def half(connection, request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    raise Gone


def hang(seconds: float):
    """No answer; the client gives up."""
    def act(connection, request):
        connection.settimeout(seconds)
        try:
            connection.recv(1)
        except OSError:
            pass
        raise Gone
    return act


def slow_body(connection, request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        pass
    raise Gone


def huge(status: int, size: int = 64 << 20):
    def act(connection, request):
        connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n\r\n".encode())
        try:
            for _ in range(size >> 16):
                connection.sendall(b"y" * 65536)
        except OSError:
            pass
        raise Gone
    return act


class WebServer(Listener):
    """Answers 200 unless `script` has an answer for the next request, or `decide(request)` gives one."""

    def __init__(self, tls: Certificates | None = None, port: int = 0, keep: bool = True):
        super().__init__(port)
        self.tls, self.keep = tls, keep
        self.requests: list[Request] = []
        self.script: list = []
        self.decide = lambda request: None
        self.count = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ok = answer()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook/secret-path"

    def stop(self) -> None:
        """Connections are refused from now on; those that are open are reset."""
        self._stop_listening()
        with self._lock:
            for connection in self._open:
                try:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _meet(self, connection: socket.socket) -> None:
        self._spawn(self._serve, connection, self.connections)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            connection.settimeout(60)
            if self.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.tls.certificate, self.tls.key)
                connection = context.wrap_socket(connection, server_side=True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            pending = b""
            while True:
                request, pending = self._read(connection, pending, number)
                self._act(request)(connection, request)
        except (Gone, OSError, ssl.SSLError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _act(self, request: Request):
        with self._lock:
            self.count += 1
            act = self.script.pop(0) if self.script else self.decide(request)
            if self.keep:
                self.requests.append(request)
        return act or self._ok

    @staticmethod
    def _read(connection, data: bytes, number: int) -> tuple[Request, bytes]:
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = connection.recv(1 << 16)
            if not more:
                raise Gone
            data += more
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        data = data[end + 4:]
        while len(data) < length:
            more = connection.recv(1 << 20)
            if not more:
                raise Gone
            data += more
        method, path, _ = first.split(" ", 2)
        return Request(method, path, headers, data[:length], number), data[length:]

    # -- what it got --

    def accepted(self) -> list[Request]:
        with self._lock:
            return list(self.requests)

    def wait_requests(self, count: int, seconds: float = 15.0) -> list[Request]:
        wait_until(lambda: self.count >= count, lambda: f"{count} requests, got {self.count}", seconds)
        return self.accepted()
