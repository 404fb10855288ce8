"""One stream to a real rsyslogd, a real Kafka broker and a webhook, the hook's server away for a while under load: the others
don't notice, it catches up, the laws balance, and all have every line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon import file_output, port_of, raw_of, syslog_output
from lines import numbers
from load import Load
from net import free_port
from wait import wait_until
from web import WebServer

TARGET = """
module(load="imtcp")
input(type="imtcp" port="{port}" ruleset="write")
ruleset(name="write") {{ action(type="omfile" file="{file}" template="raw" asyncWriting="off") }}
"""


def numbers_in(path: Path) -> list[int]:
    return numbers(path.read_bytes().splitlines()) if path.exists() else []


def hook_numbers(server: WebServer) -> list[int]:
    return [int(event["uid"]) for request in server.accepted() for event in request.json()]


def topic_numbers(broker, topic: str) -> list[int]:
    return numbers(row["value"].encode() for row in broker.each(topic))


def fan_out(new_daemon, peers, broker, folder, away: float, rate: int) -> None:
    written, port = folder / "written.log", free_port()
    peers.rsyslog("target", TARGET.format(port=port, file=written))
    topic = broker.create(f"fan-out-{rate}", 2)
    server = WebServer().start()
    daemon = new_daemon(outputs={
        "rsyslog": syslog_output(port, framing="lf", format="raw"),
        "siem": {"type": "kafka", "brokers": [broker.address], "topic": topic, "format": "raw"},
        "hook": {"type": "webhook", "url": server.url, "timeout": "2s", "batch": 100},
        "events": file_output(folder / "events.jsonl")}).start()
    load = Load(port_of(daemon, "tcp"), rate // 10, 0.1)
    try:
        wait_until(lambda: server.count >= 3, "the hook to get events")
        server.stop()
        gone, worst = time.monotonic(), 0
        while time.monotonic() - gone < away:
            account = daemon.account()["outputs"]
            worst = max(worst, account["events"]["pending"], account["siem"]["pending"])
            time.sleep(0.2)
        behind = daemon.account()["outputs"]["hook"]["pending"]
        # Those beside it go on: what they have is what was sent, but for the last moments.
        sent = load.sent
        wait_until(lambda: len(numbers_in(written)) >= sent, lambda: f"{sent} lines at rsyslog", 10)
        assert behind >= away * rate / 2 and worst <= rate * 3, (behind, worst)
        server.start()
        wait_until(lambda: daemon.account()["outputs"]["hook"]["pending"] < behind / 2, "the hook to catch up", 60)
    finally:
        sent = load.end()
    daemon.wait_received("tcp", sent)
    account = daemon.wait_drained(seconds=60)
    wait_until(lambda: len(numbers_in(written)) >= sent, lambda: f"{sent} lines at rsyslog", 15)
    everything = list(range(sent))
    assert numbers_in(written) == everything
    assert numbers(raw_of(event) for event in daemon.events()) == everything
    assert sorted(topic_numbers(broker, topic)) == everything
    got = hook_numbers(server)
    again = len(got) - sent  # the post that was under way when the server went, at most
    assert sorted(set(got)) == everything and 0 <= again <= 100, again
    for name in ("rsyslog", "siem", "hook", "events"):
        row = account["outputs"][name]
        assert row["acknowledged"] == sent and row["filtered"] == account["outputs"]["events"]["filtered"], (name, row)
    assert daemon.stop() == 0
    server.stop()


def test_one_output_away_disturbs_no_other_and_catches_up(new_daemon, peers, broker, folder):
    fan_out(new_daemon, peers, broker, folder, away=4, rate=2000)


@pytest.mark.slow
def test_one_output_away_for_ten_minutes(new_daemon, peers, broker, folder):
    fan_out(new_daemon, peers, broker, folder, away=600, rate=1000)
