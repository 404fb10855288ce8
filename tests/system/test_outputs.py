"""Each output has its own cursor: one that stands still holds up nobody, and misses nothing."""

from __future__ import annotations

import gzip
import socket
import threading

import pytest

from daemon import file_output, port_of, raw_of, syslog_output
from lines import json_line, numbers, thor_line
from load import send_lines
from net import Receiver, free_port, send_tcp, send_udp
from wait import wait_until


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.stop()


@pytest.mark.parametrize("framing", ["lf", "octet"])
def test_raw_lines_leave_as_they_came(new_daemon, receiver, framing):
    receiver.start()
    daemon = new_daemon(outputs={"out": syslog_output(receiver.port, framing=framing, format="raw")}).start()
    lines = send_lines(daemon, 0, 500)
    got = receiver.wait_lines(500) if framing == "lf" else receiver.wait_frames(500)
    assert got == lines
    daemon.wait_drained()


def test_raw_lines_leave_over_udp(new_daemon):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        target.settimeout(15)
        daemon = new_daemon(outputs={"out": syslog_output(target.getsockname()[1], "udp", format="raw")}).start()
        lines = send_lines(daemon, 0, 50)
        assert [target.recv(65536) for _ in lines] == lines
        daemon.wait_drained()


def test_rfc5424_says_what_was_found_out_about_a_line(new_daemon, receiver):
    receiver.start()
    daemon = new_daemon(outputs={"out": syslog_output(receiver.port, framing="octet", format="rfc5424")}).start()
    send_lines(daemon, 7, 1)
    frame = receiver.wait_frames(1)[0]
    assert frame.startswith(b"<190>1 20"), frame
    element = frame[frame.index(b"[thor@32473 "):frame.index(b"]")]
    for pair in (b'scan_id="S-abcdefghijk"', b'asset="srv01"', b'level="notice"', b'module="Filescan"', b'score="65"'):
        assert pair in element, frame
    assert b"MODULE: Filescan MESSAGE: Suspicious file found" in frame


def test_a_stopped_output_holds_up_no_other_and_catches_up(new_daemon, receiver):
    other = Receiver().start()
    daemon = new_daemon(outputs={"down": syslog_output(receiver.port, framing="lf", format="raw"),
                                 "up": syslog_output(other.port, framing="octet", format="raw"),
                                 "events": file_output("")})
    daemon.config["outputs"]["events"]["path"] = str(daemon.folder / "events.jsonl")
    daemon.start()
    lines = send_lines(daemon, 0, 3000)
    assert other.wait_frames(3000) == lines
    assert len(daemon.wait_events(3000)) == 3000
    account = daemon.account()
    assert account["outputs"]["down"]["pending"] == account["outputs"]["down"]["stored"] >= 3000
    receiver.start()
    lines += send_lines(daemon, 3000, 1000)
    assert receiver.wait_lines(4000, 30) == lines
    daemon.wait_drained(seconds=30)
    other.stop()


def test_a_restarted_target_misses_nothing(new_daemon, receiver):
    """Plain TCP may lose or repeat what was under way when the target died, and nothing else: what is missing at the
    target was in flight, and is counted as possibly lost or sent again."""
    receiver.start()
    daemon = new_daemon(outputs={"out": syslog_output(receiver.port, framing="lf", format="raw")}).start()
    send_lines(daemon, 0, 1000)
    receiver.wait_lines(1000)
    daemon.wait_drained()  # acknowledged, and older than the window: from here on everything is new
    receiver.stop()
    send_lines(daemon, 1000, 1000)
    receiver.start()
    send_lines(daemon, 2000, 1000)
    wait_until(lambda: set(numbers(whole(receiver))) == set(range(3000)), "every number", 40)
    daemon.wait_drained(seconds=30)


def whole(receiver: Receiver) -> list[bytes]:
    """Lines that are complete: a stopped stream may end inside one."""
    return [line for line in receiver.lines() if line.endswith(b"END: yes")]


def test_a_match_list_chooses(new_daemon, receiver):
    daemon = new_daemon()
    paths = {}
    for name, match in {
        "alerts": [{"level": ">=warning"}],
        "quiet": [{"kind": ["thor"], "not": {"level": ">=warning"}}],
        "text": [{"message": {"regex": "^Malware"}}, {"raw": {"regex": "beacon"}}],
        "one_host": [{"host": ["srv02"]}],
    }.items():
        paths[name] = daemon.folder / f"{name}.jsonl"
        daemon.config["outputs"][name] = file_output(paths[name], match=match)
    daemon.start()
    lines = [thor_line(1, level="Info"), thor_line(2, level="Warning"), thor_line(3, level="Alert", host="srv02"),
             thor_line(4).replace(b"Suspicious", b"Malware"), thor_line(5).replace(b"a.exe", b"beacon.exe")]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    account = daemon.wait_drained()
    uids = {name: sorted(event["uid"] for event in daemon.events(name)) for name in paths}
    assert uids == {"alerts": ["2", "3"], "quiet": ["1", "4", "5"], "text": ["4", "5"], "one_host": ["3"]}
    row = account["outputs"]["one_host"]
    assert (row["acknowledged"], row["filtered"]) == (1, row["stored"] - 1)


