"""What comes in over UDP and TCP is stored, byte for byte, whatever sent it."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from daemon import port_of, raw_of
from lines import agent_line, thor_line
from load import send_lines
from net import connect, free_port, send_some, send_tcp, send_udp, wait_closed
from peers import loggen
from wait import wait_until

LOOPBACK = {"v4": "127.0.0.1", "v6": "::1"}


def listening_on(family: str, kind: str) -> dict:
    address = f"[::1]:{free_port()}" if family == "v6" else f"127.0.0.1:{free_port()}"
    return {"in": {"type": kind, "listen": address}}


@pytest.mark.parametrize("family", LOOPBACK)
@pytest.mark.parametrize("kind, options", [("udp", ["--udp"]), ("tcp", ["--tcp"]), ("tcp", ["--tcp", "--octet-count"])])
def test_takes_what_logger_sends(new_daemon, family, kind, options):
    daemon = new_daemon(inputs=listening_on(family, kind)).start()
    text = "Warning: MODULE: Filescan MESSAGE: Suspicious file found SCANID: S-abcdefghijk FILE: /tmp/a SCORE: 65"
    for number in range(5):
        subprocess.run(["logger", *options, "--rfc3164", "--server", LOOPBACK[family], "--port",
                        str(port_of(daemon, "in")), "--tag", "THOR", "--priority", "local7.info",
                        f"{text} UID: {number}"], check=True, timeout=20)
    events = daemon.wait_events(5)
    assert [event["message"] for event in events] == ["Suspicious file found"] * 5
    assert sorted(event["uid"] for event in events) == list("01234")
    for event in events:
        assert (event["kind"], event["level"], event["module"]) == ("thor", "warning", "Filescan")
        assert (event["scan_id"], event["score"], event["facility"], event["severity"]) == \
            ("S-abcdefghijk", 65, "local7", "info")
        assert event["raw"].startswith("<190>") and event["raw"].endswith(event["uid"])
        assert event["peer"].startswith("127.0.0.1:" if family == "v4" else "[::1]:")
        assert event["input"] == "in"


@pytest.mark.parametrize("family", LOOPBACK)
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_takes_what_loggen_sends(new_daemon, family, kind):
    daemon = new_daemon(inputs=listening_on(family, kind)).start()
    how = ["--stream"] if kind == "tcp" else ["--dgram"]
    how += ["--ipv6"] if family == "v6" else []
    connections = 4 if kind == "tcp" else 1
    loggen("--inet", *how, "--rate", "5000", "--size", "300", "--number", "2000", "--active-connections",
           str(connections), "--quiet", LOOPBACK[family], str(port_of(daemon, "in")))
    events = daemon.wait_events(2000 * connections)
    assert len(events) == 2000 * connections
    assert all(len(raw_of(event)) == 299 for event in events)


def test_a_line_over_tcp_comes_out_as_it_went_in(daemon):
    lines = [thor_line(number, size) for number, size in enumerate([0, 300, 1000, 7000, 20000, 300000])]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    assert [raw_of(event) for event in daemon.wait_events(len(lines))] == lines
    # Not on the same connection: behind a THOR line a line without a header is taken for the rest of it.
    odd = [b"no header at all", b"<0>", b"x", agent_line(1), "<14>Jan  1 00:00:00 h p: Gr\u00fc\u00dfe".encode()]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in odd))
    assert [raw_of(event) for event in daemon.wait_events(len(lines) + len(odd))] == lines + odd
    assert len(daemon.wait_drained()["inputs"]) == 2


def test_line_ends_and_octet_counts_are_told_apart(daemon):
    counted = [thor_line(number) + b"\nwith a line end" * (number % 2) for number in range(6)]
    plain = [agent_line(number) for number in range(6)]
    send_tcp(port_of(daemon, "tcp"), b"".join(b"%d %s" % (len(line), line) for line in counted))
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\r\n" for line in plain))
    events = daemon.wait_events(12)
    assert sorted(raw_of(event) for event in events) == sorted(counted + plain)
    assert [event["kind"] for event in events if raw_of(event) in plain] == ["agent"] * 6


def test_lines_without_an_end_are_kept_when_their_connection_closes(daemon):
    send_tcp(port_of(daemon, "tcp"), thor_line(1) + b"\n" + thor_line(2))
    events = daemon.wait_events(2)
    assert "unterminated" in events[1]["flags"] and "flags" not in events[0]


def test_each_datagram_is_one_record_up_to_the_greatest(daemon):
    datagrams = [thor_line(1), thor_line(2, 1400), thor_line(3, 9000), thor_line(4, 65507), thor_line(5) + b"\n"]
    for datagram in datagrams:
        send_udp(port_of(daemon, "udp"), datagram)
    daemon.wait_received("udp", 5)
    send_udp(port_of(daemon, "udp"), b"", b"\n", b"\x00")  # empty ones have a counter of their own
    wait_until(lambda: daemon.metrics()['input_empty_total{input="udp"}'] == 3, "three empty datagrams")
    events = daemon.wait_events(5)
    assert sorted(map(raw_of, events)) == sorted(line.rstrip(b"\n") for line in datagrams)


def test_datagrams_that_the_kernel_drops_are_counted(new_daemon):
    daemon = new_daemon(inputs={"udp": {"type": "udp", "listen": f"127.0.0.1:{free_port()}",
                                        "receive_buffer": "64KiB"}}).start()
    sent = 2000
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        send_udp(port_of(daemon, "udp"), *[thor_line(number, 1000) for number in range(sent)])
    finally:
        daemon.process.send_signal(signal.SIGCONT)

    def dropped():
        return daemon.metrics().get('input_kernel_drops_total{input="udp"}', 0)

    wait_until(lambda: dropped() + daemon.account()["inputs"]["udp"]["received"] == sent,
               lambda: f"{sent} = {dropped()} dropped + {daemon.account()['inputs']}")
    assert dropped() > 0
    assert len(daemon.wait_events(daemon.account()["inputs"]["udp"]["received"])) == sent - dropped()


def test_connections_are_limited_in_all_and_for_a_peer(new_daemon):
    daemon = new_daemon()
    daemon.config["inputs"]["tcp"] |= {"max_connections": 5, "max_connections_per_peer": 3}
    port = port_of(daemon.start(), "tcp")
    held = [connect(port, source=source) for source in ["127.0.0.1"] * 3 + ["127.0.0.2"] * 2]
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 5, "five connections")
    for source in ("127.0.0.1", "127.0.0.3"):  # one too many for the peer, one too many in all
        with connect(port, source=source) as refused:
            wait_closed(refused)
    for number, connection in enumerate(held):
        connection.sendall(thor_line(number) + b"\n")
    assert len(daemon.wait_events(5)) == 5
    for connection in held:
        connection.close()
    wait_until(lambda: daemon.metrics()['input_connections{input="tcp"}'] == 0, "no connection")
    send_tcp(port, thor_line(9) + b"\n")
    daemon.wait_events(6)


def test_only_allowed_peers_are_heard(new_daemon):
    daemon = new_daemon()
    for settings in daemon.config["inputs"].values():
        settings["allow"] = ["127.0.0.8/29"]
    daemon.start()
    send_udp(port_of(daemon, "udp"), thor_line(1), source="127.0.0.9")
    send_udp(port_of(daemon, "udp"), thor_line(2), source="127.0.0.1")
    send_tcp(port_of(daemon, "tcp"), thor_line(3) + b"\n", source="127.0.0.9")
    with connect(port_of(daemon, "tcp"), source="127.0.0.1") as refused:
        wait_closed(refused)
    assert sorted(event["uid"] for event in daemon.wait_events(2)) == ["1", "3"]
    account = daemon.wait_account(lambda account: sum(account["inputs"]["udp"]["refused"].values()) == 1,
                                  "one refused datagram")
    assert account["inputs"]["udp"]["stored"] == 1


def test_the_order_of_a_connection_is_kept(daemon):
    count = 20000
    send_lines(daemon, 0, count)
    events = daemon.wait_events(count)
    assert [int(event["uid"]) for event in events] == list(range(count))
    assert [event["seq"] for event in daemon.events(own=True)] == \
        list(range(daemon.events(own=True)[0]["seq"], daemon.events(own=True)[0]["seq"] + len(daemon.events(own=True))))


def test_a_sender_waits_while_downstream_is_full_and_nothing_is_lost(new_daemon):
    """The only output is a dead one that blocks, the journal small: reading must pause, then go on."""
    from daemon import syslog_output
    from net import Receiver

    target = Receiver()
    daemon = new_daemon(journal={"segment": "1MiB", "max_size": "4MiB"},
                        outputs={"out": syslog_output(target.port, framing="lf", format="raw")}).start()
    lines = [thor_line(number, 1000) for number in range(20000)]
    data, sent = b"".join(line + b"\n" for line in lines), 0
    with connect(port_of(daemon, "tcp")) as sender:
        def push() -> bool:
            nonlocal sent
            sent += send_some(sender, data[sent:sent + (1 << 18)])
            return sent >= len(data)

        wait_until(lambda: push() or any(value for name, value in daemon.metrics().items()
                                         if name.startswith('input_paused{input="tcp"')), "a paused input", 30)
        assert sent < len(data)
        target.start()
        wait_until(push, "everything sent", 60, pause=0.001)
        sender.shutdown(socket.SHUT_WR)
        wait_closed(sender)
    assert target.wait_lines(len(lines), 60) == lines
    daemon.wait_drained()
    assert daemon.stop() == 0
    target.stop()
