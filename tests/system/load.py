"""Numbered lines for a daemon: so many of them, or a steady stream for as long as a test wants it."""

from __future__ import annotations

import threading

from daemon import Daemon, port_of
from lines import thor_line
from net import connect, send_tcp
from wait import SLOWNESS


def send_lines(daemon: Daemon, first: int, count: int, size: int = 0, **more) -> list[bytes]:
    """Over one connection, which is read to its end when this returns."""
    lines = [thor_line(number, size, **more) for number in range(first, first + count)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    return lines


class Load(threading.Thread):
    """One connection that sends `lines` lines every so many seconds, from its making until it is told to end."""

    def __init__(self, port: int, lines: int = 5, every: float = 0.005):
        super().__init__(daemon=True)
        self.port, self.lines, self.every = port, lines, every
        self.sent, self._ending = 0, threading.Event()
        self.start()

    def run(self) -> None:
        with connect(self.port) as connection:
            while not self._ending.wait(self.every):
                portion = range(self.sent, self.sent + self.lines)
                connection.sendall(b"".join(thor_line(number) + b"\n" for number in portion))
                self.sent += self.lines

    def end(self) -> int:
        self._ending.set()
        self.join(30 * SLOWNESS)
        assert not self.is_alive(), "the last lines are not taken"
        return self.sent
