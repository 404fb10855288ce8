"""The configurations in conf/examples: each is valid, says what it promises, and those for THOR's surroundings do it."""

from __future__ import annotations

import json
import subprocess

import pytest

from daemon import ROOT, program
from lines import json_line, thor_line
from net import Receiver, free_port, send_tcp, send_udp
from wait import wait_until
from web import WebServer

EXAMPLES = sorted((ROOT / "conf" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_is_valid_and_says_what_it_promises(path):
    done = subprocess.run([program("thorlogd"), "--config", str(path), "--check"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stderr
    parts = [part for part in done.stdout.split("\n\n") if part.startswith(("input ", "output "))]
    assert any(part.startswith("input ") for part in parts) and any(part.startswith("output ") for part in parts)
    for part in parts:
        assert "  promise:" in part and "  loss window:" in part, part


def run_example(new_daemon, name: str, replace: dict[str, str]):
    """A daemon with the text of an example, its addresses and folders replaced by ones of this test."""
    daemon = new_daemon()
    text = (ROOT / "conf" / "examples" / f"{name}.yaml").read_text()
    logs = daemon.folder / "log"
    logs.mkdir()
    for old, new in {**replace, "/var/log/thorlogd": str(logs),
                     "0.0.0.0:514": daemon.config["inputs"]["tcp"]["listen"]}.items():
        assert old in text, old
        text = text.replace(old, new)
    own = {key: daemon.config[key] for key in ("state_directory", "admin")}
    daemon.config["inputs"]["udp"]["listen"] = daemon.config["inputs"]["tcp"]["listen"]
    daemon.config_path.write_text(text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in own.items()))
    daemon.write_config = lambda: None
    return daemon.start(), int(daemon.config["inputs"]["tcp"]["listen"].rsplit(":", 1)[1]), logs


COCKPIT = """
module(load="imptcp")
input(type="imptcp" port="{source}" ruleset="cockpit")
ruleset(name="cockpit") {{
  {action}
}}
"""


def test_the_cockpit_example_takes_what_scanners_and_its_rsyslog_tab_send(new_daemon, peers):
    """The tab makes rsyslog forward with its defaults: LF over TCP, or UDP."""
    siem = Receiver().start()
    daemon, port, logs = run_example(new_daemon, "analysis-cockpit", {"siem.example:514": f"127.0.0.1:{siem.port}"})
    sources = {protocol: free_port() for protocol in ("tcp", "udp")}
    for protocol, mark in (("tcp", "@@"), ("udp", "@")):
        peers.rsyslog(protocol, COCKPIT.format(source=sources[protocol], action=f"*.* {mark}127.0.0.1:{port}"))
    direct = [thor_line(number, host="direct") for number in range(50)]
    send_tcp(port, b"".join(line + b"\n" for line in direct[:25]))
    send_udp(port, *direct[25:])
    for protocol, source in sources.items():
        send_tcp(source, b"".join(thor_line(number, host=protocol, level="Warning") + b"\n" for number in range(50)))
    long_line = b"<188>Oct  8 11:37:54 tcp THOR: " + json_line(7, 7000, host="tcp")
    send_tcp(sources["tcp"], long_line + b"\n")

    def count(asset: str) -> int:
        return sum(len(path.read_bytes().splitlines()) for path in (logs / asset).glob("*.log"))

    wait_until(lambda: [count(asset) for asset in ("direct", "tcp", "udp")] == [50, 51, 50],
               lambda: f"all lines in the files of their assets, got {[count(a) for a in ('direct', 'tcp', 'udp')]}", 20)
    written = next((logs / "tcp").glob("*.log")).read_bytes()
    assert json_line(7, 7000, host="tcp") in written.replace(b"\\x5C", b"\\")
    wait_until(lambda: len(siem.frames()) >= 101, lambda: f"101 warnings at the SIEM, got {len(siem.frames())}")
    assert all(b"[thor@32473 " in frame for frame in siem.frames())
    daemon.wait_account(lambda account: all(row["pending"] == 0 for row in account["outputs"].values()), "all delivered")
    assert daemon.stop() == 0
    siem.stop()


def test_the_slack_example_sends_no_line_that_is_no_detection(new_daemon):
    server = WebServer().start()
    url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    daemon, port, logs = run_example(new_daemon, "slack", {url: server.url})
    send_tcp(port, b"".join(thor_line(number, level="Alert") + b"\n" for number in range(20)))
    account = daemon.wait_account(lambda account: account["outputs"]["channel"]["pending"] == 0 and
                                  account["outputs"]["archive"]["acknowledged"] >= 20, "all delivered")
    detections = [line for path in logs.glob("*.jsonl") for line in path.read_bytes().splitlines()
                  if json.loads(line)["kind"] == "detection" and json.loads(line)["level"] != "info"]
    assert account["outputs"]["channel"]["acknowledged"] == len(detections)
    assert daemon.stop() == 0
    server.stop()
