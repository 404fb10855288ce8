"""RELP in: a real rsyslogd, plain and over TLS, thorlogd killed while lines flow; what is acknowledged is stored."""

from __future__ import annotations

import random
import socket
import time

import pytest

from daemon import port_of, raw_of
from lines import numbers, thor_line
from net import connect, free_port, send_tcp
from wait import wait_until
from web import Certificates

OMRELP = """
module(load="imptcp")
module(load="omrelp")
input(type="imptcp" port="{source}" ruleset="forward")
ruleset(name="forward" queue.type="LinkedList" queue.filename="forward" queue.size="100000"
        queue.saveOnShutdown="on") {{
  action(type="omrelp" target="127.0.0.1" port="{target}" template="asis" action.resumeRetryCount="-1"
         action.resumeInterval="1" {more})
}}
"""


@pytest.fixture
def authority(folder):
    return Certificates(folder / "tls")


def relp_daemon(new_daemon, tls: dict | None = None, **changes):
    settings = {"type": "relp", "listen": f"127.0.0.1:{free_port()}", **({"tls": tls} if tls else {})}
    return new_daemon(inputs={"relp": settings}, **changes)


def server_tls(authority) -> dict:
    return {"certificate": str(authority.certificate), "key": str(authority.key), "ca": str(authority.ca),
            "client_auth": "require"}


def client_tls(authority) -> str:
    certificate, key = authority.issue("relay", "DNS:relay.example.org")
    return (f'tls="on" tls.caCert="{authority.ca}" tls.myCert="{certificate}" tls.myPrivKey="{key}" '
            f'tls.authMode="name" tls.permittedPeer=["localhost"]')


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_takes_what_rsyslog_sends(new_daemon, peers, authority, secure):
    daemon = relp_daemon(new_daemon, server_tls(authority) if secure else None).start()
    source = free_port()
    peers.rsyslog("source", OMRELP.format(source=source, target=port_of(daemon, "relp"),
                                          more=client_tls(authority) if secure else ""))
    lines = [thor_line(number, [0, 500, 1900, 7000][number % 4]) for number in range(3000)]
    send_tcp(source, b"".join(line + b"\n" for line in lines))
    events = daemon.wait_events(len(lines), seconds=30)
    assert sorted(map(raw_of, events)) == sorted(lines)
    if secure:
        assert {event["peer_identity"] for event in events} == {"relay.example.org"}
    daemon.wait_drained()


@pytest.mark.parametrize("secure, durability", [(False, "os"), (False, "disk"), (True, "os")],
                         ids=["plain", "plain-disk", "tls"])
def test_killed_while_rsyslog_sends_no_line_is_lost_and_none_invented(new_daemon, peers, authority, secure, durability):
    daemon = relp_daemon(new_daemon, server_tls(authority) if secure else None,
                         journal={"durability": durability}).start()
    source = free_port()
    peers.rsyslog("source", OMRELP.format(source=source, target=port_of(daemon, "relp"),
                                          more=client_tls(authority) if secure else ""))
    dice = random.Random(7)
    lines = [thor_line(number, dice.choice([0, 300, 900, 1900])) for number in range(12_000)]
    kills = 5
    part = len(lines) // (kills + 1)
    for start in range(0, len(lines), part):
        send_tcp(source, b"".join(line + b"\n" for line in lines[start:start + part]))
        if daemon.kills == kills:
            continue
        wanted = dice.randrange(1, part)
        wait_until(lambda: received(daemon) >= wanted, lambda: f"{wanted} lines in this life", 30)
        daemon.kill()
        daemon.start()
    wait_until(lambda: set(map(raw_of, daemon.events())) >= set(lines),
               lambda: f"{len(lines)} lines, got {len(set(map(raw_of, daemon.events())) & set(lines))}", 60)
    daemon.wait_drained()
    came = list(map(raw_of, daemon.events()))
    assert set(came) == set(lines), "none is invented"
    assert sorted(set(numbers(came))) == list(range(len(lines)))
    daemon.check_cut_lines()


