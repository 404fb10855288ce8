"""RELP out: to a real rsyslogd, plain and TLS, either side killed while lines flow; and to a server that refuses. Nothing is
lost, whatever happens."""

from __future__ import annotations

import random
import threading

import pytest

from daemon import port_of, raw_of
from lines import numbers, thor_line
from load import send_lines
from net import free_port, send_tcp
from receivers import BadReceiver, Plan, server_context
from test_honest_delivery import ENDS, READ, READ_CASES, output_to, run
from wait import wait_until
from web import Certificates

# Without a queue of its own rsyslogd answers when the line is in the file: a kill takes nothing of what it answered for.
IMRELP = """
module(load="imrelp")
input(type="imrelp" port="{port}" ruleset="write" maxDataSize="1m" {tls})
ruleset(name="write" queue.type="Direct") {{
  action(type="omfile" file="{file}" template="raw" asyncWriting="off" flushOnTXEnd="on")
}}
"""
OMRELP = """
module(load="imptcp")
module(load="omrelp")
input(type="imptcp" port="{source}" ruleset="forward")
ruleset(name="forward" queue.type="Direct") {{
  action(type="omrelp" target="127.0.0.1" port="{target}" template="asis" action.resumeRetryCount="-1"
         action.resumeInterval="1" queue.type="Disk" queue.filename="action" queue.saveOnShutdown="on"
         queue.maxDiskSpace="256m" queue.size="1000000" queue.timeoutEnqueue="600000")
}}
"""


def rsyslog_tls(made: Certificates, scheme: str) -> str:
    if scheme == "relp":
        return ""
    return (f'tls="on" tls.caCert="{made.ca}" tls.myCert="{made.certificate}" tls.myPrivKey="{made.key}" '
            'tls.authMode="certvalid"')


def seen(path) -> list[int]:
    if not path.exists():
        return []
    whole = path.read_bytes().rsplit(b"\n", 1)[0]
    return numbers(line for line in whole.split(b"\n") if b" END: yes" in line)


