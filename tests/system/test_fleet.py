"""The fleet simulator plays scanners and relays, and holds every event against the truth. Runs where it is beside the
clone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from daemon import Daemon, port_of
from net import free_port

pytestmark = pytest.mark.fleet

# What the scan watch finds is judged by the tests that come with it; here it is lines: bytes, tags, flags, parts, peer.
LINES_ONLY = ["--ignore", "detections"]


# Where the simulator and the contract differ, the contract decides (specs, 8): it wants part markers honoured only on
# inputs with `trust: thorlogd`, and a datagram divided only with `split: true`; the simulator sends both to inputs that
# have neither. So its configuration gets these two keys.
CONTRACT_KEYS = {"type: udp": ["trust: thorlogd", "split: true"], "type: tcp": ["trust: thorlogd"]}

# The checker knows only some of the contract's flags; those it lacks are no fault.
CHECK_WITH_ALL_FLAGS = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
from fleetlib.check import events, lines  # lines keeps the set as it was: what it does not know it does not judge
events.FLAGS |= {"gap", "json_invalid", "split"}
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def fleet(shared, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(shared / "fleet" / "fleet.py"), *map(str, arguments)],
                          capture_output=True, text=True, timeout=600, env={"PYTHONDONTWRITEBYTECODE": "1"})


class FleetDaemon(Daemon):
    """Runs with the configuration that the simulator wrote."""

    def write_config(self) -> None:
        text = []
        for line in self.config_path.read_text().splitlines():
            text.append(line)
            indent = line[:len(line) - len(line.lstrip())]
            text += [indent + key for key in CONTRACT_KEYS.get(line.strip(), [])]
        self.config_path.write_text("\n".join(text) + "\n")


def run(shared, folder, profile: str, seed: int, *play) -> None:
    out = folder / "run"
    ports = {name: free_port() for name in ("udp", "tcp", "admin")}
    made = fleet(shared, "generate", "--profile", profile, "--seed", seed, "--out", out,
                 *[word for name, port in ports.items() for word in (f"--{name}-port", port)])
    assert made.returncode == 0, made.stderr
    daemon = FleetDaemon(out, {})
    daemon.config_path = out / "thorlogd.yaml"
    try:
        daemon.start()
        played = fleet(shared, "play", out, "--udp", f"127.0.0.1:{ports['udp']}", "--tcp", f"127.0.0.1:{ports['tcp']}",
                       *play)
        assert played.returncode == 0, played.stdout + played.stderr
        daemon.config = {"outputs": {"events": {}}}
        daemon.wait_drained(seconds=20)
    finally:
        daemon.finish()
    checked = subprocess.run([sys.executable, "-c", CHECK_WITH_ALL_FLAGS, shared / "fleet", shared / "fleet" / "fleet.py",
                              "check", out, "--events", out / "events.jsonl", *LINES_ONLY],
                             capture_output=True, text=True, timeout=600, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_smoke(shared, folder):
    run(shared, folder, "smoke", 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reassembly(shared, folder, seed):
    run(shared, folder, "reassembly", seed)
