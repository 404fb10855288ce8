"""The Kafka output and input against a real broker: TLS and SASL, refusals, faults, an edge and a watcher."""

from __future__ import annotations

import collections
import signal
import time

import pytest

from disks import fill
from kafka import secure_settings
from lines import numbers, thor_line
from net import free_port, send_tcp
from daemon import port_of
from wait import wait_until

HOSTS = [f"srv{number:02}" for number in range(7)]


def kafka_output(broker, topic: str, **more) -> dict:
    return {"type": "kafka", "brokers": [broker.address], "topic": topic, **more}


def kafka_input(broker, topic: str, **more) -> dict:
    return {"type": "kafka", "brokers": [broker.address], "topic": topic, "trust": "thorlogd", **more}


def send(daemon, begin: int, end: int, size: int = 0) -> None:
    lines = [thor_line(number, size=size, host=HOSTS[number % len(HOSTS)]) for number in range(begin, end)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))


def wait_state(daemon, state: str) -> dict:
    wait_until(lambda: daemon.status_of("siem")["state"] == state, lambda: f"to be {state}: {daemon.status_of('siem')}", 30,
               pause=0.2)
    return daemon.status_of("siem")


def lines_in(broker, topic: str) -> list[dict]:
    return [row for row in broker.read(topic) if "UID:" in row["value"]]


def expect_each_once(rows: list[dict], begin: int, end: int) -> None:
    """Each line once, and those of a key in order."""
    count = collections.Counter(numbers(row["value"].encode() for row in rows))
    assert count == collections.Counter(range(begin, end)), (
        f"missing {[n for n in range(begin, end) if n not in count][:5]}, "
        f"more than once {[n for n, times in count.items() if times > 1][:5]}")
    expect_order_by_key(rows)


def expect_order_by_key(rows: list[dict]) -> None:
    last: dict[str, int] = {}
    for row, number in zip(rows, numbers(row["value"].encode() for row in rows)):
        assert number > last.get(row["key"], -1), row
        last[row["key"]] = number


def only_lines(output: dict) -> dict:
    return {**output, "match": [{"kind": ["thor"]}]}


# ---- output


def test_delivers_over_tls_and_sasl_with_key_headers_and_time(new_daemon, broker):
    topic = broker.create("secure", 3)
    output = kafka_output(broker, topic, settings=secure_settings(broker))
    output["brokers"] = [broker.secure_address]
    daemon = new_daemon(outputs={"siem": only_lines(output)}).start()
    send(daemon, 0, 100)
    refused = wait_state(daemon, "holding")
    assert "authorization failed" in refused["last_error"].lower(), refused
    assert daemon.account()["outputs"]["siem"]["acknowledged"] == 0
    assert daemon.metrics()['output_state{output="siem",state="holding"}'] == 1
    from kafka import tool, USER
    tool(broker.address, "allow", USER, topic)
    daemon.wait_drained(seconds=40)
    send(daemon, 100, 5_000)
    daemon.wait_drained(seconds=40)
    rows = lines_in(broker, topic)
    expect_each_once(rows, 0, 5_000)
    row = rows[0]
    assert row["key"] in HOSTS and row["headers"]["asset"] == row["key"]
    assert row["headers"]["thorlog-event"] == "1" and row["headers"]["scan_id"] == "S-abcdefghijk"
    assert row["headers"]["level"] == "notice" and row["headers"]["module"] == "Filescan"
    assert len({(row["headers"]["journal_id"], row["headers"]["id"]) for row in rows}) == 5_000
    metrics = wait_until(lambda: (row := daemon.metrics()) and [value for name, value in row.items() if name.startswith(
        'output_broker_up{output="siem"')] == [1.0] and row, "the client's statistics to say that its broker is up")
    assert metrics['output_in_flight_records{output="siem"}'] <= 16384


def test_a_wrong_password_is_held_and_said(new_daemon, broker):
    topic = broker.create("password", 1)
    settings = {**secure_settings(broker), "sasl.password": "wrong"}
    output = {**kafka_output(broker, topic, settings=settings), "brokers": [broker.secure_address]}
    daemon = new_daemon(outputs={"siem": output}).start()
    send(daemon, 0, 10)
    said = wait_state(daemon, "holding")
    assert "uthentication" in said["last_error"], said
    assert "wrong" not in daemon.log()


