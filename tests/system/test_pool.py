"""A pool of three targets that come and go: the first that answers is used, and the first again when it is back."""

from __future__ import annotations

import threading

import pytest

from daemon import port_of
from lines import numbers, thor_line
from net import connect
from receivers import BadReceiver, server_context
from wait import wait_until
from web import Certificates


class Stream(threading.Thread):
    """Sends numbered lines until it is told to end."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.sent, self.ending = port, 0, threading.Event()

    def run(self) -> None:
        with connect(self.port) as connection:
            while not self.ending.wait(0.005):
                connection.sendall(b"".join(thor_line(self.sent + i) + b"\n" for i in range(5)))
                self.sent += 5

    def end(self) -> int:
        self.ending.set()
        self.join(30)
        return self.sent


@pytest.fixture
def three():
    made = [BadReceiver().start() for _ in range(3)]
    yield made
    for receiver in made:
        receiver.stop()


def more_at(receiver: BadReceiver, count: int = 200) -> None:
    before = len(receiver.lines)
    wait_until(lambda: len(receiver.lines) >= before + count, f"{count} more lines at port {receiver.port}", 30)


def pool_output(receivers) -> dict:
    return {"type": "syslog", "address": [f"tcp://127.0.0.1:{each.port}" for each in receivers], "framing": "lf",
            "fail_back": "1s"}


def test_the_first_that_answers_is_used_and_the_first_again_when_it_is_back(new_daemon, three):
    daemon = new_daemon(outputs={"pool": pool_output(three)}).start()
    stream = Stream(port_of(daemon, "tcp"))
    stream.start()
    first, second, third = three
    more_at(first)
    first.stop()
    more_at(second)
    second.stop()
    more_at(third)
    second.start()
    more_at(second)
    first.start()
    more_at(first)
    sent = stream.end()
    daemon.wait_drained(seconds=30)
    seen = numbers(first.lines + second.lines + third.lines)
    assert set(seen) == set(range(sent))
    used = len(first.lines), len(second.lines), len(third.lines)
    print(f"{sent} lines, {used} at the three, {len(seen) - sent} of them twice after the two resets")


def test_going_back_under_load_sends_nothing_twice(new_daemon, three):
    first, second, _ = three
    first.stop()
    daemon = new_daemon(outputs={"pool": pool_output(three)}).start()
    stream = Stream(port_of(daemon, "tcp"))
    stream.start()
    more_at(second)
    first.start()
    more_at(first)
    left_at = len(second.lines)
    more_at(first, 400)
    assert len(second.lines) == left_at  # all of it goes to the first now
    sent = stream.end()
    daemon.wait_drained(seconds=30)
    assert sorted(numbers(first.lines + second.lines)) == list(range(sent))
    assert daemon.metrics()['output_possibly_lost_bytes_total{output="pool"}'] == 0
    assert f"tcp://127.0.0.1:{first.port}" in daemon.ctl("status", "--json")


def test_a_pool_over_relp_goes_back_under_load_and_sends_nothing_twice(new_daemon):
    first, second = BadReceiver(protocol="relp"), BadReceiver(protocol="relp").start()
    pool = {"type": "syslog", "address": [f"relp://127.0.0.1:{each.port}" for each in (first, second)], "fail_back": "1s"}
    daemon = new_daemon(outputs={"pool": pool}).start()
    stream = Stream(port_of(daemon, "tcp"))
    stream.start()
    more_at(second)
    first.start()
    more_at(first)
    left_at = len(second.lines)
    more_at(first, 400)
    assert len(second.lines) == left_at
    sent = stream.end()
    daemon.wait_drained(seconds=30)
    assert sorted(numbers(first.lines + second.lines)) == list(range(sent))
    for receiver in (first, second):
        receiver.stop()


def test_a_target_with_a_stranger_s_certificate_makes_room_for_the_next(new_daemon, folder):
    good, stranger = Certificates(folder / "good"), Certificates(folder / "stranger")
    first, second = BadReceiver(tls=server_context(stranger)).start(), BadReceiver(tls=server_context(good)).start()
    pool = {"type": "syslog", "address": [f"tls://localhost:{each.port}" for each in (first, second)], "framing": "lf",
            "fail_back": "1s", "tls": {"ca": str(good.ca)}}
    daemon = new_daemon(outputs={"pool": pool}).start()
    stream = Stream(port_of(daemon, "tcp"))
    stream.start()
    more_at(second)
    sent = stream.end()
    daemon.wait_drained(seconds=30)
    assert first.lines == [] and sorted(numbers(second.lines)) == list(range(sent))
    assert "certificate" in daemon.log()
    for receiver in (first, second):
        receiver.stop()
