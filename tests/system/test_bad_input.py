"""Whatever is sent ends in a counted, logged, harmless way, and the lines of other clients are all there."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time

import pytest

from daemon import port_of, raw_of
from lines import numbers, thor_line
from net import connect, free_port, send_tcp, send_udp, wait_closed
from wait import SLOWNESS, wait_until


class Honest:
    """A client that goes on sending numbered lines on one connection, all the time that a test is rude."""

    def __init__(self, daemon):
        self.daemon, self.sent, self._stop = daemon, 0, threading.Event()
        self._connection = connect(port_of(daemon, "tcp"), source="127.0.0.77")
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self):
        while not self._stop.wait(0.002):
            self._connection.sendall(thor_line(self.sent, host="honest") + b"\n")
            self.sent += 1

    def finish(self, more: int = 100) -> None:
        """Sends some more, then sees that each of its lines is there, once, in order."""
        wanted = self.sent + more
        wait_until(lambda: self.sent >= wanted, "the honest client")
        self._stop.set()
        self._thread.join(10)
        self._connection.close()

        def mine():
            return [raw_of(event) for event in self.daemon.events() if event.get("asset") == "honest"]

        wait_until(lambda: len(mine()) >= self.sent, lambda: f"{len(mine())} of {self.sent} honest lines", 20, 0.2)
        assert numbers(mine()) == list(range(self.sent))


@pytest.fixture
def honest(daemon):
    client = Honest(daemon)
    yield client
    client.finish()
    daemon.wait_drained()


def memory_mib(daemon) -> float:
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def others(daemon) -> list[dict]:
    return [event for event in daemon.events() if event.get("asset") != "honest"]


def test_bytes_that_are_no_utf8_and_nuls(daemon, honest):
    lines = [b"\xff\xfe\xfd", b"<13>Jan  1 00:00:00 h a: \xc3\x28 \xed\xa0\x80", bytes(range(128, 256)), b"a\x00b\x00\x01",
             b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r"]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    send_udp(port_of(daemon, "udp"), *lines[:4])
    wait_until(lambda: len(others(daemon)) >= len(lines) + 4, "the odd lines")
    got = sorted(raw_of(event) for event in others(daemon))
    assert got == sorted([line.rstrip(b"\r") for line in lines] + lines[:4])
    for event in others(daemon):
        valid = _is_utf8(raw_of(event))
        assert ("raw_base64" in event) == (not valid)
        assert ("invalid_utf8" in event.get("flags", [])) == (not valid)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_a_line_of_a_hundred_megabytes_without_an_end(daemon, honest):
    before, size, block = memory_mib(daemon), 100_000_000, b"x" * 1_000_000
    with connect(port_of(daemon, "tcp")) as connection:
        connection.sendall(b"<13>Jan  1 00:00:00 long app: ")
        for _ in range(size // len(block)):
            connection.sendall(block)
        assert memory_mib(daemon) < before + 200
        connection.sendall(b"\n" + thor_line(5) + b"\n")
        connection.shutdown(socket.SHUT_WR)
        wait_closed(connection)
    wait_until(lambda: any(event.get("uid") == "5" for event in others(daemon)), "the line behind it", 30, 0.5)
    pieces = [event for event in others(daemon) if event.get("uid") != "5"]
    assert sum(len(raw_of(event)) for event in pieces) == size + 30
    assert all("oversize" in event["flags"] for event in pieces)
    assert max(len(raw_of(event)) for event in pieces) <= 16 << 20


def test_a_client_that_sends_one_byte_at_a_time(daemon, honest):
    """One byte a second would take minutes: what matters is that each byte comes alone."""
    line = thor_line(3) + b"\n"
    with connect(port_of(daemon, "tcp")) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in line:
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
    wait_until(lambda: others(daemon), "its line")
    assert raw_of(others(daemon)[0]) == line[:-1]
    assert "flags" not in others(daemon)[0]


def test_a_client_that_connects_ten_thousand_times(daemon, honest):
    for number in range(10000):
        with connect(port_of(daemon, "tcp")) as connection:
            if number % 1000 == 0:
                connection.sendall(thor_line(number) + b"\n")
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 1, "only the honest one to be left", 30)
    # A thousand at once are let in from one peer; what came faster than the last ones were found closed was refused.
    refused = daemon.metrics().get('input_refused_connections_total{input="tcp",reason="too_many"}', 0)
    wait_until(lambda: len(others(daemon)) + refused >= 10, lambda: f"{len(others(daemon))} lines, {refused} refused")
    send_tcp(port_of(daemon, "tcp"), thor_line(77) + b"\n")
    wait_until(lambda: others(daemon)[-1]["uid"] == "77", "a line after it all")
    assert len(daemon.log().splitlines()) < 500, "its log is a flood"


@pytest.mark.parametrize("count", [b"99999999999 ", b"9999999999 ", b"4294967296 ", b"0 ", b"-1 ", b"00000000012 "])
def test_an_octet_count_that_is_none(daemon, honest, count):
    before = memory_mib(daemon)
    data = count + b"<13>Jan  1 00:00:00 h a: text"
    send_tcp(port_of(daemon, "tcp"), data + b"\n" + thor_line(5) + b"\n")
    assert memory_mib(daemon) < before + 100
    wait_until(lambda: any(b"text" in raw_of(event) for event in others(daemon)), "its text")
    assert b"text" in b"".join(raw_of(event) for event in others(daemon))


def test_half_a_frame_and_then_nothing(daemon, honest):
    held = [connect(port_of(daemon, "tcp")) for _ in range(200)]
    for number, connection in enumerate(held):
        connection.sendall(b"500 <13>Jan  1 00:00:00 half a: %d" % number)
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 201, "all connections")
    for connection in held:
        connection.close()
    wait_until(lambda: len(others(daemon)) == 200, lambda: f"{len(others(daemon))} halves")
    assert all("unterminated" in event["flags"] for event in others(daemon))


def test_random_bytes_on_every_port(daemon, honest):
    dice = random.Random(7)
    for _ in range(200):
        data = dice.randbytes(dice.randrange(1, 5000))
        send_tcp(port_of(daemon, "tcp"), data)
        send_udp(port_of(daemon, "udp"), data)
        if _ % 10 == 0:
            host, _, port = daemon.config["admin"]["listen"].rpartition(":")
            with connect(int(port)) as connection:
                connection.sendall(data)
    daemon.wait_account(lambda account: account["inputs"]["udp"]["received"] >= 190, "the datagrams")
    assert daemon.running()


def test_connections_that_are_reset_in_the_middle(daemon, honest):
    import struct

    for number in range(300):
        connection = connect(port_of(daemon, "tcp"))
        connection.sendall(thor_line(number) + b"\n" + thor_line(number)[:50])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # RST
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 1, "only the honest one to be left")


BUDGET = 64


def push_all(connections, data: bytes, seconds: float, check) -> int:
    """Sends `data` on each of the connections as far as they take it, all at the same time. Gives how much was taken."""
    left = {connection: memoryview(data) for connection in connections}
    deadline = time.monotonic() + seconds * SLOWNESS
    while left and time.monotonic() < deadline:
        check()
        _, ready, _ = select.select([], list(left), [], 0.1)
        for connection in ready:
            left[connection] = left[connection][connection.send(left[connection][:1 << 18]):]
            if not left[connection]:
                del left[connection]
    return len(connections) * len(data) - sum(map(len, left.values()))


@pytest.mark.slow
def test_a_siege(new_daemon):
    """Half lines of 4 MiB on many connections, invented hosts and scans, forged numbered parts where they are honoured,
    all at once: memory stays within the budget, and an honest peer's lines are all there, in order."""
    daemon = new_daemon(reassembly={"budget": f"{BUDGET}MiB"})
    daemon.config["inputs"]["trusted"] = {"type": "tcp", "listen": f"127.0.0.1:{free_port()}", "trust": "thorlogd"}
    daemon.start()
    before, client, most = memory_mib(daemon), Honest(daemon), 0.0

    def check():
        nonlocal most
        most = max(most, memory_mib(daemon))
        assert most < before + 2 * BUDGET + 100, "memory"

    def besiege(port: int, count: int, data: bytes, seconds: float) -> list:
        made = [connect(port, source=f"127.0.{1 + number % 50}.1") for number in range(count)]
        for connection in made:
            connection.setblocking(False)
        assert push_all(made, data, seconds, check) > count * 100_000
        return made

    half = b'<190>%s half/10.0.0.9 THOR: {"type":"THOR assessment","meta":{"a":"' % b"Jan  1 00:00:00"
    held = besiege(port_of(daemon, "tcp"), 150, half + b"y" * (4 << 20), 20)
    held += besiege(port_of(daemon, "tcp"), 50, half + b"z" * 300_000 + b"\n", 10)
    parts = b"".join(b'<190>1 - forged THOR - - [part@32473 id="%032x" n="%d" of="4096" bytes="2000"] %s\n'
                     % (number, 1 + number % 4096, b"p" * 2000) for number in range(1000))
    held += besiege(port_of(daemon, "trusted"), 20, parts, 10)
    invented = b"".join(thor_line(number, host=f"invented{number}", scan=f"S-{number:011x}") + b"\n"
                        for number in range(5000))
    held += besiege(port_of(daemon, "tcp"), 20, invented, 20)
    client.finish()
    for connection in held:
        connection.close()
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 0, "all to be gone", 60)
    daemon.wait_drained(seconds=60)
    check()
    print(f"memory: {before:.0f} MiB before, {most:.0f} at most")


def test_the_daemon_leaves_no_file_descriptor_open(daemon, honest):
    def count() -> int:
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    before = count()
    for _ in range(100):
        send_tcp(port_of(daemon, "tcp"), thor_line(1) + b"\n")
        daemon.http("/healthz")
    wait_until(lambda: count() <= before + 2, lambda: f"{count()} descriptors, {before} before")