def test_a_missing_topic_holds_until_it_is_there(new_daemon, broker):
    daemon = new_daemon(outputs={"siem": only_lines(kafka_output(broker, "later"))}).start()
    send(daemon, 0, 2_000)
    said = wait_state(daemon, "holding")
    assert "nknown topic" in said["last_error"], said
    broker.create("later", 2)
    daemon.wait_drained(seconds=40)
    expect_each_once(lines_in(broker, "later"), 0, 2_000)


def test_a_record_too_large_for_the_topic_is_parked_and_the_rest_flows(new_daemon, broker):
    topic = broker.create("small", 1, 1, "max.message.bytes=20000")
    daemon = new_daemon(outputs={"siem": only_lines(kafka_output(broker, topic))}).start()
    send(daemon, 0, 500)
    send(daemon, 500, 501, size=60_000)
    send(daemon, 501, 1_000)
    account = daemon.wait_drained(seconds=40)
    assert account["outputs"]["siem"]["dropped"]["parked"] == 1
    rows = lines_in(broker, topic)
    assert sorted(numbers(row["value"].encode() for row in rows)) == [n for n in range(1_000) if n != 500]
    expect_order_by_key(rows)


def test_a_broker_that_is_stopped_and_killed_costs_nothing(new_daemon, broker):
    topic = broker.create("faults", 3)
    daemon = new_daemon(outputs={"siem": only_lines(kafka_output(broker, topic))}).start()
    send(daemon, 0, 3_000)
    daemon.wait_drained()
    broker.process.send_signal(signal.SIGSTOP)  # it hangs: accepts, and answers nothing
    send(daemon, 3_000, 9_000)
    wait_until(lambda: daemon.status_of("siem")["pending"] > 5_000, "lines to wait")
    broker.kill()
    said = wait_state(daemon, "retrying")
    assert said["last_error"]
    send(daemon, 9_000, 12_000)
    broker.start()
    daemon.wait_drained(seconds=60)
    expect_each_once(lines_in(broker, topic), 0, 12_000)
    wait_state(daemon, "idle")


@pytest.mark.slow
def test_a_broker_that_is_stopped_for_a_minute_is_caught_up_with(new_daemon, broker):
    topic = broker.create("minute", 3)
    daemon = new_daemon(outputs={"siem": only_lines(kafka_output(broker, topic))}).start()
    send(daemon, 0, 1_000)
    daemon.wait_drained()
    broker.stop()
    end = time.monotonic() + 60
    sent = 1_000
    most = 0
    while time.monotonic() < end:
        send(daemon, sent, sent + 2_000)
        sent += 2_000
        most = max(most, int(daemon.metrics()['output_in_flight_records{output="siem"}']))
        time.sleep(0.5)
    assert wait_state(daemon, "retrying")["last_error"] and most <= 16384
    broker.start()
    daemon.wait_drained(seconds=120)
    expect_each_once(lines_in(broker, topic), 0, sent)


def test_a_brokers_full_log_folder_costs_nothing(new_daemon, small_disk):
    from kafka import Broker, fetch
    fetch()
    disk = small_disk(100)
    broker = Broker(disk / "broker").prepare().start()
    try:
        topic = broker.create("full", 1)
        daemon = new_daemon(outputs={"siem": only_lines(kafka_output(broker, topic))}).start()
        send(daemon, 0, 1_000)
        daemon.wait_drained()
        fill(disk / "filler")
        send(daemon, 1_000, 5_000)
        wait_until(lambda: daemon.status_of("siem")["state"] not in ("idle", "streaming"), "the broker to fail", 60, 0.2)
        assert daemon.status_of("siem")["pending"] > 0
        assert daemon.account()["outputs"]["siem"]["dropped"] == {}
        broker.stop()
        (disk / "filler").unlink()
        broker.start()
        daemon.wait_drained(seconds=60)
        expect_each_once(lines_in(broker, topic), 0, 5_000)
        daemon.finish()
    finally:
        broker.stop()


@pytest.mark.slow
def test_a_leader_that_moves_between_three_brokers_loses_nothing(new_daemon, folder):
    from kafka import Broker, fetch, tool
    fetch()
    voters = {number: free_port() for number in (1, 2, 3)}
    brokers = {number: Broker(folder / f"broker{number}", number, voters).prepare() for number in voters}
    try:
        for broker in brokers.values():
            broker.start(wait=False)
        brokers[1].wait_ready(3)
        topic = brokers[1].create("moving", 3, 3, "min.insync.replicas=2")
        output = {**kafka_output(brokers[1], topic), "brokers": [broker.address for broker in brokers.values()]}
        daemon = new_daemon(outputs={"siem": only_lines(output)}).start()
        send(daemon, 0, 3_000)
        daemon.wait_drained(seconds=60)
        leader = int(tool(brokers[1].address, "leader", topic, 0))
        brokers[leader].kill()
        send(daemon, 3_000, 9_000)
        daemon.wait_drained(seconds=120)
        other = next(broker for number, broker in brokers.items() if number != leader)
        brokers[leader].start()
        other.wait_ready(3)
        second = int(tool(other.address, "leader", topic, 1))
        send(daemon, 9_000, 12_000)
        brokers[second].stop()
        daemon.wait_drained(seconds=120)
        alive = next(broker for broker in brokers.values() if broker.running())
        expect_each_once(lines_in(alive, topic), 0, 12_000)
        daemon.finish()
    finally:
        for broker in brokers.values():
            broker.stop()


