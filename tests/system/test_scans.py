"""The scan watch of a real daemon: what is found, what people ask, and what survives a kill."""

from __future__ import annotations

import datetime
import json
import shutil
import socket
import time
from collections import Counter

import pytest

from daemon import Daemon, port_of, syslog_output
from fleet import FleetRun, KilledRun, told, without_recovered
from lines import stamp
from net import Receiver, connect, send_tcp
from wait import wait_until

# Short timers, in the order of the documented ones.
TIMERS = {"start_merge": "800ms", "interrupt_grace": "1s", "silence_suspect": "2s", "silence_lost": "4s",
          "resume_window": "30s"}


def line(host: str, scan: str, module: str, message: str, level: str = "Info") -> bytes:
    return (f"<190>{stamp()} {host}/10.1.2.3 THOR: {level}: MODULE: {module} MESSAGE: {message} SCANID: {scan}\n"
            ).encode()


def start(host: str, scan: str) -> bytes:
    return (line(host, scan, "Startup", "Thor Version: 10.8.0") + line(host, scan, "Startup", "Thor Scan started")
            + line(host, scan, "Startup", "Effective argument list: [--quick --path /srv]"))


def end(host: str, scan: str) -> bytes:
    return line(host, scan, "Report", "Thor Scan finished END_TIME: now")


def found(daemon: Daemon, type: str = "") -> list[dict]:
    """Detections that the output has, each key once."""
    events = {event["detection"]["key"]: event for event in daemon.events(own=True) if event["kind"] == "detection"}
    return [event for event in events.values() if type in ("", event["detection"]["type"])]


def wait_found(daemon: Daemon, type: str, count: int = 1, seconds: float = 15.0) -> list[dict]:
    wait_until(lambda: len(found(daemon, type)) >= count,
               lambda: f"{count} {type}, found {Counter(e['detection']['type'] for e in found(daemon))}", seconds)
    return found(daemon, type)


def wait_stored(daemon: Daemon, count: int) -> None:
    """So many lines of this life are in the journal: a kill can take none of them."""
    daemon.wait_account(lambda account: account["inputs"]["tcp"]["stored"] >= count, f"{count} stored")


def rows(daemon: Daemon, *command: str) -> list[dict]:
    return [json.loads(row) for row in daemon.ctl(*command, "--json").splitlines()]


def test_what_is_found_is_told_and_kept(new_daemon):
    daemon = new_daemon(scans=TIMERS).start()
    port = port_of(daemon, "tcp")
    with connect(port) as sender:
        sender.sendall(start("web01", "S-one") + line("web01", "S-one", "Filescan", "Suspicious file found", "Alert"))
        begun = time.time()
        sender.sendall(line("web01", "S-one", "RuntimeWatcher", "Maximum runtime has exceeded, killing THOR", "Error"))
        (aborted,) = wait_found(daemon, "scan_aborted", seconds=2.5)
        assert time.time() - begun < 2.5
        sender.sendall(start("web02", "S-two") + end("web02", "S-two") + start("web03", "S-three"))
        wait_found(daemon, "scan_finished")
        wait_found(daemon, "scan_suspect")
        wait_found(daemon, "scan_lost")
    detection = aborted["detection"]
    assert (aborted["kind"], aborted["input"], aborted["level"]) == ("detection", "internal", "alert")
    assert (aborted["asset"], aborted["scan_id"], aborted["message"]) == ("web01", "S-one", detection["summary"])
    assert (detection["cause"], detection["severity"]) == ("max_runtime", "critical")
    assert detection["arguments"] == "--quick --path /srv"
    assert "Maximum runtime" in detection["evidence"][0]["raw"]

    daemon.wait_drained()
    scans = {row["scan"]["scan_id"]: row["scan"] for row in rows(daemon, "scans")}
    assert {id: scan["state"] for id, scan in scans.items()} == {"S-one": "aborted", "S-two": "completed",
                                                                  "S-three": "lost"}
    assert scans["S-one"]["cause"] == "max_runtime" and scans["S-one"]["alerts"] == 1
    assert [row["scan"]["scan_id"] for row in rows(daemon, "scans", "--state", "lost", "--since", "7d")] == ["S-three"]
    assert rows(daemon, "scans", "--asset", "WEB02")[0]["scan"]["scan_id"] == "S-two"
    assert rows(daemon, "scans", "--scan", "S-none") == []
    assert {row["asset"]["asset"] for row in rows(daemon, "assets")} == {"web01", "web02", "web03"}
    wait_until(lambda: all("id" in event for event in rows(daemon, "detections")), "every detection has its place")
    listed = rows(daemon, "detections")
    assert {event["detection"]["key"] for event in listed} == {event["detection"]["key"] for event in found(daemon)}
    assert {event["id"] for event in listed} == {event["id"] for event in found(daemon)}
    assert [event["asset"] for event in rows(daemon, "detections", "--type", "scan_finished")] == ["web02"]

    page = daemon.ctl("scans", "--asset", "web01", "--scan", "S-one")
    for word in ("aborted (max_runtime)", "--quick --path /srv", "Filescan", "RuntimeWatcher", "RUN 1",
                 "killing THOR", detection["summary"]):
        assert word in page, page
    table = daemon.ctl("scans")
    assert "ASSET" in table and "S-three" in table and "\x1b" not in table
    # The watch shows its figures twice a second.
    metrics = wait_until(lambda: (seen := daemon.metrics())['detections_total{type="scan_lost"}'] == 1 and seen,
                         "the metrics to have the lost scan", 2)
    assert metrics['scans{state="lost"}'] == 1
    daemon.account()