def test_killed_at_an_acknowledgement_no_line_is_lost(new_daemon, peers):
    """It dies when lines are durable and their sender does not know yet: they come once more, and none is missing."""
    daemon = relp_daemon(new_daemon, None)
    source = free_port()
    lines = [thor_line(number, 300) for number in range(3_000)]
    daemon.start(environment={"THORLOG_FAULT": "ack_peer:1:crash"})
    peers.rsyslog("source", OMRELP.format(source=source, target=port_of(daemon, "relp"), more=""))
    send_tcp(source, b"".join(line + b"\n" for line in lines))
    for count in (3, 7, 0):
        daemon.wait(30)
        daemon.kills += 1
        daemon.start(environment={"THORLOG_FAULT": f"ack_peer:{count}:crash"} if count else None)
    wait_until(lambda: set(map(raw_of, daemon.events())) >= set(lines), "every line", 60)
    daemon.wait_drained()
    assert set(map(raw_of, daemon.events())) == set(lines)


def received(daemon) -> int:
    return daemon.account()["inputs"]["relp"]["received"]


@pytest.mark.parametrize("scheme", ["relp", "relps"])
def test_from_one_thorlogd_to_another_with_either_killed(new_daemon, authority, scheme):
    far = relp_daemon(new_daemon, server_tls(authority) if scheme == "relps" else None).start()
    certificate, key = authority.issue("edge", "DNS:edge.example.org")
    out = {"type": "syslog", "address": f"{scheme}://localhost:{port_of(far, 'relp')}", "format": "raw"}
    if scheme == "relps":
        out["tls"] = {"ca": str(authority.ca), "certificate": str(certificate), "key": str(key)}
    near = new_daemon("near", outputs={"far": out}).start()
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(6000)]
    for start in range(0, len(lines), 1000):
        send_tcp(port_of(near, "tcp"), b"".join(line + b"\n" for line in lines[start:start + 1000]))
        near.wait_account(lambda account: account["outputs"]["far"]["stored"] >= start + 1000, "stored")
        victim = far if start % 2000 == 0 else near
        victim.kill()
        victim.start()
    near.wait_drained(seconds=40)
    wait_until(lambda: set(map(raw_of, far.events())) >= set(lines), "all lines", 20)
    assert set(map(raw_of, far.events())) == set(lines)
    if scheme == "relps":
        assert {event["peer_identity"] for event in far.events()} == {"edge.example.org"}


# ---- a client that looks closer than rsyslog