class Feeder(threading.Thread):
    """Sends numbered lines over one connection after the other until it is told to end."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.offered, self.ending = port, 0, threading.Event()

    def run(self) -> None:
        while not self.ending.wait(0.02):
            portion = range(self.offered, self.offered + 200)
            self.offered += 200
            try:
                send_tcp(self.port, b"".join(thor_line(number) + b"\n" for number in portion))
            except OSError:
                continue  # nobody is there just now

    def end(self) -> None:
        self.ending.set()
        self.join(60)


def feed_and_kill(port: int, daemon, target, written, times: int, seed: int) -> int:
    """Sends lines to the port while the daemon or the rsyslogd behind it is killed and started again, so many times and
    each of them at least once. Says how many lines were offered."""
    dice = random.Random(seed)
    feeder = Feeder(port)
    feeder.start()
    for number in range(times):
        before = len(seen(written))
        wait_until(lambda: len(seen(written)) > before + 200, lambda: f"more lines than {before}", 40)
        if (number if number < 2 else dice.randrange(2)) == 0:
            daemon.kill()
            daemon.start()
        else:
            target.process.kill()
            target.process.wait()
            target.start()
    feeder.end()
    return feeder.offered


def output(scheme: str, port: int, made: Certificates) -> dict:
    return {"type": "syslog", "address": f"{scheme}://localhost:{port}",
            **({"tls": {"ca": str(made.ca), "certificate": str(made.certificate), "key": str(made.key)}}
               if scheme == "relps" else {})}


@pytest.mark.parametrize("scheme", ["relp", "relps"])
def test_rsyslog_gets_each_line_once_and_a_clean_stop_owes_nothing(new_daemon, peers, folder, certificates, scheme):
    port, written = free_port(), folder / "written.log"
    peers.rsyslog("target", IMRELP.format(port=port, file=written, tls=rsyslog_tls(certificates, scheme)))
    daemon = new_daemon(outputs={"out": output(scheme, port, certificates)}).start()
    lines = [thor_line(number, [0, 500, 1900][number % 3]) for number in range(5000)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[:4000]))
    wait_until(lambda: len(seen(written)) >= 4000, lambda: f"{len(seen(written))} lines written", 30)
    daemon.wait_drained()
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines[4000:]))
    daemon.stop()
    assert written.read_bytes() == b"".join(line + b"\n" for line in lines)
    daemon.start()
    assert daemon.account()["outputs"]["out"]["acknowledged"] >= 5000
    assert daemon.account()["outputs"]["out"]["pending"] == 0


@pytest.mark.parametrize("scheme", ["relp", "relps"])
def test_either_side_killed_while_lines_flow_loses_nothing(new_daemon, peers, folder, certificates, scheme):
    port, written = free_port(), folder / "written.log"
    target = peers.rsyslog("target", IMRELP.format(port=port, file=written, tls=rsyslog_tls(certificates, scheme)))
    daemon = new_daemon()
    daemon.config["outputs"]["out"] = output(scheme, port, certificates)
    daemon.start()
    feed_and_kill(port_of(daemon, "tcp"), daemon, target, written, 10, seed=20)
    daemon.wait_drained(seconds=60)
    stored = set(numbers(raw_of(event) for event in daemon.events()))
    got = seen(written)
    assert len(stored) > 2000
    assert set(got) == stored  # what the journal had, and nothing else
    daemon.check_cut_lines()
    print(f"{len(stored)} stored, {len(set(got))} written, {len(got) - len(set(got))} twice")


def test_a_chain_of_rsyslog_thorlogd_and_rsyslog_loses_nothing_whoever_of_us_is_killed(new_daemon, peers, folder):
    """omrelp with a disk queue, thorlogd, imrelp, a file. The first rsyslogd lives, so every line it took must arrive."""
    source, middle, port, written = free_port(), free_port(), free_port(), folder / "written.log"
    target = peers.rsyslog("target", IMRELP.format(port=port, file=written, tls=""))
    daemon = new_daemon(inputs={"relp": {"type": "relp", "listen": f"127.0.0.1:{middle}"}},
                        outputs={"out": {"type": "syslog", "address": f"relp://127.0.0.1:{port}"}}).start()
    peers.rsyslog("source", OMRELP.format(source=source, target=middle))
    sent = set(range(feed_and_kill(source, daemon, target, written, 6, seed=9)))
    wait_until(lambda: set(seen(written)) >= sent, lambda: f"{len(sent - set(seen(written)))} of {len(sent)} lines", 60)
    got = seen(written)
    assert set(got) == sent
    print(f"{len(sent)} lines, {len(got) - len(sent)} twice")


def test_every_byte_of_a_line_arrives(new_daemon, bad_receiver):
    receiver = bad_receiver(protocol="relp")
    daemon = new_daemon(outputs={"out": output_to(receiver, "relp")})
    daemon.config["inputs"]["tcp"]["framing"] = "octet"
    daemon.start()
    line = thor_line(1) + b"\n<13>no line of its own\r \\ \x01\xff"
    send_tcp(port_of(daemon, "tcp"), b"%d %s" % (len(line), line))
    receiver.wait_lines({line})
    daemon.wait_drained()


def test_a_line_longer_than_the_target_takes_leaves_in_parts(new_daemon, bad_receiver):
    receiver = bad_receiver(protocol="relp")
    first = new_daemon("first", outputs={"out": output_to(receiver, "relp", max_length="8KiB")}).start()
    line = thor_line(7, 60_000)
    send_tcp(port_of(first, "tcp"), line + b"\n")
    first.wait_drained()
    assert len(receiver.lines) > 7 and max(map(len, receiver.lines)) <= 8192


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("read", READ_CASES)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_over_relp_nothing_is_missing(new_daemon, bad_receiver, certificates, read, end, tls):
    receiver = bad_receiver([Plan(READ[read], ENDS[end].pause, ENDS[end].end)], "relp",
                            server_context(certificates) if tls else None)
    config = output("relps" if tls else "relp", receiver.port, certificates)
    found = run(new_daemon, receiver, config, end == "hang", count=8000)
    print(read, end, found)
    assert found["missing"] == 0 and found["possibly_lost"] == 0
    assert found["twice"] <= 256  # the window, and what of one more window's worth was answered in part
    if end == "hang":
        assert found["twice"] == 0


class PickyReceiver(BadReceiver):
    """Refuses some lines, as often as told."""

    def __init__(self, answer: bytes, bad: bytes, times: int = 1 << 30):
        super().__init__(protocol="relp")
        self.answer, self.bad, self.times, self.refused = answer, bad, times, 0

    def refuse(self, body: bytes) -> bytes:
        if self.bad in body and self.refused < self.times:
            self.refused += 1
            return self.answer
        return b"200 OK"


LINES = 500


@pytest.fixture
def picky(new_daemon, bad_receiver):
    """picky(arguments of PickyReceiver): a daemon that sends numbered lines to such a receiver, and that."""

    def make(*arguments, **named):
        receiver = bad_receiver(*arguments, kind=PickyReceiver, **named)
        daemon = new_daemon(outputs={"out": output_to(receiver, "relp")}).start()
        send_lines(daemon, 0, LINES)
        return daemon, receiver

    return make


def expect_all_but(parked: set[int], daemon, receiver: PickyReceiver, seconds: float = 30) -> None:
    account = daemon.wait_drained(seconds=seconds)
    assert account["outputs"]["out"]["dropped"] == ({"parked": len(parked)} if parked else {})
    assert set(numbers(receiver.lines)) == set(range(LINES)) - parked


def test_a_record_that_is_refused_for_good_is_parked_and_the_rest_flows(picky):
    daemon, receiver = picky(b"413 too large", b"UID: 77 ")
    expect_all_but({77}, daemon, receiver, seconds=15)
    assert len(receiver.lines) == LINES - 1 and receiver.refused == 1  # and none of them twice
    assert "413 too large" in daemon.ctl("dead-letter", "list")


def test_a_record_that_fails_for_a_while_is_sent_again(picky):
    daemon, receiver = picky(b"500 no room just now", b"UID: 77 ", times=3)
    expect_all_but(set(), daemon, receiver)


def test_a_record_that_fails_each_time_while_others_pass_is_parked(picky):
    daemon, receiver = picky(b"500 this one never", b"UID: 77 ")
    expect_all_but({77}, daemon, receiver)


def test_a_target_that_refuses_everything_is_waited_for(picky):
    daemon, receiver = picky(b"500 the disk is full", b"UID: ", times=40)
    expect_all_but(set(), daemon, receiver, seconds=60)


def test_a_target_that_allows_nothing_holds_and_says_so(picky):
    daemon, receiver = picky(b"403 not you", b"UID: ", times=1)
    wait_until(lambda: daemon.metrics().get('output_state{output="out",state="holding"}') == 1, "holding")
    assert "403 not you" in daemon.ctl("status", "--json", ok=(1,))
    expect_all_but(set(), daemon, receiver)  # tried again by itself