def test_a_detection_can_be_acknowledged(new_daemon):
    daemon = new_daemon(scans=TIMERS).start()
    send_tcp(port_of(daemon, "tcp"), start("web01", "S-one"))
    (event,) = wait_found(daemon, "scan_started")
    path = f"/api/v1/detections/{event['id']}/acknowledge"
    wait_until(lambda: post(daemon, path)[0] == 200, "the store knows the event's place", 2)
    wait_until(lambda: "acknowledged" in rows(daemon, "detections")[0], "it is acknowledged")
    wait_until(lambda: any(row["kind"] == "audit" and "acknowledge" in row["raw"] for row in daemon.events(own=True)),
               "the audit record")
    assert post(daemon, "/api/v1/detections/0-1/acknowledge")[0] == 404
    status, _ = daemon.http("/api/v1/scans/web01/S-none")
    assert status == 404
    assert daemon.http("/api/v1/scans?state=lost&since=banana")[0] == 400


def post(daemon: Daemon, path: str) -> tuple[int, str]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.config["admin"]["socket"])
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                       .encode())
        answer = b""
        while data := client.recv(65536):
            answer += data
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


OWN_RULE = """
rules:
  - name: burst
    match: { kind: thor, level: ">=warning", message: { regex: 'Found (?P<tool>\\w+) in memory' } }
    count: 2
    within: 10m
    detection: { type: credential_theft, severity: critical, summary: "{count} findings of {tool} on {asset}" }
"""


def test_rules_and_timers_are_read_again(new_daemon, folder):
    rules = folder / "rules.d"
    rules.mkdir()
    daemon = new_daemon(scans={**TIMERS, "silence_suspect": "30m", "silence_lost": "6h", "rules": str(rules)}).start()
    with connect(port_of(daemon, "tcp")) as sender:
        sender.sendall(start("web01", "S-one"))
        wait_found(daemon, "scan_started")
        (rules / "10-own.yaml").write_text("rules:\n  - type: [broken\n")
        daemon.write_config()
        assert daemon.ctl("reload", ok=(1,)) == ""
        assert "10-own.yaml" in daemon.log()
        (rules / "10-own.yaml").write_text(OWN_RULE)
        daemon.config["scans"].update(TIMERS)
        daemon.reload()
        for tool in ("mimikatz", "lsadump"):
            sender.sendall(line("web01", "S-one", "ProcessCheck", f"Found {tool} in memory", "Alert"))
        (own,) = wait_found(daemon, "credential_theft")
        assert own["detection"]["summary"] == "2 findings of lsadump on web01"
        assert (own["detection"]["severity"], own["level"]) == ("critical", "alert")
        wait_found(daemon, "scan_lost")
    assert [row["detection"]["key"] for row in rows(daemon, "detections", "--type", "credential_theft")] == [
        own["detection"]["key"]]


@pytest.mark.parametrize("fault", ["", "outbox_commit:2:crash", "outbox_append:1:crash", "outbox_append:2:crash",
                                   "outbox_mark:1:crash"])
