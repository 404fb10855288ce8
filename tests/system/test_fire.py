"""Outputs that are dead, slow or refusing; full journals; dead letters, replays, reloads under load, the life of a line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

from crash import Feeder
from daemon import file_output, port_of, syslog_output
from disks import mount
from lines import numbers, thor_line
from load import send_lines
from net import connect, free_port, send_some, send_tcp
from wait import SLOWNESS, wait_until


class Hole:
    """A TCP target that accepts and reads nothing, or a few bytes a second."""

    def __init__(self, bytes_a_second: int = 0):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.rate, self.ending = bytes_a_second, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        self.listener.settimeout(0.1)
        connections = []
        while not self.ending:
            try:
                connections.append(self.listener.accept()[0])
            except TimeoutError:
                pass
            for connection in connections if self.rate else ():
                connection.settimeout(0.01)
                try:
                    connection.recv(self.rate // 10)
                except OSError:
                    pass
        for connection in connections:
            connection.close()
        self.listener.close()

    def end(self) -> None:
        self.ending = True
        self.thread.join()


def resident_kib(daemon) -> int:
    text = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


# ---- isolation

def test_dead_slow_and_refusing_outputs_hold_nobody_else_up(new_daemon):
    hole, slow = Hole(), Hole(1000)
    count = 30_000
    try:
        lines = b"".join(thor_line(i, 300) + b"\n" for i in range(count))
        memory = {}
        for name in ("alone", "beside"):
            bad = {} if name == "alone" else {
                "stopped": syslog_output(free_port()), "hung": syslog_output(hole.port), "slow": syslog_output(slow.port),
                "refusing": {"type": "webhook", "url": f"http://127.0.0.1:{free_port()}/"}}
            daemon = new_daemon(name)
            daemon.config["outputs"] = {"events": daemon.config["outputs"]["events"], **bad}
            daemon.start()
            send_tcp(port_of(daemon, "tcp"), lines)
            daemon.wait_drained("events", seconds=60)
            memory[name] = resident_kib(daemon)
            account = daemon.account()
            for output in bad:
                assert account["outputs"][output]["pending"] > count / 2, account
            assert len(daemon.events()) == count
            if bad:
                wait_until(lambda: daemon.status_of("stopped")["state"] == "retrying", "the stopped one is retrying")
        assert memory["beside"] - memory["alone"] < 16 * 1024, memory
    finally:
        hole.end()
        slow.end()


def cpu_of_others(daemon, bad) -> int:
    """Nanoseconds of all threads but those of the outputs in `bad`."""
    total = 0
    for task in Path(f"/proc/{daemon.process.pid}/task").iterdir():
        if (task / "comm").read_text().strip() not in {f"out {name}"[:15] for name in bad}:
            total += int((task / "schedstat").read_text().split()[0])
    return total


@pytest.mark.slow
def test_dead_slow_and_refusing_outputs_cost_the_others_less_than_a_twentieth(new_daemon):
    """By CPU time, which other tasks on the machine change less than the clock."""
    hole, slow = Hole(), Hole(1000)
    lines = b"".join(thor_line(i, 300) + b"\n" for i in range(100_000))
    bad = {"stopped": syslog_output(free_port()), "hung": syslog_output(hole.port), "slow": syslog_output(slow.port),
           "refusing": {"type": "webhook", "url": f"http://127.0.0.1:{free_port()}/"}}
    costs: dict[str, list[int]] = {"alone": [], "beside": []}
    try:
        for number in range(7):
            for name in ("alone", "beside") if number % 2 else ("beside", "alone"):
                daemon = new_daemon(f"{name}{number}", scans={"enabled": False})
                daemon.config["outputs"] = {"events": daemon.config["outputs"]["events"], **(bad if name == "beside" else {})}
                daemon.start()
                before = cpu_of_others(daemon, bad)
                send_tcp(port_of(daemon, "tcp"), lines)
                wait_until(lambda: daemon.http("/api/v1/account")[0] == 200 and json.loads(
                    daemon.http("/api/v1/account")[1])["outputs"]["events"]["acknowledged"] >= 100_000, "all sent", 60, 0.05)
                costs[name].append(cpu_of_others(daemon, bad) - before)
                daemon.kill()
    finally:
        hole.end()
        slow.end()
    ratio = sorted(costs["beside"])[3] / sorted(costs["alone"])[3]
    print(json.dumps({"ns_a_line_alone": sorted(costs["alone"])[3] // 100_000, "ratio": round(ratio, 3)}))
    assert ratio < 1.05


def test_a_full_journal_drops_exactly_what_it_says_and_names_who_pins_it(new_daemon):
    hole = Hole()
    size = 20_000
    try:
        daemon = new_daemon(journal={"segment": "64KiB", "max_size": "1MiB", "retain": "1s"})
        daemon.config["outputs"]["lossy"] = syslog_output(free_port(), on_full="drop_oldest", format="raw")
        daemon.start()
        send_lines(daemon, 0, 400, size)
        daemon.wait_account(lambda account: account["outputs"]["lossy"]["dropped"].get("full", 0) > 100, "drops", 30)
        assert len(daemon.wait_events(400)) == 400, "the other output has every line"
        account = daemon.account()
        lossy = account["outputs"]["lossy"]
        assert lossy["pending"] + lossy["dropped"]["full"] + lossy["filtered"] == lossy["stored"], account
        # Now one that blocks: inputs wait, it is named, and records of our own still find room.
        daemon.config["outputs"]["lossy"]["on_full"] = "block"
        daemon.reload()
        sender = connect(port_of(daemon, "tcp"))

        def push() -> bool:
            send_some(sender, thor_line(0, size) + b"\n")
            problems = daemon.status()["problems"]
            return any("'lossy' holds it up" in problem for problem in problems)

        wait_until(push, "status names the output", 60, pause=0.001)
        before = len(daemon.events(own=True))
        daemon.ctl("reload")  # leaves an audit record
        wait_until(lambda: len(daemon.events(own=True)) > before, "the audit record is stored although it is full")
        daemon.check_laws = True
        sender.close()
        daemon.config["outputs"]["lossy"]["on_full"] = "drop_oldest"
        daemon.reload()
        daemon.wait_drained("events", seconds=30)
    finally:
        hole.end()


# ---- dead letters

def test_a_line_that_fits_no_datagram_is_kept_shown_retried_and_dropped(new_daemon):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    daemon = new_daemon()
    daemon.config["outputs"]["udp"] = syslog_output(receiver.getsockname()[1], "udp", format="raw")
    daemon.start()
    long = [thor_line(i, 65_600) for i in (1, 2)]
    send_tcp(port_of(daemon, "tcp"), thor_line(0) + b"\n" + b"\n".join(long) + b"\n" + thor_line(3) + b"\n")
    account = daemon.wait_drained()
    assert account["outputs"]["udp"]["dropped"] == {"parked": 2}
    assert daemon.status_of("udp")["dead_letters"] == 2
    letters = [json.loads(line) for line in daemon.ctl("dead-letter", "list", "--json").splitlines()]
    assert [letter["reason"] for letter in letters] == ["oversize", "oversize"]
    event = next(event for event in daemon.events() if event["id"] == letters[0]["id"])
    assert event["raw"].encode() == long[0]
    assert letters[0]["id"] in daemon.ctl("dead-letter", "list")

    daemon.kill()  # they are on the disk
    daemon.config["outputs"]["udp"] = syslog_output(receiver.getsockname()[1], "udp", format="raw", max_length=2000)
    daemon.start()
    assert len(daemon.ctl("dead-letter", "list", "--json").splitlines()) == 2
    daemon.ctl("dead-letter", "retry", "--output", "udp", letters[0]["id"])
    wait_until(lambda: daemon.status_of("udp")["dead_letters"] == 1, "the retried one leaves as numbered parts")
    daemon.ctl("dead-letter", "drop", "--output", "udp", "--all")
    assert daemon.status_of("udp")["dead_letters"] == 0
    assert "no dead letter" in daemon_error(daemon, "dead-letter", "drop", "--output", "udp", letters[0]["id"])
    assert "there is no output" in daemon_error(daemon, "dead-letter", "list", "--output", "nobody")
    audits = [row["raw"] for row in daemon.events(own=True) if row["kind"] == "audit"]
    wait_until(lambda: any("dead-letter drop" in row["raw"] for row in daemon.events(own=True) if row["kind"] == "audit"),
               f"operating calls leave audit records: {audits}")
    receiver.close()


def test_full_dead_letters_hold_the_output_and_say_so(new_daemon):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    daemon = new_daemon(dead_letters={"max_size": "100KiB"})
    daemon.config["outputs"]["udp"] = syslog_output(receiver.getsockname()[1], "udp", format="raw")
    daemon.start()
    send_tcp(port_of(daemon, "tcp"), thor_line(1, 65_600) + b"\n" + thor_line(2, 65_600) + b"\n" + thor_line(3) + b"\n")
    wait_until(lambda: daemon.status_of("udp")["state"] == "holding", "the second one finds no room")
    problems = daemon.status(ok=(1,))["problems"]
    assert any("dead_letters.max_size" in problem and "thorlogctl dead-letter" in problem for problem in problems), problems
    daemon.wait_drained("events")
    daemon.ctl("dead-letter", "drop", "--output", "udp", "--all")
    account = daemon.wait_drained("udp")
    assert account["outputs"]["udp"]["dropped"] == {"parked": 2}
    receiver.close()


def daemon_error(daemon, *arguments: str) -> str:
    import subprocess

    from daemon import program
    done = subprocess.run([program("thorlogctl"), *arguments, "--config", str(daemon.config_path)], capture_output=True,
                          text=True, timeout=30 * SLOWNESS)
    assert done.returncode == 1, done.stdout
    return done.stderr


# ---- replay, explain

def test_stored_lines_are_replayed_to_one_output_and_flagged(new_daemon):
    daemon = new_daemon()
    daemon.config["outputs"]["second"] = file_output(daemon.folder / "second.jsonl")
    daemon.start()
    lines = [thor_line(i, scan="S-aaaaaaaaaaa" if i % 2 else "S-bbbbbbbbbbb") for i in range(200)]
    send_tcp(port_of(daemon, "tcp"), b"\n".join(lines) + b"\n")
    daemon.wait_drained()
    daemon.ctl("replay", "--output", "second", "--since", "1h", "--scan", "S-aaaaaaaaaaa")
    wait_until(lambda: daemon.status_of("second").get("replay", {}).get("state") == "done", "the replay is done")
    replay = daemon.status_of("second")["replay"]
    assert (replay["acknowledged"], replay["refused"], replay["progress"]) == (100, 0, 1)
    events = daemon.events("second")
    replayed = [event for event in events if "replayed" in event.get("flags", [])]
    assert numbers([event["raw"].encode() for event in replayed]) == list(range(1, 200, 2))
    assert len(events) == 300 and len(daemon.events()) == 200
    assert "since" in daemon_error(daemon, "replay", "--output", "second")


def test_explain_tells_the_life_of_a_line(new_daemon):
    daemon = new_daemon()
    daemon.config["outputs"]["away"] = syslog_output(free_port())
    daemon.config["outputs"]["picky"] = file_output(daemon.folder / "picky.jsonl", match=[{"kind": ["detection"]}])
    daemon.start()
    send_tcp(port_of(daemon, "tcp"), thor_line(7) + b"\n")
    event = daemon.wait_events(1)[0]
    daemon.wait_drained("events", "picky")
    life = json.loads(daemon.ctl("explain", event["id"], "--json"))
    assert life["event"]["raw"] == event["raw"] and life["seq"] == event["seq"] and life["peer"] == event["peer"]
    assert life["tags"]["module"] == "Filescan" and life["tags"]["asset"] == "srv01"
    states = {row["output"]: row["state"] for row in life["outputs"]}
    assert states == {"events": "acknowledged", "away": "pending", "picky": "filtered"}
    acknowledged = next(row for row in life["outputs"] if row["output"] == "events")
    assert life["received"] <= acknowledged["not_after"]
    text = daemon.ctl("explain", event["id"])
    assert "Filescan" in text and "pending" in text and "none was needed" in text
    assert "there is no event" in daemon_error(daemon, "explain", "0-1")
    assert "PARTITION-OFFSET" in daemon_error(daemon, "explain", "nonsense")


# ---- reload

def test_a_hundred_reloads_under_load_lose_and_double_nothing(new_daemon):
    daemon = new_daemon(journal={"segment": "256KiB", "max_size": "4MiB", "retain": "1s"})
    daemon.config["outputs"]["tap"] = file_output(daemon.folder / "tap.jsonl", match=[{"kind": ["detection"]}])
    daemon.start()
    feeders = [Feeder(port_of(daemon, "tcp"), name, long_every=11) for name in (1, 2, 3)]
    for feeder in feeders:
        feeder.start()
    tap = dict(daemon.config["outputs"]["tap"])
    for number in range(100):
        outputs = daemon.config["outputs"]
        if number % 4 == 0:
            outputs["tap"] = {**tap, "match": [{"kind": ["thor"], "level": ">=alert"}]}
        elif number % 4 == 1:
            outputs[f"extra{number}"] = file_output(daemon.folder / "extra.jsonl", start="now")
        elif number % 4 == 2:
            outputs.pop(f"extra{number - 1}")
        else:
            outputs["tap"] = tap
            daemon.config["identity"] = {"short_hostname": number % 8 != 3}
        daemon.reload()
        daemon.account()  # the laws hold at any instant
        assert all(feeder.is_alive() for feeder in feeders), "a connection was dropped"
    for feeder in feeders:
        feeder.ending = True
    for feeder in feeders:
        feeder.join(30 * SLOWNESS)
    total = sum(feeder.sent for feeder in feeders)
    daemon.wait_received("tcp", total, seconds=60)
    daemon.wait_drained(seconds=60)
    by_host: dict[str, list[int]] = {}
    for event in daemon.events():
        by_host.setdefault(event["host"], []).append(numbers([event["raw"].encode()])[0])
    assert by_host == {f"c{feeder.name_number}": list(range(feeder.sent)) for feeder in feeders}
    archived = list((daemon.folder / "state" / "cursors").glob("extra*.removed"))
    assert len(archived) == 25
    assert daemon.log().count("removed: ") == 25


# ---- a segment that somebody deletes or damages

def test_a_segment_deleted_or_damaged_under_the_daemon_is_counted_and_the_rest_goes_on(new_daemon):
    target = free_port()
    daemon = new_daemon(journal={"segment": "64KiB", "max_size": "16MiB"})
    daemon.config["outputs"]["late"] = syslog_output(target, format="raw", framing="lf")
    daemon.start()
    count = 400
    send_lines(daemon, 0, count, 5000)
    daemon.wait_drained("events")
    daemon.stop()
    daemon.start()  # what is behind is not in memory any more
    segments = sorted((daemon.folder / "state" / "journal" / "p00").glob("*.seg"))
    assert len(segments) > 10
    segments[2].unlink()
    with segments[5].open("r+b") as file:
        file.seek(20_000)
        file.write(b"\xff" * 3000)
    listener = socket.create_server(("127.0.0.1", target))
    got = bytearray()

    def read():
        connection = listener.accept()[0]
        while data := connection.recv(1 << 20):
            got.extend(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    account = daemon.wait_drained("late", seconds=60)
    damaged = account["outputs"]["late"]["dropped"]["damaged"]
    kept = numbers([line for line in bytes(got).split(b"\n") if b"UID: " in line])
    assert kept == sorted(set(kept)) and len(kept) + damaged == count, (len(kept), damaged)
    assert 10 < damaged < 40
    assert daemon.metrics()['journal_damaged_total{partition="0"}'] == damaged
    assert "damaged" in daemon.log()
    # Stored lines keep coming.
    send_tcp(port_of(daemon, "tcp"), thor_line(count) + b"\n")
    daemon.wait_drained("events", "late", seconds=30)
    daemon.stop()
    reader.join(10)
    listener.close()


# ---- disks that are full or read-only

def test_a_full_disk_is_said_waited_for_and_noticed_when_it_has_room_again(new_daemon, small_disk):
    disk = small_disk(6)
    daemon = new_daemon(state_directory=str(disk / "state"), journal={"segment": "256KiB", "max_size": "100MiB"})
    daemon.start()
    ballast = disk / "ballast"
    sender = connect(port_of(daemon, "tcp"))
    data = b"".join(thor_line(i, 1000) + b"\n" for i in range(8000))
    pusher = threading.Thread(target=sender.sendall, args=(data,), daemon=True)
    free = shutil.disk_usage(disk).free
    ballast.write_bytes(b"x" * max(0, free - (1 << 20)))
    pusher.start()
    wait_until(lambda: "full" in daemon.status()["journal"]["state"],
               "the journal says that it is full", 30)
    daemon.account()
    ballast.unlink()
    # The file output has taken what is stored, so that acknowledged segments make room as well.
    daemon.wait_received("tcp", 8000, seconds=60)
    daemon.wait_drained(seconds=60)
    assert numbers([event["raw"].encode() for event in daemon.events()]) == list(range(8000))
    assert "there is room again" in daemon.log()
    pusher.join()
    sender.close()
    daemon.stop()


def test_a_file_system_that_becomes_read_only_stops_storing_and_nothing_else(new_daemon, small_disk):
    """New files are refused (EROFS); what is open goes on, as with a mount that an administrator made read-only."""
    disk = small_disk(64)
    daemon = new_daemon(state_directory=str(disk / "state"), journal={"segment": "256KiB", "max_size": "40MiB"})
    daemon.start()
    sender = connect(port_of(daemon, "tcp"))
    lines = [thor_line(i, 1000) + b"\n" for i in range(8000)]
    sender.sendall(b"".join(lines[:1000]))
    daemon.wait_received("tcp", 1000)
    mount("--bind", disk, disk)
    mount("-o", "remount,bind,ro", disk)
    assert send_some(sender, b"".join(lines[1000:])) > 0
    journal = wait_until(lambda: (found := daemon.status()["journal"])["state"]
                         == "failed" and found, lambda: f"the journal says so: {daemon.log()[-500:]}", 30)
    assert "Read-only file system" in daemon.log(), journal
    account = daemon.account()
    assert account["outputs"]["events"]["pending"] == 0, "what is stored goes out all the same"
    stored = account["inputs"]["tcp"]["stored"]
    assert numbers([event["raw"].encode() for event in daemon.events()]) == list(range(stored))
    assert daemon.http("/healthz")[0] == 503
    sender.close()
    daemon.stop()
    mount("-o", "remount,bind,rw", disk)
    daemon.start()
    send_tcp(port_of(daemon, "tcp"), lines[0])
    daemon.wait_received("tcp", 1)
    daemon.wait_drained()
    assert len(daemon.events()) == stored + 1
    daemon.stop()


def test_after_one_disk_error_the_journal_goes_on_in_a_new_file(new_daemon):
    daemon = new_daemon(journal={"segment": "256KiB", "max_size": "64MiB", "durability": "disk"})
    daemon.start(environment={"THORLOG_FAULT": "sync:12:eio"})
    sent = 0

    def went_on() -> bool:
        nonlocal sent
        send_lines(daemon, sent, 50)
        sent += 50
        return sent >= 1000 and "goes on in a new one" in daemon.log()

    wait_until(went_on, "the journal goes on in a new file", 30)  # a slow disk has fewer syncs for the same lines
    daemon.wait_received("tcp", sent)
    daemon.wait_drained()
    assert numbers([event["raw"].encode() for event in daemon.events()]) == list(range(sent))
    assert daemon.http("/healthz")[0] == 200
    ids = {event["id"]: event["raw"] for event in daemon.events()}
    daemon.kill()
    daemon.config["outputs"]["again"] = file_output(daemon.folder / "again.jsonl", start="oldest")
    daemon.start()
    daemon.wait_drained()
    again = daemon.events("again")
    assert numbers([event["raw"].encode() for event in again]) == list(range(sent))
    for event in again:
        assert ids.get(event["id"], event["raw"]) == event["raw"], "an id names two lines"


def test_a_second_disk_error_within_a_minute_stops_storing_and_nothing_else(new_daemon):
    daemon = new_daemon(journal={"segment": "256KiB", "max_size": "64MiB", "durability": "disk"})
    daemon.check_laws = False
    daemon.start(environment={"THORLOG_FAULT": "sync:12:eio,batch_write:40:eio"})
    sender = connect(port_of(daemon, "tcp"))
    sent = 0

    def failed() -> bool:
        nonlocal sent
        sender.sendall(thor_line(sent) + b"\n")
        sent += 1
        return daemon.http("/healthz")[0] == 503

    wait_until(failed, "health is red", 30)
    assert "second time within a minute" in daemon.log()
    status = daemon.status(ok=(1,))
    assert status["journal"]["state"] == "failed"
    account = daemon.wait_account(lambda seen: seen["outputs"]["events"]["pending"] == 0, "what is stored drains")
    stored = account["inputs"]["tcp"]["stored"]
    assert numbers([event["raw"].encode() for event in daemon.events()]) == list(range(stored))
    sender.close()
    daemon.kill()
    daemon.config["outputs"]["events"]["path"] = str(daemon.folder / "more.jsonl")
    daemon.start()
    send_tcp(port_of(daemon, "tcp"), thor_line(sent) + b"\n")
    daemon.wait_drained()
    assert numbers([event["raw"].encode() for event in daemon.events()])[-1] == sent


# ---- the disk's speed

@pytest.mark.slow
def test_durability_disk_reaches_most_of_what_the_disk_can(new_daemon):
    mebibytes, ours, bare = 256, [], []
    portion = b"".join(thor_line(i, 4000) + b"\n" for i in range(8 * 262))
    lines = portion.count(b"\n")
    for number in range(3):
        daemon = new_daemon(f"round{number}", journal={"max_size": "4GiB", "durability": "disk"}, outputs={})
        daemon.start()
        with connect(port_of(daemon, "tcp")) as sender:
            begun = time.monotonic()
            for _ in range(mebibytes // 8):
                sender.sendall(portion)
            daemon.wait_received("tcp", lines * (mebibytes // 8), seconds=300)
            wait_until(lambda: daemon.account()["inputs"]["tcp"]["held"] == 0, "all stored", 60)
            ours.append(mebibytes / (time.monotonic() - begun))
        daemon.stop()
        begun = time.monotonic()
        block = os.urandom(1 << 20)
        with (daemon.folder / "bare").open("wb", buffering=0) as file:
            for _ in range(mebibytes):
                file.write(block)
                os.fdatasync(file.fileno())
        bare.append(mebibytes / (time.monotonic() - begun))
        (daemon.folder / "bare").unlink()
    ratio = sorted(a / b for a, b in zip(ours, bare))[1]
    print(json.dumps({"mib_a_second": [round(x) for x in ours], "bare_write_and_fdatasync": [round(x) for x in bare],
                      "ratio": round(ratio, 2)}))
    assert ratio >= 0.8


# ---- far behind

@pytest.mark.slow
def test_ten_gibibytes_behind_take_little_memory_and_little_time_to_recover(new_daemon):
    gibibytes = 10
    target = free_port()
    daemon = new_daemon(journal={"segment": "64MiB", "max_size": "12GiB"})
    if shutil.disk_usage(daemon.folder).free < (gibibytes + 3) << 30:
        pytest.skip(f"SKIPPED: {gibibytes + 3} GiB of disk are needed")
    daemon.config["outputs"] = {"late": syslog_output(target, format="raw", framing="octet")}
    daemon.start()
    portion = b"".join(thor_line(i, 4000) + b"\n" for i in range(8000))
    stop = threading.Event()
    most = 0

    def watch():
        nonlocal most
        while not stop.wait(0.2):
            most = max(most, resident_kib(daemon))

    watcher = threading.Thread(target=watch, daemon=True)
    with connect(port_of(daemon, "tcp")) as sender:
        sender.settimeout(600)
        sender.sendall(portion)
        daemon.wait_received("tcp", 8000)
        watcher.start()
        for _ in range((gibibytes << 30) // len(portion)):
            sender.sendall(portion)
    status = daemon.status()
    behind = status["journal"]["bytes"]
    stop.set()
    watcher.join()
    daemon.kill()
    begun = time.monotonic()
    daemon.start()
    recovery = time.monotonic() - begun
    first = resident_kib(daemon)

    listener = socket.create_server(("127.0.0.1", target))

    def drain():
        connection = listener.accept()[0]
        buffer = bytearray(1 << 20)
        while connection.recv_into(buffer):
            pass

    threading.Thread(target=drain, daemon=True).start()
    stop.clear()
    catching_up = 0
    until = time.monotonic() + 20
    while time.monotonic() < until:
        catching_up = max(catching_up, resident_kib(daemon))
        time.sleep(0.1)
    late = daemon.status_of("late")
    print(json.dumps({"journal_bytes": behind, "recovery_seconds": round(recovery, 2), "rss_mib_while_behind": most >> 10,
                      "rss_mib_after_start": first >> 10, "rss_mib_catching_up": catching_up >> 10,
                      "records_a_second": late["settled_per_second"], "seconds_to_go": late["seconds_to_go"]}))
    daemon.kill()
    assert behind >= (gibibytes << 30) * 0.95
    assert recovery < 3 * SLOWNESS
    assert max(most, first, catching_up) < 64 << 10
