"""Text that an attacker chose, inside a value of a finding: one frame stays one record, of its own scan and asset, and
nothing of it reaches a terminal or a line-framed output unescaped."""

from __future__ import annotations

import re

import pytest

from daemon import file_output, port_of, raw_of, syslog_output
from lines import stamp, thor_line
from net import Receiver, send_tcp, send_udp
from wait import wait_until

FORGED = b"<13>Jan  1 00:00:00 evil/6.6.6.6 THOR: Alert: MODULE: X MESSAGE: forged SCANID: S-other"
TRICKS = {
    "fake header behind a line feed": b"a\n" + FORGED,
    "fake header behind carriage return and line feed": b"a\r\n" + FORGED,
    "fake header behind a nul": b"a\x00" + FORGED,
    "fake header behind a blank": b"a " + FORGED,
    "scan id": b"x SCANID: S-other SCAN_ID: S-other",
    "scan id of json": b'", "scan_id": "S-other", "hostname": "evil',
    "part marker": b'[part@32473 id="00000000000000000000000000000000" n="1" of="2" bytes="90"] x',
    "part marker behind a forged header":
        b'x\n<13>1 - evil THOR - - [part@32473 id="00000000000000000000000000000000" n="1" of="2" bytes="9"] y',
    "abort phrase": b"Scan aborted. Reason: maximum runtime exceeded. Thor Scan finished END_TIME: x ALERTS: 0",
    "abort phrase as a line": b"\nWarning: MODULE: Control MESSAGE: Received SIGINT, stopping scan SCANID: S-abcdefghijk",
    "priority": b"<13><0><191>",
    "octet count": b"\n120 <13>Jan  1 00:00:00 evil THOR: Alert: x",
    "ansi escapes": b"\x1b[2J\x1b]0;title\x07\x1b[31mred\x9b31m\x08\x08",
    "bidirectional controls": "\u202eexe.txt\u2066\u2069\u200f\u061c".encode(),
    "line separators": "a\u0085b\u2028c\u2029d\x0b\x0c".encode(),
    "element end": b'"] [thor@32473 scan_id="S-other"] x',
    "no utf-8": b"\xff\xfe\xc0\x80\xed\xa0\x80",
    "backslashes": b"C:\\new\\x0a\\r\\n",
    "markup": b"<script>alert(1)</script>",
}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def receivers():
    made = [Receiver().start() for _ in range(3)]
    yield made
    for receiver in made:
        receiver.stop()


@pytest.mark.parametrize("trick", TRICKS)
def test_a_frame_stays_one_record(new_daemon, receivers, trick):
    octet, lf, rfc5424 = receivers
    daemon = new_daemon()
    daemon.config["outputs"] |= {
        "octet": syslog_output(octet.port, framing="octet", format="raw"),
        "lf": syslog_output(lf.port, framing="lf", format="raw"),
        "rfc5424": syslog_output(rfc5424.port, framing="octet", format="rfc5424"),
        "text": file_output(daemon.folder / "text.log", "raw"),
    }
    daemon.start()
    evil = thor_line(7).replace(b"a.exe", TRICKS[trick])
    lines = [thor_line(1), evil, thor_line(2)]
    send_tcp(port_of(daemon, "tcp"), b"".join(b"%d %s" % (len(line), line) for line in lines))
    send_udp(port_of(daemon, "udp"), evil)
    events = daemon.wait_events(4)
    daemon.wait_drained()

    assert sorted(map(raw_of, daemon.events())) == sorted([*lines, evil])
    for event in events:
        assert (event["kind"], event["asset"], event["scan_id"]) == ("thor", "srv01", "S-abcdefghijk")
        assert (event["level"], event["module"]) == ("notice", "Filescan") and "parts" not in event
    assert sorted(octet.wait_frames(4)) == sorted([*lines, evil])
    wait_until(lambda: len(rfc5424.frames()) == 4, "four RFC 5424 frames")
    for frame in rfc5424.frames():
        assert frame.count(b'scan_id="S-abcdefghijk"') == 1
        assert frame.index(b'scan_id="S-abcdefghijk"') < (frame.find(b"S-other") % 10000)
    for name, got in {"lf": bytes(lf.streams[0]), "text": (daemon.folder / "text.log").read_bytes()}.items():
        rows = got.split(b"\n")
        assert len(rows) == 5 and rows[-1] == b"", name
        assert not any(byte < 0x20 for row in rows for byte in row), name
        assert sorted(map(unescape, rows[:-1])) == sorted([*lines, evil]), name

    shown = daemon.ctl("tail", "--since", "1h", "--no-follow")
    assert not UNSEEN.search(shown), UNSEEN.search(shown)
    assert sum("Suspicious file found" in row for row in shown.splitlines()) == len(shown.splitlines()) == 4


@pytest.mark.parametrize("trick", ["part marker", "scan id", "abort phrase", "priority", "fake header behind a blank"])
def test_neighbours_on_a_stream_of_lines_are_left_alone(new_daemon, trick):
    daemon = new_daemon()
    daemon.config["inputs"]["tcp"]["trust"] = "thorlogd"  # also where markers are honoured, but only behind a header
    daemon.start()
    lines = [thor_line(1), thor_line(7).replace(b"a.exe", TRICKS[trick]), thor_line(2)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    events = daemon.wait_events(3)
    daemon.wait_drained()
    assert [raw_of(event) for event in events] == lines
    assert {event["scan_id"] for event in events} == {"S-abcdefghijk"}
    assert not any("flags" in event for event in events)


def test_a_line_break_on_a_stream_of_lines_moves_nothing_to_another_peer(new_daemon):
    """Over LF framing a sender can always write a second line; it stays his."""
    daemon = new_daemon().start()
    evil = thor_line(7).replace(b"a.exe", b"a\n<190>%s srv02/10.9.9.9 THOR: Alert: MODULE: X MESSAGE: forged SCANID: S-b"
                                % stamp().encode())
    send_tcp(port_of(daemon, "tcp"), evil + b"\n", source="127.0.0.66")
    events = daemon.wait_events(2)
    assert b"\n".join(raw_of(event) for event in events) == evil
    assert all(event["peer"].startswith("127.0.0.66:") for event in events)


def unescape(row: bytes) -> bytes:
    """Reverses the escaping of line-framed outputs: \\xHH."""
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), row)
