"""The load generator and the checking sink around the daemon: every number once, in order, with its bytes."""

from __future__ import annotations

import json
import subprocess

import pytest

from daemon import build_folder, file_output, port_of, syslog_output
from net import free_port
from wait import SLOWNESS, wait_until


def tool(name: str) -> str:
    path = build_folder() / "bench" / f"thorlog_{name}"
    if not path.exists():
        pytest.skip(f"SKIPPED: {path} is not built (THORLOG_BENCH)")
    return str(path)


class Sink:
    def __init__(self, *arguments):
        self.port = free_port()
        self.process = subprocess.Popen([tool("sink"), "--port", str(self.port), "--idle", "15", *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr.readline() == "ready\n"

    def report(self) -> dict:
        out, _ = self.process.communicate(timeout=120 * SLOWNESS)
        report = json.loads(out)
        assert self.process.returncode == 0, report
        return report


def load(port: int, *arguments) -> dict:
    done = subprocess.run([tool("load"), "--port", str(port), *map(str, arguments)], capture_output=True, text=True,
                          timeout=120 * SLOWNESS)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode, connections, framing", [("lf", 1, "lf"), ("lf", 8, "octet"), ("octet", 8, "lf")])
def test_every_number_arrives_once_and_in_order(new_daemon, mode, connections, framing):
    count = 200_000
    sink, second = (Sink("--count", count, "--connections", connections) for _ in range(2))
    daemon = new_daemon(outputs={
        "first": syslog_output(sink.port, framing=framing, format="raw", match=[{"kind": ["thor"]}]),
        "second": syslog_output(second.port, framing="octet", format="raw", match=[{"kind": ["thor"]}])}).start()
    load(port_of(daemon, "tcp"), "--count", count, "--connections", connections, "--mode", mode)
    for report in (sink.report(), second.report()):
        assert report["lines"] == count
    account = daemon.account()
    assert account["inputs"]["tcp"]["stored"] == count


def test_every_number_is_in_the_file(new_daemon):
    count = 200_000
    daemon = new_daemon()
    path = daemon.folder / "all.log"
    daemon.config["outputs"] = {"all": file_output(path, "raw", match=[{"kind": ["thor"]}])}
    daemon.start()
    load(port_of(daemon, "tcp"), "--count", count, "--connections", 4)
    daemon.wait_drained(seconds=60)
    done = subprocess.run([tool("sink"), "--file", path, "--count", str(count), "--connections", "4"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_datagram_that_the_kernel_took_arrives(new_daemon):
    count = 20_000
    sink = Sink("--count", count, "--connections", 4, "--unordered")
    daemon = new_daemon(outputs={"out": syslog_output(sink.port, framing="octet", format="raw",
                                                      match=[{"kind": ["thor"]}])}).start()
    load(port_of(daemon, "udp"), "--count", count, "--connections", 4, "--mode", "udp", "--rate", 20000, "--no-giants")
    wait_until(lambda: daemon.metrics()['input_kernel_drops_total{input="udp"}']
               + daemon.account()["inputs"]["udp"]["received"] == count, "every datagram to be counted")
    assert sink.report()["lines"] == count


@pytest.mark.slow
def test_a_target_that_comes_up_late_gets_everything(new_daemon):
    count, port = 500_000, free_port()
    daemon = new_daemon(outputs={"out": syslog_output(port, framing="octet", format="raw",
                                                      match=[{"kind": ["thor"]}])}).start()
    load(port_of(daemon, "tcp"), "--count", count, "--connections", 8)
    daemon.wait_received("tcp", count, 60)
    process = subprocess.Popen([tool("sink"), "--port", str(port), "--idle", "15", "--count", str(count),
                                "--connections", "8"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, _ = process.communicate(timeout=120 * SLOWNESS)
    assert process.returncode == 0, out
