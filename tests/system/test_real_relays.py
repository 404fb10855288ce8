"""Real rsyslogd and syslog-ng in front of thorlogd and behind it: every line arrives once, with its bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daemon import file_output, port_of, raw_of, syslog_output
from lines import agent_line, json_line, thor_line
from net import Receiver, free_port, send_tcp
from wait import wait_until

OMFWD = """
module(load="imptcp")
input(type="imptcp" port="{source}" ruleset="forward")
ruleset(name="forward") {{
  action(type="omfwd" target="127.0.0.1" port="{target}" protocol="{protocol}" template="asis" {more})
}}
"""
TARGET = """
module(load="{module}")
input(type="{module}" port="{port}" ruleset="write" {more})
ruleset(name="write") {{ action(type="omfile" file="{file}" template="raw" asyncWriting="off") }}
"""


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


@pytest.mark.parametrize("protocol, more", [
    ("tcp", ""), ("tcp", 'TCP_Framing="octet-counted"'), ("udp", "")], ids=["lf", "octet", "udp"])
def test_takes_what_rsyslog_forwards(new_daemon, peers, protocol, more):
    daemon = new_daemon().start()
    source = free_port()
    peers.rsyslog("source", OMFWD.format(source=source, target=port_of(daemon, protocol), protocol=protocol, more=more))
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(1000)]
    for start in range(0, len(lines), 50):
        send_tcp(source, b"".join(line + b"\n" for line in lines[start:start + 50]))
    events = daemon.wait_events(len(lines))
    assert sorted(map(raw_of, events)) == sorted(lines)
    assert {event["asset"] for event in events} == {"srv01"}
    daemon.wait_drained()


@pytest.mark.parametrize("module, scheme, framing", [
    ("imtcp", "tcp", {"framing": "lf"}), ("imtcp", "tcp", {"framing": "octet"}), ("imudp", "udp", {})],
    ids=["imtcp-lf", "imtcp-octet", "imudp"])
def test_rsyslog_writes_what_thorlogd_forwards(new_daemon, peers, folder, module, scheme, framing):
    port, written = free_port(), folder / "written.log"
    more = 'rcvbufSize="4m"' if module == "imudp" else ""
    peers.rsyslog("target", TARGET.format(module=module, port=port, file=written, more=more))
    daemon = new_daemon(outputs={"out": syslog_output(port, scheme, format="raw", **framing)}).start()
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(300 if scheme == "udp" else 2000)]
    for start in range(0, len(lines), 50):
        send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[start:start + 50]))
    wait_until(lambda: len(lines_of(written)) >= len(lines), lambda: f"{len(lines_of(written))} lines written")
    assert lines_of(written) == lines
    daemon.wait_drained()


@pytest.mark.parametrize("format", ["rfc5424", "rfc3164"])
def test_rsyslog_understands_the_headers_thorlogd_writes(new_daemon, peers, folder, format):
    port, written = free_port(), folder / "written.log"
    template = 'template(name="parsed" type="string" string="%hostname%|%syslogfacility-text%|%syslogseverity-text%|' \
               '%structured-data%|%msg%\\n")\n'
    peers.rsyslog("target", template + TARGET.format(module="imtcp", port=port, file=written, more="").replace(
        '"raw"', '"parsed"'))
    daemon = new_daemon(outputs={"out": syslog_output(port, format=format, framing="octet")}).start()
    send_tcp(port_of(daemon, "tcp"), thor_line(5) + b"\n")
    wait_until(lambda: lines_of(written), "a line")
    host, facility, severity, data, text = lines_of(written)[0].decode().split("|", 4)
    assert host.lower().split(".")[0] == "srv01" and (facility, severity) == ("local7", "info")
    assert "Suspicious file found SCANID: S-abcdefghijk UID: 5" in text
    if format == "rfc5424":
        assert 'scan_id="S-abcdefghijk"' in data and 'asset="srv01"' in data


def test_rsyslog_stopped_and_started_again_misses_nothing(new_daemon, peers, folder):
    port, written = free_port(), folder / "written.log"
    target = peers.rsyslog("target", TARGET.format(module="imtcp", port=port, file=written, more=""))
    daemon = new_daemon(outputs={"out": syslog_output(port, format="raw", framing="lf")})
    daemon.config["outputs"]["events"] = file_output(daemon.folder / "events.jsonl")
    daemon.start()
    lines = [thor_line(number) for number in range(3000)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[:1000]))
    wait_until(lambda: len(lines_of(written)) >= 1000, "the first thousand")
    daemon.wait_drained()
    target.stop()
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[1000:2000]))
    assert len(daemon.wait_events(2000)) == 2000  # the file does not wait for rsyslog
    target.start()
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[2000:]))
    wait_until(lambda: set(lines_of(written)) >= set(lines), lambda: f"{len(set(lines_of(written)))} lines", 40)
    daemon.wait_drained(seconds=30)


def test_syslog_ng_in_front_and_behind(new_daemon, peers, folder):
    first, last, written = free_port(), free_port(), folder / "written.log"
    daemon = new_daemon(outputs={"out": syslog_output(last, format="raw", framing="lf")}).start()
    peers.syslog_ng("before", f"""
