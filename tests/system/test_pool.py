"""A pool of three targets that come and go: the first that answers is used, and the first again when it is back."""

from __future__ import annotations

import pytest

from daemon import port_of
from lines import numbers
from load import Load
from receivers import BadReceiver, server_context
from wait import wait_until
from web import Certificates


@pytest.fixture
def three(bad_receiver):
    return [bad_receiver() for _ in range(3)]


def more_at(receiver: BadReceiver, count: int = 200) -> None:
    before = len(receiver.lines)
    wait_until(lambda: len(receiver.lines) >= before + count, f"{count} more lines at port {receiver.port}", 30)


def pool_output(receivers, address: str = "tcp://127.0.0.1", **more) -> dict:
    return {"type": "syslog", "address": [f"{address}:{each.port}" for each in receivers], "fail_back": "1s",
            **({} if address.startswith("relp") else {"framing": "lf"}), **more}


def goes_back_under_load(new_daemon, output: dict, first: BadReceiver, second: BadReceiver):
    """The first is away in the beginning. Each line comes once, and all to the first when it is back."""
    first.stop()
    daemon = new_daemon(outputs={"pool": output}).start()
    load = Load(port_of(daemon, "tcp"))
    more_at(second)
    first.start()
    more_at(first)
    left_at = len(second.lines)
    more_at(first, 400)
    assert len(second.lines) == left_at
    sent = load.end()
    daemon.wait_drained(seconds=30)
    assert sorted(numbers(first.lines + second.lines)) == list(range(sent))
    return daemon


def test_the_first_that_answers_is_used_and_the_first_again_when_it_is_back(new_daemon, three):
    daemon = new_daemon(outputs={"pool": pool_output(three)}).start()
    load = Load(port_of(daemon, "tcp"))
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
    sent = load.end()
    daemon.wait_drained(seconds=30)
    seen = numbers(first.lines + second.lines + third.lines)
    assert set(seen) == set(range(sent))
    used = len(first.lines), len(second.lines), len(third.lines)
    print(f"{sent} lines, {used} at the three, {len(seen) - sent} of them twice after the two resets")


def test_going_back_under_load_sends_nothing_twice(new_daemon, three):
    first, second, _ = three
    daemon = goes_back_under_load(new_daemon, pool_output(three), first, second)
    assert daemon.metrics()['output_possibly_lost_bytes_total{output="pool"}'] == 0
    assert f"tcp://127.0.0.1:{first.port}" in daemon.ctl("status", "--json")


def test_a_pool_over_relp_goes_back_under_load_and_sends_nothing_twice(new_daemon, bad_receiver):
    first, second = (bad_receiver(protocol="relp") for _ in range(2))
    goes_back_under_load(new_daemon, pool_output((first, second), "relp://127.0.0.1"), first, second)


def test_a_target_with_a_stranger_s_certificate_makes_room_for_the_next(new_daemon, bad_receiver, folder):
    good, stranger = Certificates(folder / "good"), Certificates(folder / "stranger")
    first, second = (bad_receiver(tls=server_context(made)) for made in (stranger, good))
    pool = pool_output((first, second), "tls://localhost", tls={"ca": str(good.ca)})
    daemon = new_daemon(outputs={"pool": pool}).start()
    load = Load(port_of(daemon, "tcp"))
    more_at(second)
    sent = load.end()
    daemon.wait_drained(seconds=30)
    assert first.lines == [] and sorted(numbers(second.lines)) == list(range(sent))
    assert "certificate" in daemon.log()
