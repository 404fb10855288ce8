"""TLS out: to a server made with Python's ssl and to a real rsyslogd; what is wrong with a certificate holds, is said, and no
line leaves."""

from __future__ import annotations

import pytest

from lines import numbers
from load import send_lines
from net import free_port
from receivers import Plan, server_context
from test_honest_delivery import ENDS, LENGTH, READ, READ_CASES, run
from test_real_relays import lines_of
from wait import wait_until
from web import Certificates

IMTCP = """# global: defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1" streamDriver.authMode="{mode}")
input(type="imtcp" port="{port}" ruleset="write")
ruleset(name="write") {{ action(type="omfile" file="{file}" template="raw" asyncWriting="off") }}
"""


def output(port: int, host: str = "localhost", **tls) -> dict:
    return {"type": "syslog", "address": f"tls://{host}:{port}", "framing": "lf", "tls": {k: str(v) for k, v in tls.items()}}


def wait_holding(daemon, *words: str) -> None:
    """It holds, health is red, and the message says why."""
    def look():
        text = daemon.ctl("status", "--json", ok=(0, 1))
        return '"holding"' in text and all(word in text for word in words)
    wait_until(look, lambda: f"holding with {words}: {daemon.ctl('status', '--json', ok=(0, 1))}", 20)


def test_each_line_leaves_once_over_tls(new_daemon, bad_receiver, certificates):
    receiver = bad_receiver(tls=server_context(certificates))
    daemon = new_daemon(outputs={"out": output(receiver.port, ca=certificates.ca)}).start()
    lines = send_lines(daemon, 0, 20_000, LENGTH)
    daemon.wait_drained(seconds=30)
    assert receiver.lines == lines
    more = send_lines(daemon, 20_000, 100, LENGTH)
    daemon.stop()  # what is under way arrives first
    assert receiver.lines == lines + more


@pytest.mark.parametrize("driver", ["gtls", "ossl"])
def test_rsyslog_writes_what_it_gets_over_tls(new_daemon, peers, folder, certificates, driver):
    port, written = free_port(), folder / "written.log"
    peers.rsyslog("target", IMTCP.format(ca=certificates.ca, certificate=certificates.certificate, key=certificates.key,
                                         driver=driver, mode="x509/certvalid", port=port, file=written))
    daemon = new_daemon(outputs={"out": output(port, ca=certificates.ca, certificate=certificates.certificate,
                                               key=certificates.key)}).start()
    lines = send_lines(daemon, 0, 3000, LENGTH)
    wait_until(lambda: len(lines_of(written)) >= 3000, lambda: f"{len(lines_of(written))} lines written", 30)
    daemon.wait_drained()
    assert lines_of(written) == lines


def test_a_stranger_s_certificate_holds_and_no_line_leaves(new_daemon, bad_receiver, folder, certificates):
    receiver = bad_receiver(tls=server_context(Certificates(folder / "stranger")))
    daemon = new_daemon(outputs={"out": output(receiver.port, ca=certificates.ca)}).start()
    lines = send_lines(daemon, 0, 1000, LENGTH)
    wait_holding(daemon, "certificate")
    assert receiver.lines == []
    assert daemon.account()["outputs"]["out"]["pending"] >= 1000
    receiver.tls = server_context(certificates)  # the right one: goes on by itself
    daemon.wait_drained(seconds=30)
    assert receiver.lines == lines


def test_a_certificate_for_another_host_holds_and_no_line_leaves(new_daemon, bad_receiver, folder, certificates):
    other = Certificates(folder / "other", names="DNS:collector.example.org")
    receiver = bad_receiver(tls=server_context(other))
    daemon = new_daemon(outputs={"out": output(receiver.port, ca=other.ca)}).start()
    send_lines(daemon, 0, 100, LENGTH)
    wait_holding(daemon, "localhost")
    assert receiver.lines == []


def test_an_address_is_looked_for_in_the_certificate_too(new_daemon, bad_receiver, certificates):
    receiver = bad_receiver(tls=server_context(certificates))
    daemon = new_daemon(outputs={"out": output(receiver.port, "127.0.0.1", ca=certificates.ca)}).start()
    lines = send_lines(daemon, 0, 10, LENGTH)
    daemon.wait_drained()
    assert receiver.lines == lines


def test_a_server_that_wants_a_certificate_gets_ours(new_daemon, bad_receiver, certificates):
    receiver = bad_receiver(tls=server_context(certificates, clients=True))
    daemon = new_daemon(outputs={"out": output(receiver.port, ca=certificates.ca)}).start()
    lines = send_lines(daemon, 0, 100, LENGTH)
    wait_holding(daemon, "certificate")  # it asked for one, and we have none
    assert receiver.lines == []
    daemon.config["outputs"]["out"] = output(receiver.port, ca=certificates.ca, certificate=certificates.certificate,
                                             key=certificates.key)
    daemon.reload()
    daemon.wait_drained(seconds=30)
    assert receiver.lines == lines
    assert receiver.client_names[-1] is not None


def test_a_server_that_speaks_no_tls_is_no_target(new_daemon, bad_receiver, certificates):
    receiver = bad_receiver()
    daemon = new_daemon(outputs={"out": output(receiver.port, ca=certificates.ca)}).start()
    send_lines(daemon, 0, 10, LENGTH)
    wait_until(lambda: receiver.connections >= 2, "another try", 30)
    assert not any(b"THOR" in line for line in receiver.lines)
    assert daemon.account()["outputs"]["out"]["pending"] >= 10


def test_a_certificate_that_cannot_be_read_is_a_configuration_error(new_daemon, folder, certificates):
    bad = folder / "bad.pem"
    bad.write_text("no certificate")
    daemon = new_daemon(outputs={"out": output(6514, ca=bad)})
    daemon.start(wait=False)
    assert daemon.wait() == 2
    assert "bad.pem" in daemon.log()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("read", READ_CASES)
def test_over_tls_no_more_is_missing_than_is_said(new_daemon, bad_receiver, certificates, read, end):
    receiver = bad_receiver([Plan(READ[read], ENDS[end].pause, ENDS[end].end)], tls=server_context(certificates))
    found = run(new_daemon, receiver, output(receiver.port, ca=certificates.ca), end == "hang")
    print(read, end, found)
    assert found["missing"] * (LENGTH + 1) <= found["possibly_lost"]
    if end == "hang":
        assert found["missing"] == 0 and found["twice"] == 0
    assert set(numbers(receiver.lines))
