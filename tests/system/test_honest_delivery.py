"""Receivers that read so many bytes and then reset, close, stop reading or hang. What is missing in the end is no more
than what thorlogd says may be lost; over RELP it is nothing."""

from __future__ import annotations

import random

import pytest

from lines import numbers
from load import send_lines
from receivers import BadReceiver, Plan
from wait import wait_until

LINES, LENGTH = 12_000, 400
MANY = 40_000  # 16 MB: more than the buffers on the way hold


def output_to(receiver: BadReceiver, scheme: str, **more) -> dict:
    return {"type": "syslog", "address": f"{scheme}://127.0.0.1:{receiver.port}", **({} if "relp" in scheme else {"framing": "lf"}),
            **more}


def run(new_daemon, receiver: BadReceiver, output: dict, hang: bool = False, count: int = LINES) -> dict:
    """What became of the lines, when the receiver is well again."""
    count = MANY if hang else count
    daemon = new_daemon(outputs={"out": output}).start()
    send_lines(daemon, 0, count, LENGTH)
    if hang:
        # Full; or, over RELP, given up because not even the greeting was answered.
        wait_until(lambda: state_of(daemon) in ("full", "retrying"), lambda: f"state full, it is {state_of(daemon)}", 30)
        receiver.released.set()
    else:
        wait_until(lambda: receiver.connections > len(receiver.plans), "the plans to be carried out", 60)
    daemon.wait_drained(seconds=90)
    seen = numbers(receiver.lines)
    assert set(seen) <= set(range(count))
    metrics = daemon.metrics()
    return {"missing": count - len(set(seen)), "twice": len(seen) - len(set(seen)),
            "possibly_lost": metrics['output_possibly_lost_bytes_total{output="out"}'], "connections": receiver.connections}


def state_of(daemon) -> str:
    metrics = daemon.metrics()
    return next((name.split('state="')[1].split('"')[0] for name, value in metrics.items()
                 if name.startswith('output_state{output="out"') and value == 1), "")


# The rows between are played with -m slow.
READ_CASES = [pytest.param(read, marks=[] if read in ("nothing", "some") else pytest.mark.slow)
              for read in ("nothing", "a_byte", "a_line", "some", "much")]
READ = {"nothing": 0, "a_byte": 1, "a_line": LENGTH + 1, "some": 100_000, "much": 2_000_000}
ENDS = {"rst": Plan(end="rst"), "fin": Plan(end="fin"), "stops_then_rst": Plan(pause=4.0, end="rst"),
        "hang": Plan(end="hang")}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("read", READ_CASES)
def test_over_tcp_no_more_is_missing_than_is_said(new_daemon, bad_receiver, read, end):
    plan = Plan(READ[read], ENDS[end].pause, ENDS[end].end)
    receiver = bad_receiver([plan])
    found = run(new_daemon, receiver, output_to(receiver, "tcp"), end == "hang")
    print(read, end, found)
    assert found["missing"] * (LENGTH + 1) <= found["possibly_lost"]
    if end == "hang":
        assert found["missing"] == 0 and found["twice"] == 0


def test_over_tcp_a_receiver_that_does_all_of_it_again_and_again(new_daemon, bad_receiver):
    dice = random.Random(9)
    plans = [Plan(dice.choice((0, 500, 50_000, 400_000)), dice.choice((0, 0, 0.5)), dice.choice(("rst", "fin")))
             for _ in range(7)]  # the back-off doubles each time that nothing got through
    receiver = bad_receiver(plans)
    found = run(new_daemon, receiver, output_to(receiver, "tcp"))
    print(found)
    assert found["missing"] * (LENGTH + 1) <= found["possibly_lost"]
    assert found["connections"] > len(plans)


def test_over_tcp_what_a_receiver_had_not_read_when_it_died_is_counted(new_daemon, bad_receiver):
    receiver = bad_receiver([Plan(10 * (LENGTH + 1), pause=6.0, end="rst")])
    found = run(new_daemon, receiver, output_to(receiver, "tcp"), count=60)  # too few to see that nobody reads
    print(found)
    assert found["missing"] > 0  # the window that --check prints is there
    assert found["missing"] * (LENGTH + 1) <= found["possibly_lost"]