source s {{ network(ip("127.0.0.1") port({first}) transport("tcp") flags(no-parse) log-msg-size(65536)); }};
destination d {{ network("127.0.0.1" port({port_of(daemon, "tcp")}) transport("tcp") template("$MSG\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    peers.syslog_ng("behind", f"""
source s {{ network(ip("127.0.0.1") port({last}) transport("tcp") flags(no-parse) log-msg-size(65536)); }};
destination d {{ file("{written}" template("$MSG\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    lines = [thor_line(number, [0, 500, 30000][number % 3]) for number in range(600)]
    wait_until(lambda: _sent(first, lines), "syslog-ng to take them")
    wait_until(lambda: len(lines_of(written)) >= len(lines), lambda: f"{len(lines_of(written))} lines written", 30)
    assert lines_of(written) == lines
    daemon.wait_drained()


def _sent(port: int, lines: list[bytes]) -> bool:
    try:
        send_tcp(port, b"".join(line + b"\n" for line in lines))
    except ConnectionRefusedError:
        return False
    return True


RELAY_CUTS = """module(load="{module}")
input(type="{module}" port="{source}" ruleset="forward")
ruleset(name="forward") {{
  action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp" template="{template}" {more})
}}
"""
COPY = """
  action(type="omfwd" target="127.0.0.1" port="{copy}" protocol="tcp" template="{template}")
}}
"""
MADE_UP = re.compile(rb"<13>(?:[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d|\S+T\S+) (?:127\.0\.0\.1 )?(?: (?=[{\[]))?")


@pytest.mark.parametrize("template", ["asis", "RSYSLOG_TraditionalForwardFormat", "RSYSLOG_ForwardFormat"])
def test_a_mebibyte_of_json_through_rsyslog_with_its_default_limits(new_daemon, peers, template):
    """Debian's rsyslog cuts at 8096 bytes, and its imtcp loses one byte at each cut. A template that writes headers makes
    one up for each piece, out of its first words, and omfwd cuts off what is then too long: about 40 bytes of each
    piece. What arrives is as whole as that leaves it, is flagged, and disturbs no neighbour."""
    before, long_one, after = thor_line(1), json_line(2, 1 << 20), thor_line(3, host="srv02")
    events, sent = through_rsyslog(new_daemon, peers, "imtcp", template, before, long_one, after)
    assert len(events) == 3, [(event.get("flags"), len(event["raw"])) for event in events]
    event, raw = long_event(events), raw_of(long_event(events))
    pieces = sent[1:-1]
    assert event["parts"] == len(pieces) == pytest.approx((1 << 20) / 8096, abs=2)
    assert {"joined", "lossy_possible"} <= set(event["flags"])
    assert raw == pieces[0] + b"".join(MADE_UP.sub(b"", piece, count=1) if template != "asis" else piece
                                       for piece in pieces[1:])


def test_the_head_that_imptcp_repeats_becomes_one_event(new_daemon, peers):
    """Debian's imptcp sends the head once for each byte that is too much, and the tail never."""
    before, long_one, after = thor_line(1), json_line(2, 8096 + 300), thor_line(3, host="srv02")
    events, _ = through_rsyslog(new_daemon, peers, "imptcp", "asis", before, long_one, after)
    assert len(events) == 3, [(event.get("flags"), len(event["raw"])) for event in events]
    event = long_event(events)
    assert {"duplicate_head", "truncated"} <= set(event["flags"])
    assert raw_of(event) == long_one[:8096]
    assert events[0]["uid"] == "1"


def long_event(events: list[dict]) -> dict:
    return next(event for event in events if event.get("uid") not in ("1", "3"))


def through_rsyslog(new_daemon, peers, module: str, template: str, before: bytes, line: bytes, after: bytes):
    """Sends three lines through a relay. Gives all events, and what the relay sent; the first and the last line must be
    as they should."""
    daemon, source, copy = new_daemon().start(), free_port(), Receiver().start()
    rules = RELAY_CUTS.format(module=module, source=source, target=port_of(daemon, "tcp"), template=template, more="")
    peers.rsyslog("relay", rules.rstrip().removesuffix("}") + COPY.format(copy=copy.port, template=template))
    send_tcp(source, b"".join(each + b"\n" for each in (before, line, after)))
    wait_until(lambda: any(event.get("uid") == "3" for event in daemon.events()), "the last line", 30)
    daemon.wait_drained()
    events = daemon.events()
    for event in events:
        assert event["kind"] == "thor" and event["scan_id"] == "S-abcdefghijk"
        if event.get("uid") in ("1", "3"):
            assert event["asset"] == ("srv01" if event["uid"] == "1" else "srv02") and "flags" not in event
    wait_until(lambda: b"UID: 3" in copy.lines()[-1], "the last line at the copy")
    copy.stop()
    return events, copy.lines()


SIZES = [200, 2000, 9000, 70000, 1 << 20]


def chain(new_daemon, relay_port: int, max_length: int, format: str):
    """The two daemons around a relay: the first sends numbered parts, the last joins them. The first also sends each
    line whole to a target of the test's own: what the last one must have in the end."""
    unwatched = {"enabled": False}  # findings of their own would stand among the lines
    last = new_daemon("last", scans=unwatched)
    last.config["inputs"]["tcp"]["trust"] = "thorlogd"
    last.start()
    whole = Receiver().start()
    first = new_daemon("first", scans=unwatched, outputs={
        "relay": syslog_output(relay_port, format=format, framing="octet", max_length=max_length),
        "whole": syslog_output(whole.port, format=format, framing="octet")})
    return first, last, whole


def send_through(first, last, whole, same=bytes) -> None:
    """`same` leaves of a line what the relay does not write anew."""
    lines = [line for size in SIZES for line in (thor_line(size, size), json_line(size + 1, size + 700), agent_line(size))]
    send_tcp(port_of(first, "tcp"), b"".join(b"%d %s" % (len(line), line) for line in lines))
    wanted = whole.wait_frames(len(lines))
    if first.config["outputs"]["relay"]["format"] == "raw":
        assert wanted == lines
    wanted = sorted(map(same, wanted))
    events = last.wait_events(len(lines), seconds=60)
    got = sorted(same(raw_of(event)) for event in events)
    assert [len(raw) for raw in got] == [len(line) for line in wanted]
    assert got == wanted
    for event in events:
        assert not {"lossy_possible", "incomplete", "orphan", "ambiguous"} & set(event.get("flags", []))
    first.wait_drained(seconds=30)
    last.wait_drained()
    whole.stop()


@pytest.mark.parametrize("limit", [1, 2, 8])
@pytest.mark.parametrize("format", ["rfc5424", "raw"])
def test_parts_pass_an_rsyslog_that_cuts(new_daemon, peers, limit, format):
    relay = free_port()
    first, last, whole = chain(new_daemon, relay, limit * 1024 - 200, format)
    template = "RSYSLOG_SyslogProtocol23Format" if format == "rfc5424" else "asis"
    peers.rsyslog("relay", f'# global: maxMessageSize="{limit}k"\n' + RELAY_CUTS.format(
        module="imtcp", source=relay, target=port_of(last, "tcp"), template=template,
        more='TCP_Framing="octet-counted"'))
    first.start()
    send_through(first, last, whole)


def test_parts_pass_a_syslog_ng_that_cuts(new_daemon, peers):
    relay = free_port()
    first, last, whole = chain(new_daemon, relay, 8000, "rfc5424")
    peers.syslog_ng("relay", f"""
source s {{ syslog(ip("127.0.0.1") port({relay}) transport("tcp") log-msg-size(8192)); }};
destination d {{ syslog("127.0.0.1" port({port_of(last, "tcp")}) transport("tcp")); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    first.start()
    # It writes the header of each line it passes on, with another form of the time.
    send_through(first, last, whole, same=lambda line: line.partition(b"Z ")[2] or line.partition(b"+00:00 ")[2])