def test_files_rotate_by_size_and_lose_nothing(new_daemon):
    daemon = new_daemon()
    folder = daemon.folder / "out"
    folder.mkdir()
    daemon.config["outputs"] = {"log": file_output(folder / "all.log", "raw",
                                                   rotate={"size": "256KiB", "keep": 100, "compress": "gzip"})}
    daemon.start()
    lines = send_lines(daemon, 0, 3000, 1000)
    daemon.wait_drained()
    assert daemon.stop() == 0
    found: list[bytes] = []
    for path in folder.iterdir():
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert len(content) <= (256 << 10) + 70000
        found += content.splitlines()
    assert len(list(folder.iterdir())) > 5
    assert numbers(sorted(found, key=lambda raw: numbers([raw])[0])) == list(range(3000))
    assert len(found) == len(lines)


def test_a_path_may_name_the_asset_and_the_day(new_daemon):
    daemon = new_daemon()
    daemon.config["outputs"] = {"log": file_output(daemon.folder / "{asset}" / "{date}.log", "raw")}
    daemon.start()
    hosts = ["srv01", "SRV02.example.org", "../../../etc", "..", "a/b", "x" * 200, "-", "nul\x01"]
    send_udp(port_of(daemon, "udp"), *[thor_line(number, host=host) for number, host in enumerate(hosts)])
    daemon.wait_received("udp", len(hosts))
    daemon.wait_drained()
    files = [path.relative_to(daemon.folder) for path in daemon.folder.rglob("*.log") if path != daemon.log_path]
    assert all(len(path.parts) == 2 and len(path.parts[0]) <= 90 for path in files), files
    assert {"srv01", "srv02"} <= {path.parts[0] for path in files}
    assert sorted(numbers(line for path in files for line in (daemon.folder / path).read_bytes().splitlines())) == \
        list(range(len(hosts)))


def test_a_target_that_reads_nothing_holds_up_nobody(new_daemon):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", free_port()))
        silent.listen(1)
        daemon = new_daemon()
        daemon.config["outputs"]["stuck"] = syslog_output(silent.getsockname()[1], framing="lf", format="raw")
        daemon.start()
        taken = []
        threading.Thread(target=lambda: taken.append(silent.accept()), daemon=True).start()
        send_lines(daemon, 0, 20000, 1000)
        assert len(daemon.wait_events(20000, seconds=30)) == 20000
        assert daemon.account()["outputs"]["stuck"]["pending"] > 0
        assert daemon.stop() == 0
        for connection, _ in taken:
            connection.close()


def test_two_daemons_that_send_to_each_other_stop_at_eight_hops(new_daemon):
    """Each trusts the other, so the hop count is believed: a line that went round four times is parked and no more."""
    first, second = new_daemon("first"), new_daemon("second")
    for daemon, other in ((first, second), (second, first)):
        daemon.config["inputs"]["tcp"]["trust"] = "thorlogd"
        daemon.config["outputs"]["other"] = syslog_output(port_of(other, "tcp"), framing="octet", format="rfc5424",
                                                          match=[{"kind": ["thor"]}])
    first.start(), second.start()
    send_lines(first, 0, 3)

    def parked(daemon) -> int:
        return daemon.account()["outputs"]["other"]["dropped"].get("parked", 0)

    wait_until(lambda: parked(first) == 3, "three lines among the dead letters", 40)
    for daemon in (first, second):
        daemon.wait_drained(seconds=30)
    assert parked(second) == 0
    assert second.account()["outputs"]["other"]["acknowledged"] == 3 * 4
    assert first.account()["outputs"]["other"]["acknowledged"] == 3 * 4


def test_lines_too_long_for_a_target_are_kept_whole_and_announced(new_daemon, receiver):
    """As for an Analysis Cockpit, which loses events above 64 KB."""
    receiver.start()
    daemon = new_daemon()
    daemon.config["outputs"]["cockpit"] = syslog_output(receiver.port, framing="lf", format="raw", max_event="64KiB")
    daemon.start()
    lines = [thor_line(0), thor_line(1, 65000), thor_line(2, 70000), json_line(3, 200_000), thor_line(4)]
    send_tcp(port_of(daemon, "tcp"), b"".join(b"%d %s" % (len(line), line) for line in lines))
    got = receiver.wait_lines(5)
    account = daemon.wait_drained(seconds=30)["outputs"]["cockpit"]
    assert got[0] == lines[0] and got[1] == lines[1] and got[4] == lines[4]
    for line, whole in ((got[2], lines[2]), (got[3], lines[3])):
        assert len(line) <= 65536 and b" SHORTENED_FROM: %d DEAD_LETTER: 0-" % len(whole) in line
        assert b"S-abcdefghijk" in line
    assert got[3].startswith(b"THOR: Warning: MODULE: Filescan MESSAGE: Suspicious file found SCANID: S-abcdefghijk")
    assert account["acknowledged"] == 3 and account["dropped"]["parked"] == 2
    letters = list((daemon.folder / "state" / "dead-letters" / "cockpit").iterdir())
    assert len(letters) == 2 and all(any(line in letter.read_bytes() for letter in letters) for line in lines[2:4])
    assert [raw_of(event) for event in daemon.events()] == lines  # other outputs have it whole