# ---- input


def test_an_edge_and_a_watcher_keep_ids_stamps_and_tags_over_a_crash(new_daemon, broker):
    topic = broker.create("edge", 4)
    edge = new_daemon("edge", outputs={"siem": kafka_output(broker, topic, match=[{"kind": ["thor"]}])},
                      scans={"enabled": False},
                      identity={"group_prefixes": {"S-": "incident-2026"}}).start()
    watcher = new_daemon("watcher", inputs={"topic": kafka_input(broker, topic, partitions=[0, 1, 2, 3])}).start()
    send(edge, 0, 3_000)
    edge.wait_drained()
    watcher.wait_events(3_000, seconds=40)
    watcher.kill()
    send(edge, 3_000, 6_000)
    watcher.start()
    watcher.wait_events(4_000, seconds=40)
    watcher.kill()
    watcher.start()
    watcher.wait_events(6_000, seconds=40)
    edge.wait_drained()
    rows = [row for row in watcher.events() if row["kind"] == "thor"]
    produced = {(row["headers"]["journal_id"], row["headers"]["id"]): row for row in broker.read(topic)}
    assert len(produced) == 6_000
    # A crash may make the file output repeat lines; the journal holds each once.
    assert {(row["journal_id"], row["id"]) for row in rows} == set(produced)
    assert len({row["seq"] for row in rows}) == 6_000, "the journal took a record twice"
    for row in rows[::97]:
        sent = produced[row["journal_id"], row["id"]]
        assert row["received"] == sent["headers"]["received"] and row["raw"] == sent["value"]
        assert row["group_id"] == "incident-2026" and row["peer"] == sent["headers"]["peer"]
    account = watcher.account()
    assert account["inputs"]["topic"]["held"] == 0
    from kafka import tool
    ends = {partition: count for partition, count in
            collections.Counter(row["partition"] for row in broker.read(topic)).items()}
    wait_until(lambda: [int(line) for line in tool(broker.address, "committed", "thorlogd", topic).split()]
               == [ends.get(partition, -1001) for partition in range(4)], "everything to be committed", 20, pause=0.3)


def test_all_partitions_and_foreign_records_are_frames(new_daemon, broker):
    topic = broker.create("foreign", 2)
    daemon = new_daemon(inputs={"topic": kafka_input(broker, topic)}).start()
    lines = [thor_line(number, host=HOSTS[number % 7]).decode() for number in range(300)]
    broker.write(topic, [f"key{number}\t{line}" for number, line in enumerate(lines)])
    rows = daemon.wait_events(300, seconds=40)
    assert sorted(row["raw"] for row in rows) == sorted(lines)
    assert {row["kind"] for row in rows} == {"thor"}
    assert {row["peer"] for row in rows} == {f"kafka:{topic}/0", f"kafka:{topic}/1"}
    assert len({row["journal_id"] for row in rows}) == 1
    daemon.stop()
    daemon.start()
    broker.write(topic, [f"key{number}\t{line}" for number, line in enumerate(lines[:50])])
    assert len(daemon.wait_events(350, seconds=40)) == 350


def test_a_headers_claim_counts_only_with_trust(new_daemon, broker):
    topic = broker.create("claims", 1)
    edge = new_daemon("edge", outputs={"siem": only_lines(kafka_output(broker, topic))}).start()
    send(edge, 0, 10)
    edge.wait_drained()
    daemon = new_daemon("other", inputs={"topic": kafka_input(broker, topic, trust="none")}).start()
    rows = daemon.wait_events(10, seconds=30)
    produced = broker.read(topic)
    assert {row["journal_id"] for row in rows}.isdisjoint({row["headers"]["journal_id"] for row in produced})
    assert sorted(row["raw"] for row in rows) == sorted(row["value"] for row in produced)