def test_killed_while_it_finds(new_daemon, fault):
    """Each finding is in the journal once, whatever was going on when the daemon died."""
    daemon = new_daemon(scans=TIMERS).start(environment={"THORLOG_FAULT": fault} if fault else None)
    port, scans = port_of(daemon, "tcp"), 300
    hosts = [(f"web{n:03}", f"S-{n:03}") for n in range(scans)]
    send_tcp(port, b"".join(start(*host) for host in hosts))
    if fault:
        daemon.wait(30)
        daemon.kills += 1
    else:
        wait_stored(daemon, 3 * scans)
        daemon.kill()  # many a detection is on its way into the journal
    daemon.start()
    send_tcp(port, b"".join(end(*host) for host in hosts))
    wait_stored(daemon, scans)
    daemon.kill()
    daemon.start()
    wait_found(daemon, "scan_finished", scans)
    wait_found(daemon, "scan_started", scans)
    daemon.wait_drained()
    ids: dict[str, set] = {}
    for event in daemon.events(own=True):
        if event["kind"] == "detection":
            ids.setdefault(event["detection"]["key"], set()).add(event["id"])
    assert len(ids) == 2 * scans
    assert [places for places in ids.values() if len(places) != 1] == []  # an output may repeat an event, never a finding
    assert Counter(row["scan"]["state"] for row in rows(daemon, "scans")) == {"completed": scans}
    assert sum(row["scan"]["lines"] for row in rows(daemon, "scans")) == 4 * scans


def test_our_own_deafness_is_no_silence(new_daemon):
    daemon = new_daemon(scans=TIMERS).start()
    port, scans = port_of(daemon, "tcp"), 500
    hosts = [(f"web{n:03}", f"S-{n:03}") for n in range(scans)]
    scans_speak = b"".join(line(*host, "Filescan", "Scanning /srv") for host in hosts)

    def nobody_is_missed():
        assert found(daemon, "scan_suspect") == [] and found(daemon, "scan_lost") == []

    send_tcp(port, b"".join(start(*host) for host in hosts))
    wait_found(daemon, "scan_started", scans)
    daemon.kill()
    pause(7)  # longer than silence_suspect and silence_lost together, and nobody listened
    daemon.start()
    pause(1)
    send_tcp(port, scans_speak)
    wait_stored(daemon, scans)
    nobody_is_missed()
    # All of them come by one relay. While it says nothing at all, nothing is known of any scan.
    wait_until(lambda: daemon.status()["scans"]["dark_peers"] == 1, "the relay is dark")
    pause(7)
    nobody_is_missed()
    send_tcp(port, scans_speak)
    wait_until(lambda: daemon.status()["scans"]["dark_peers"] == 0, "the relay speaks")
    # And now the relay lives, and the scans are silent in truth.
    with connect(port) as relay:
        def lost() -> bool:
            relay.sendall(f"<13>{stamp()} relay01 cron[1]: still here\n".encode())
            return len(found(daemon, "scan_lost")) == scans
        wait_until(lost, lambda: f"{scans} lost, got {len(found(daemon, 'scan_lost'))}", 30, pause=0.2)
    daemon.wait_drained()
    events = [event for event in daemon.events(own=True) if event["kind"] == "detection"]
    for type in ("scan_suspect", "scan_lost"):
        assert len({event["id"] for event in events if event["detection"]["type"] == type}) == scans


def pause(seconds: float) -> None:
    """Time that must pass because the test is about its passing."""
    time.sleep(seconds)


@pytest.mark.slow
def test_a_full_journal_is_no_silence(new_daemon):
    """An output that holds on to everything fills a small journal; the scans' lines wait outside."""
    receiver = Receiver()
    daemon = new_daemon(scans=TIMERS, journal={"segment": "1MiB", "max_size": "8MiB"})
    daemon.config["outputs"]["stuck"] = syslog_output(receiver.port)
    daemon.start()
    port, scans = port_of(daemon, "tcp"), 200
    hosts = [(f"web{n:03}", f"S-{n:03}") for n in range(scans)]
    send_tcp(port, b"".join(start(*host) for host in hosts))
    wait_found(daemon, "scan_started", scans)
    with connect(port) as sender:
        sender.settimeout(1)
        filler = b"".join(line(*host, "Filescan", "Scanning " + "x" * 400) for host in hosts)
        try:
            while True:
                sender.sendall(filler)
        except TimeoutError:
            pass
        wait_until(lambda: daemon.status()["journal"]["state"] == "full", "the journal is full")
        pause(8)
        assert found(daemon, "scan_suspect") == [] and found(daemon, "scan_lost") == []
        receiver.start()
        # The output tries again in its own time, which has grown.
        wait_until(lambda: daemon.status()["journal"]["state"] != "full", "there is room again", seconds=60)
    try:
        send_tcp(port, b"".join(end(*host) for host in hosts))
        wait_found(daemon, "scan_finished", scans, seconds=30)
        assert found(daemon, "scan_suspect") == [] and found(daemon, "scan_lost") == []
    finally:
        daemon.finish()
        receiver.stop()


