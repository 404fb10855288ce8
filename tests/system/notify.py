"""The other end of sd_notify(3): a datagram socket that keeps what a service tells its manager."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from wait import wait_until


class NotifySocket:
    def __init__(self, folder: Path):
        self.path = folder / "notify.sock"
        self.messages: list[str] = []  # one entry for each assignment: "READY=1"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            self.messages += data.decode(errors="replace").split("\n")

    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": str(self.path)}

    def count(self, message: str) -> int:
        return self.messages.count(message)

    def wait(self, message: str, times: int = 1, seconds: float = 20.0, alive=lambda: True) -> None:
        wait_until(lambda: self.count(message) >= times or not alive(), lambda: f"{message}, was told {self.messages}",
                   seconds)
        assert self.count(message) >= times, f"the service ended before it said {message}"

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.connect(str(self.path))
            last.send(b"")
        self._thread.join(timeout=5)
        self._socket.close()
        os.unlink(self.path)