class Client:
    def __init__(self, port: int):
        self.socket = connect(port)
        self.text = b""
        self.next = 1

    def send(self, command: bytes, data: bytes = b"") -> int:
        number = self.next
        self.next += 1
        self.socket.sendall(b"%d %s %d%s\n" % (number, command, len(data), b" " + data if data else b""))
        return number

    def open(self) -> "Client":
        self.send(b"open", b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog")
        assert self.answer(1).startswith(b"200 OK\nrelp_version=0\n")
        return self

    def answer(self, number: int, seconds: float = 15) -> bytes | None:
        """The data of the answer with this number; None: the connection ended before."""
        while True:
            head, _, rest = self.text.partition(b"\n")
            words = head.split(b" ", 3)
            if self.text and len(words) >= 3 and words[0] == b"%d" % number and words[1] == b"rsp":
                size = int(words[2])
                start = len(b" ".join(words[:3])) + (1 if size else 0)
                if len(self.text) >= start + size + 1:
                    data = self.text[start:start + size]
                    self.text = self.text[start + size + 1:]
                    return data
            self.socket.settimeout(seconds)
            more = self.socket.recv(65536)
            if not more:
                return None
            self.text += more

    def silent(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            self.text += self.socket.recv(65536)
            return False
        except socket.timeout:
            return True


def test_what_is_acknowledged_is_there_after_a_kill(new_daemon):
    daemon = relp_daemon(new_daemon).start()
    acknowledged = []
    for life in range(4):
        client = Client(port_of(daemon, "relp")).open()
        for number in range(life * 100, life * 100 + 100):
            line = thor_line(number)
            assert client.answer(client.send(b"syslog", line)) == b"200 OK"
            acknowledged.append(line)
        daemon.kill()
        client.socket.close()
        daemon.start()
    daemon.wait_drained()
    came = list(map(raw_of, daemon.wait_events(len(acknowledged))))
    assert set(came) >= set(acknowledged)


def test_a_line_that_waits_for_its_rest_is_acknowledged_when_the_whole_is_stored(new_daemon):
    daemon = relp_daemon(new_daemon, reassembly={"timeout": "3s"}).start()
    client = Client(port_of(daemon, "relp")).open()
    whole = thor_line(1, 12_000)
    begun = time.monotonic()
    number = client.send(b"syslog", whole[:8192])
    assert client.answer(number) == b"200 OK"
    assert time.monotonic() - begun > 2.5, "only when its waiting was over"
    head = client.send(b"syslog", whole[:8192])
    assert client.silent(0.5)
    other = client.send(b"syslog", thor_line(2, host="other"))
    assert client.answer(other) == b"200 OK", "a line of another host does not wait with it"
    tail = client.send(b"syslog", whole[8192:])
    assert client.answer(head) == b"200 OK" and client.answer(tail) == b"200 OK"
    account = daemon.account()["inputs"]["relp"]
    assert account["received"] == 4 and account["stored"] + account["joined"] == 4


def test_close_is_answered_when_all_is_acknowledged(new_daemon):
    daemon = relp_daemon(new_daemon).start()
    client = Client(port_of(daemon, "relp")).open()
    sent = [client.send(b"syslog", thor_line(number)) for number in range(500)]
    close = client.send(b"close")
    assert [client.answer(number) for number in sent] == [b"200 OK"] * len(sent)
    assert client.answer(close) == b""
    assert client.answer(99_999) is None and client.text == b"0 serverclose 0\n"
    assert len(daemon.wait_events(500)) == 500


def test_a_full_journal_acknowledges_nothing_and_loses_nothing(new_daemon):
    daemon = relp_daemon(new_daemon, journal={"max_size": "16MiB", "segment": "4MiB"}, outputs={
        "stuck": {"type": "syslog", "address": f"tcp://127.0.0.1:{free_port()}", "start": "oldest"}}).start()
    daemon.check_laws = False
    client = Client(port_of(daemon, "relp")).open()
    acknowledged = 0
    line = thor_line(1, 60_000)
    with pytest.raises((socket.timeout, TimeoutError)):
        for _ in range(1000):
            number = client.send(b"syslog", line)
            assert client.answer(number, seconds=3) == b"200 OK"
            acknowledged += 1
    account = daemon.account()
    assert 50 < acknowledged < 1000
    assert account["inputs"]["relp"]["stored"] >= acknowledged
    daemon.kill()


def test_with_a_failed_journal_nothing_more_is_acknowledged_and_clients_are_sent_away(new_daemon):
    daemon = relp_daemon(new_daemon, journal={"segment": "256KiB", "max_size": "64MiB", "durability": "disk"})
    daemon.check_laws = False
    daemon.start(environment={"THORLOG_FAULT": "sync:12:eio,batch_write:40:eio"})
    client = Client(port_of(daemon, "relp")).open()
    acknowledged = []
    for number in range(10_000):
        line = thor_line(number)
        if client.answer(client.send(b"syslog", line)) != b"200 OK":
            break
        acknowledged.append(line)
    assert 20 < len(acknowledged) < 10_000
    assert client.text == b"0 serverclose 0\n"
    assert daemon.http("/healthz")[0] == 503
    late = Client(port_of(daemon, "relp"))
    refusal = late.answer(late.send(b"open", b"relp_version=0\ncommands=syslog"))
    assert refusal.startswith(b"500 ")
    daemon.kill()
    daemon.start()
    daemon.wait_drained()
    came = set(map(raw_of, daemon.events()))
    assert came >= set(acknowledged) and len(came) <= len(acknowledged) + 1


def test_hostile_clients_are_sent_away(new_daemon):
    daemon = relp_daemon(new_daemon).start()
    for wire in (b"<13>plain text\n", b"1 syslog 5 early\n", b"1 open 999999999999 x\n", b"1 " + b"x" * 100,
                 b"1 open 3 abc\n", bytes(range(256)) * 40):
        with connect(port_of(daemon, "relp")) as connection:
            connection.sendall(wire)
            connection.settimeout(15)
            try:
                while connection.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    client = Client(port_of(daemon, "relp")).open()
    assert client.answer(client.send(b"eventlog", b"x")) == b"500 unknown command"
    assert client.answer(client.send(b"syslog", thor_line(1))) == b"200 OK"
    assert len(daemon.wait_events(1)) == 1
    assert daemon.account()["inputs"]["relp"]["received"] == 1