# -- the fleet --

def keys_of(run: FleetRun) -> dict[str, set]:
    """Each finding and the events that tell of it."""
    places: dict[str, set] = {}
    for event in run.detections():
        places.setdefault(event["detection"]["key"], set()).add(event["id"])
    return places


FAULTS = ("missed", "false", "early", "late", "wrong_cause", "wrong_fields")
UNHEARD = 6  # seconds: around each kill a little passes that is neither waited for by the senders nor heard


def judge_killed(run: KilledRun) -> None:
    """Kills put silences off as far as the rule says. They never repeat a finding, make or lose one, and lose no line."""
    assert [key for key, ids in keys_of(run).items() if len(ids) > 1] == []
    without_recovered(run.events)
    run.truth_of_kills()
    report = run.check("--allow-duplicates", "--slack", UNHEARD)
    lines = report["lines"]
    wrong = {what: lines[what] for what in ("missing", "fragments", "invented", "malformed", "wrong_tags") if lines[what]}
    # What a relay mixed needs what was learnt of its stream, which goes with the daemon: two lines may then be one.
    mixed = sum(count for cut, count in lines["faults_by_cut"].items() if "interleaved" in cut)
    if lines["damaged"] > 2 * mixed or sum(lines["wrong_flags"].values()) > mixed:
        wrong["damaged"] = lines["damaged"], lines["wrong_flags"]
    for type, row in report["detections"]["types"].items():
        faults = {what: row[what] for what in FAULTS if row[what]}
        if faults:
            wrong[type] = faults
    assert wrong == {}, told(report)
    assert report["detections"]["malformed"] == 0


def judge_again(run: KilledRun, stopped: float) -> None:
    """A watch that starts from nothing finds in the same journal exactly what was found while the daemon was killed. It
    goes on listening meanwhile: of an asset whose silence was due no earlier than at the stop it tells as well."""
    keys = set(keys_of(run))
    silent = json.loads((run.folder / "manifest.json").read_text())["timers"]["silent"]
    begun = json.loads((run.folder / "played.json").read_text())["started_ns"] / 1e9
    shutil.rmtree(run.folder / "state" / "scans")
    run.start()
    status = wait_until(lambda: (row := run.daemon.status()["scans"])["behind"] == 0 and row, "it has read all")
    assert status["untracked"] == 0
    counted = wait_until(lambda: (count := sum(value for name, value in run.daemon.metrics().items()
                                               if name.startswith("detections_total"))) >= len(keys) and count,
                         "it has counted them")
    listed = {event["detection"]["key"]: event["detection"]
              for event in rows(run.daemon, "detections", "--limit", "100000")}
    assert keys - set(listed) == set()
    for key in set(listed) - keys:
        assert listed[key]["type"] == "asset_silent", listed[key]
        last = datetime.datetime.fromisoformat(listed[key]["last_seen"][:26].rstrip("Z") + "+00:00").timestamp()
        away = sum(seconds for at, seconds in run.away if begun + at + run.wait_of(at) > last)
        assert last + silent + away > stopped - UNHEARD / 2, listed[key]
    assert counted <= len(listed)


@pytest.mark.slow
@pytest.mark.fleet
def test_twenty_kills_in_the_middle_of_full(shared, folder):
    run = KilledRun(shared, folder, "full", 7, "--time-scale", 1.5)
    run.generate_for_now()
    try:
        run.start()
        run.play_killing(20, (20.0, 100.0))
        stopped = time.time()
        assert run.daemon.stop() == 0
        judge_again(run, stopped)
    finally:
        run.daemon.finish()
    judge_killed(run)


@pytest.mark.slow
@pytest.mark.fleet
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_same_findings_by_any_number_of_workers(shared, folder, workers):
    run = FleetRun(shared, folder, "detection", 5, "--time-scale", 1.5)
    run.daemon.workers = workers
    try:
        run.start()
        run.play()
    finally:
        run.daemon.finish()
    without_recovered(run.events)
    report = run.check()
    assert report["ok"], told(report)
