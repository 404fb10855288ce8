"""Drives the fleet simulator that lies beside the clone: makes a run, plays it, holds the events against the truth."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import time
from pathlib import Path

from daemon import Daemon
from net import free_port

# Where the simulator and the contract differ, the contract decides (specs, 8): it wants part markers honoured only on
# inputs with `trust: thorlogd`, and a datagram divided only with `split: true`; the simulator sends both to inputs that
# have neither. So its configuration gets these two keys.
CONTRACT_KEYS = {"type: udp": ["trust: thorlogd", "split: true"], "type: tcp": ["trust: thorlogd"]}

# The records of one divided datagram carry the contract's flag `split` (specs 2 names them doubtful), which the checker
# lacks. It is given that one, and no other.
CHECK_WITH_SPLIT = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
from fleetlib.check import events, lines  # lines keeps the set as it was: what it does not know it does not judge
events.FLAGS |= {"split"}
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
QUIET = {"PYTHONDONTWRITEBYTECODE": "1"}


def fleet(shared: Path, *arguments, seconds: float = 600) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(shared / "fleet" / "fleet.py"), *map(str, arguments)],
                          capture_output=True, text=True, timeout=seconds, env=QUIET)


class FleetDaemon(Daemon):
    """Runs with the configuration that the simulator wrote."""

    workers: int | str = "auto"
    made = ""  # as the simulator wrote it
    as_made = False  # leave it so

    def write_config(self) -> None:
        if self.as_made:
            return
        self.made = self.made or self.config_path.read_text()
        text = [f"workers: {self.workers}"]
        for line in self.made.splitlines():
            if line.startswith("workers:"):
                continue
            indent = line[:len(line) - len(line.lstrip())]
            text += [line, *(indent + key for key in CONTRACT_KEYS.get(line.strip(), []))]
        self.config_path.write_text("\n".join(text) + "\n")


class FleetRun:
    """One run in `folder`: its ports, its daemon, its truth."""

    def __init__(self, shared: Path, folder: Path, profile: str, seed: int, *options):
        self.shared, self.folder = shared, folder / "run"
        self.ports = {name: free_port() for name in ("udp", "tcp", "admin")}
        self.arguments = ["--profile", profile, "--seed", seed, "--out", self.folder, *options]
        for name, port in self.ports.items():
            self.arguments += [f"--{name}-port", port]
        self.generate()
        self.daemon = FleetDaemon(self.folder, {})
        self.daemon.config_path = self.folder / "thorlogd.yaml"
        self.events = self.folder / "events.jsonl"

    def generate(self, *options) -> None:
        made = fleet(self.shared, "generate", *self.arguments, *options)
        assert made.returncode == 0, made.stderr

    def generate_for_now(self) -> None:
        """Makes the run once more, with stamps of the moment at which that is done."""
        begun = time.time()
        for moment in (begun, None):
            moment = moment or 2 * time.time() - begun + 0.2  # as long as the first time took, from now on
            self.generate("--epoch", datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).isoformat())

    def player(self, *options) -> list[str]:
        return [sys.executable, str(self.shared / "fleet" / "fleet.py"), "play", str(self.folder),
                "--udp", f"127.0.0.1:{self.ports['udp']}", "--tcp", f"127.0.0.1:{self.ports['tcp']}",
                *map(str, options)]

    def start(self, **how) -> None:
        self.daemon.start(**how)
        self.daemon.config = {"outputs": {"events": {"path": str(self.events)}},
                              "admin": {"listen": f"127.0.0.1:{self.ports['admin']}"}}

    def play(self, *options) -> None:
        """Plays it to the end, and waits until the last line is out."""
        played = subprocess.run(self.player(*options), capture_output=True, text=True, timeout=1200, env=QUIET)
        assert played.returncode == 0, played.stdout + played.stderr
        self.daemon.wait_drained(seconds=30)

    def check(self, *options) -> dict:
        """What the checker found; its `ok` says whether all is right."""
        checked = subprocess.run(
            [sys.executable, "-c", CHECK_WITH_SPLIT, self.shared / "fleet", self.shared / "fleet" / "fleet.py",
             "check", self.folder, "--events", self.events, "--json", *map(str, options)],
            capture_output=True, text=True, timeout=600, env=QUIET)
        assert checked.returncode in (0, 1), checked.stdout + checked.stderr
        return json.loads(checked.stdout)

    def detections(self) -> list[dict]:
        return [event for event in self.daemon.events(own=True) if event["kind"] == "detection"]


def told(report: dict) -> str:
    """The faults of a check, short enough to read."""
    return json.dumps({key: value for key, value in report.items() if key not in ("lines",)}, indent=1)[:6000]


def without_recovered(events: Path) -> list[dict]:
    """Takes the recoveries out of the events, and looks at them: the simulator is older than that type of the contract.
    Each withdraws something that was told before."""
    keys: set[str] = set()
    kept, recovered = [], []
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "detection":
            detection = event["detection"]
            if detection["type"] == "scan_recovered":
                assert detection["resolves"] in keys, line
                recovered.append(event)
                continue
            keys.add(detection["key"])
        kept.append(line)
    events.write_text("\n".join(kept) + "\n")
    return recovered
