"""Syslog over TLS in: real clients, who is let in and who is not, stuck handshakes, new certificates on reload."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time

import pytest

from daemon import port_of, program, raw_of
from lines import thor_line
from net import connect, free_port, send_tcp
from peers import SYSLOG_NG, loggen
from wait import SLOWNESS, wait_until
from web import Certificates


@pytest.fixture
def authority(folder):
    return Certificates(folder / "tls")


def tls_input(authority, **more) -> dict:
    return {"type": "tls", "listen": f"127.0.0.1:{free_port()}",
            "tls": {"certificate": str(authority.certificate), "key": str(authority.key), **more}}


def tls_daemon(new_daemon, authority, **more):
    return new_daemon(inputs={"tls": tls_input(authority, **more)}).start()


def tls_connect(port: int, authority, own=None, timeout: float = 30) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(authority.ca))
    if own:
        context.load_cert_chain(*map(str, own))
    connection = connect(port)
    connection.settimeout(timeout)
    return context.wrap_socket(connection, server_hostname="localhost")


def refused(daemon) -> float:
    return daemon.metrics().get('input_refused_connections_total{input="tls",reason="tls"}', 0)


def test_takes_lines_over_tls_of_any_framing(new_daemon, authority):
    daemon = tls_daemon(new_daemon, authority)
    lines = [thor_line(number, [0, 500, 1900, 7000][number % 4]) for number in range(2000)]
    with tls_connect(port_of(daemon, "tls"), authority) as connection:
        assert connection.version() == "TLSv1.3"
        connection.sendall(b"".join(line + b"\n" for line in lines[:1000]))
        connection.unwrap()  # close_notify, both ways
    with tls_connect(port_of(daemon, "tls"), authority) as connection:
        connection.sendall(b"".join(b"%d %s" % (len(line), line) for line in lines[1000:]))
        daemon.wait_received("tls", 2000)
    assert sorted(map(raw_of, daemon.wait_events(2000))) == sorted(lines)
    assert refused(daemon) == 0


def test_the_name_in_a_clients_certificate_is_the_identity_of_its_peer(new_daemon, authority):
    daemon = tls_daemon(new_daemon, authority, ca=str(authority.ca), client_auth="require")
    own = authority.issue("agent", "IP:10.0.0.1,DNS:agent-7.example.org")
    with tls_connect(port_of(daemon, "tls"), authority, own) as connection:
        connection.sendall(thor_line(1) + b"\n")
        event = daemon.wait_events(1)[0]
    assert event["peer_identity"] == "agent-7.example.org"


def test_who_has_no_certificate_or_a_strangers_or_speaks_without_tls_is_refused_and_counted(new_daemon, authority, folder):
    daemon = tls_daemon(new_daemon, authority, ca=str(authority.ca), client_auth="require")
    port = port_of(daemon, "tls")
    stranger = Certificates(folder / "other").issue("stranger", "DNS:stranger")
    for number, own in enumerate((None, stranger), 1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with tls_connect(port, authority, own) as connection:
                for _ in range(100):  # of TLS 1.3 a client learns of it when it reads
                    connection.sendall(b"never stored\n")
                connection.recv(1)
                raise ConnectionError("closed")
        wait_until(lambda: refused(daemon) == number, lambda: f"{number} refused, got {refused(daemon)}")
    send_tcp(port, b"<13>plain text to a port of TLS\n")
    wait_until(lambda: refused(daemon) == 3, lambda: f"3 refused, got {refused(daemon)}")
    assert "peer did not return a certificate" in daemon.log()
    assert daemon.account()["inputs"]["tls"]["received"] == 0


def test_versions_below_1_2_are_refused(new_daemon, authority):
    daemon = tls_daemon(new_daemon, authority)
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port_of(daemon, 'tls')}", "-tls1_1", "-cipher",
                           "ALL@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert refused(daemon) == 1


def test_openssl_s_client_sends_lines(new_daemon, authority):
    daemon = tls_daemon(new_daemon, authority)
    done = subprocess.run(["openssl", "s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-CAfile", authority.ca,
                           "-connect", f"localhost:{port_of(daemon, 'tls')}", "-servername", "localhost"],
                          input=thor_line(1) + b"\n", capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert raw_of(daemon.wait_events(1)[0]) == thor_line(1)


@pytest.mark.parametrize("driver", ["gtls", "ossl"])
def test_rsyslog_forwards_over_tls(new_daemon, authority, peers, driver):
    daemon = tls_daemon(new_daemon, authority, ca=str(authority.ca), client_auth="require")
    certificate, key = authority.issue("relay", "DNS:relay.example.org")
    source = free_port()
    peers.rsyslog("source", f"""# global: defaultNetstreamDriverCAFile="{authority.ca}" defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"
module(load="imptcp")
input(type="imptcp" port="{source}" ruleset="forward")
ruleset(name="forward") {{
  action(type="omfwd" target="127.0.0.1" port="{port_of(daemon, 'tls')}" protocol="tcp" template="asis"
         StreamDriver="{driver}" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
         StreamDriverPermittedPeers="localhost")
}}
""")
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(1000)]
    send_tcp(source, b"".join(line + b"\n" for line in lines))
    events = daemon.wait_events(len(lines), seconds=30)
    assert sorted(map(raw_of, events)) == sorted(lines)
    assert {event["peer_identity"] for event in events} == {"relay.example.org"}


def test_syslog_ng_forwards_over_tls(new_daemon, authority, peers):
    daemon = tls_daemon(new_daemon, authority, ca=str(authority.ca), client_auth="require")
    certificate, key = authority.issue("relay", "DNS:relay.example.org")
    source = free_port()
    peers.syslog_ng("before", f"""
source s {{ network(ip("127.0.0.1") port({source}) transport("tcp") flags(no-parse) log-msg-size(65536)); }};
destination d {{ network("localhost" port({port_of(daemon, "tls")}) transport("tls") template("$MSG\\n")
  tls(ca-file("{authority.ca}") cert-file("{certificate}") key-file("{key}") peer-verify(required-trusted))); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(1000)]
    send_tcp(source, b"".join(line + b"\n" for line in lines))
    events = daemon.wait_events(len(lines), seconds=30)
    assert sorted(map(raw_of, events)) == sorted(lines)
    assert {event["peer_identity"] for event in events} == {"relay.example.org"}


def test_loggen_sends_over_tls(new_daemon, authority):
    if not (SYSLOG_NG / "bin" / "loggen").exists():
        pytest.skip("SKIPPED: no loggen; run tests/tools/unpack-syslog-ng build/tools/syslog-ng")
    daemon = tls_daemon(new_daemon, authority)
    loggen("--use-ssl", "--number=5000", "--rate=1000000", "--size=300", "--active-connections=1", "127.0.0.1",
           str(port_of(daemon, "tls")))
    daemon.wait_received("tls", 5000)


def client_hello(authority) -> bytes:
    """What a client says first."""
    context = ssl.create_default_context(cafile=str(authority.ca))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("says", ["nothing", "hello"])
def test_a_thousand_stuck_handshakes_do_not_hold_up_an_honest_peer(new_daemon, authority, says):
    settings = tls_input(authority)
    settings["max_connections_per_peer"] = 2000
    daemon = new_daemon(inputs={"tls": settings}).start()
    port = port_of(daemon, "tls")
    hello = client_hello(authority)
    stuck = []
    try:
        for _ in range(1000):
            stuck.append(socket.create_connection(("127.0.0.1", port), timeout=30))
            if says == "hello":
                stuck[-1].sendall(hello)
        for number in range(5):
            begun = time.monotonic()
            with tls_connect(port, authority) as connection:
                connection.sendall(thor_line(number) + b"\n")
                daemon.wait_received("tls", number + 1)
            assert time.monotonic() - begun < 2 * SLOWNESS
        # All of them have ten seconds, one after the other or not.
        wait_until(lambda: daemon.metrics()['input_connections{input="tls"}'] == 0,
                   lambda: f"all given up, {daemon.metrics()['input_connections{input=%stls%s}' % (chr(34), chr(34))]} left", 60)
        assert refused(daemon) >= 1000
    finally:
        for connection in stuck:
            connection.close()


def test_a_reload_takes_new_certificates_and_keeps_connections(new_daemon, authority, folder):
    daemon = tls_daemon(new_daemon, authority)
    port = port_of(daemon, "tls")
    before = tls_connect(port, authority)
    before.sendall(thor_line(1) + b"\n")
    daemon.wait_received("tls", 1)
    renewed = Certificates(folder / "renewed")
    for new, old in ((renewed.certificate, authority.certificate), (renewed.key, authority.key)):
        old.write_bytes(new.read_bytes())
    daemon.reload()
    with tls_connect(port, renewed) as after:
        after.sendall(thor_line(2) + b"\n")
        daemon.wait_received("tls", 2)
    before.sendall(thor_line(3) + b"\n")
    daemon.wait_received("tls", 3)
    before.close()
    # A key that does not fit is an error, and nothing changes.
    authority.key.write_bytes(Certificates(folder / "third").key.read_bytes())
    daemon.reload(wait=False)
    wait_until(lambda: "is not the key of" in daemon.log(), "the error in the log")
    with tls_connect(port, renewed) as after:
        after.sendall(thor_line(4) + b"\n")
        daemon.wait_received("tls", 4)


def test_tls_on_an_address_that_had_none_needs_a_restart_and_says_so(new_daemon, authority):
    daemon = new_daemon().start()
    plain = daemon.config["inputs"]["tcp"]
    daemon.config["inputs"]["tcp"] = {**tls_input(authority), "listen": plain["listen"]}
    daemon.reload(wait=False)
    wait_until(lambda: "change at a restart only" in daemon.log(), "the error in the log")
    send_tcp(port_of(daemon, "tcp"), thor_line(1) + b"\n")
    assert len(daemon.wait_events(1)) == 1


def check(folder, config_text: str) -> tuple[int, str]:
    path = folder / "check.yaml"
    path.write_text(config_text)
    done = subprocess.run([program("thorlogd"), "--config", str(path), "--check"], capture_output=True, text=True,
                          timeout=30)
    return done.returncode, done.stdout + done.stderr


def test_check_names_the_file_and_the_key_that_is_wrong(authority, folder):
    text = "inputs: {{ secure: {{ type: tls, listen: '127.0.0.1:6514', tls: {{ certificate: {}, key: {}{} }} }} }}\n"
    status, said = check(folder, text.format(authority.certificate, authority.key, ""))
    assert status == 0 and "tls:" in said
    other = authority.issue("other", "DNS:other")[1]
    for certificate, key, more, expected in (
            (authority.certificate, other, "", f"`key` '{other}' is not the key of"),
            (authority.certificate, authority.certificate, "", f"`key` '{authority.certificate}' holds no key"),
            (authority.key, authority.key, "", f"`certificate` '{authority.key}' holds no certificate"),
            (authority.certificate, authority.key, f", client_auth: require, ca: {authority.key}",
             f"`ca` '{authority.key}' holds no certificate of an authority"),
            (authority.certificate, authority.key, ", client_auth: require", "'client_auth' needs 'ca'"),
            (folder / "nowhere.pem", authority.key, "", "nowhere.pem")):
        status, said = check(folder, text.format(certificate, key, more))
        assert status == 2 and expected in said, said
