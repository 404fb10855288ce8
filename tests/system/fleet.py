"""Drives the fleet simulator that lies beside the clone: makes a run, plays it, holds the events against the truth."""

from __future__ import annotations

import base64
import datetime
import json
import re
import subprocess
import sys
import time
from itertools import product
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


class Whole:
    """Says whether the bytes of a connection end where a message does: lines, or messages behind their lengths."""

    def __init__(self):
        self.rest = b""
        self.counted: bool | None = None

    def see(self, data: bytes) -> None:
        self.rest += data
        if self.counted is None and len(self.rest) >= 16:
            self.counted = re.match(rb"[1-9]\d{0,9} <", self.rest) is not None
        if not self.counted:
            self.rest = self.rest[self.rest.rfind(b"\n") + 1:]
            return
        while (head := re.match(rb"(\d+) ", self.rest)) and len(self.rest) >= head.end() + int(head[1]):
            self.rest = self.rest[head.end() + int(head[1]):]
        if self.rest and not re.match(rb"\d{1,9}(?: |$)", self.rest):  # one count, and lines behind it
            self.counted = False
            self.see(b"")

    def is_whole(self) -> bool:
        return self.rest == b""


class Flows:
    """The connections of a timeline: where each may be cut off and go on as a new one. Real senders send a message again
    of which they know only a part to be sent, and begin a counted stream with a priority (fleet/README.md, 10)."""

    SEGMENTS = 0.006  # seconds within which the parts of one write follow each other

    def __init__(self, timeline: list[dict]):
        self.open: dict[str, Whole] = {}
        self.sent: dict[str, float] = {}
        self.next: dict[str, list[tuple[float, bytes]]] = {}
        for row in reversed(timeline):
            if row["via"] == "tcp":
                self.next.setdefault(row["connection"], []).append((row["t"], base64.b64decode(row["data"][:64])))

    def see(self, row: dict) -> None:
        if row["via"] != "tcp":
            return
        name = row["connection"]
        self.open.setdefault(name, Whole()).see(base64.b64decode(row["data"]))
        self.sent[name] = row["t"]
        self.next[name].pop()
        if row.get("end"):
            self.open.pop(name)

    def may_break(self) -> bool:
        for name, flow in self.open.items():
            if not flow.is_whole():
                return False
            if self.next[name]:
                t, head = self.next[name][-1]
                if t - self.sent[name] < self.SEGMENTS or (flow.counted and not re.match(rb"\d+ <", head)):
                    return False
        return True


# Found by silence alone. A scan that was interrupted and not resumed is no such thing: its window goes on.
ANY_SCAN = "*"
BY_SILENCE = {"scan_suspect", "scan_lost", "completion_unknown", "asset_silent"}


def any_of(wanted) -> list:
    """The simulator says a list where more than one is right."""
    return wanted if isinstance(wanted, list) else [wanted]


class KilledRun(FleetRun):
    """Plays the run in this process, so that it can kill the daemon between two rows when nothing is under way. The
    senders wait meanwhile: what follows keeps its distance in time."""

    # In the run's time.
    away: list[tuple[float, float]] = []  # when the senders waited, and for how long
    starts: list[float] = []  # when it was killed, and started again

    def play_killing(self, times: int, within: tuple[float, float], longer: float = 0.0) -> None:
        """Kills at so many moments of the run; waits `longer` at its end, for silences that the kills put off."""
        sys.path.insert(0, str(self.shared / "fleet"))
        from fleetlib.play import Player, endpoint  # the simulator's own player

        manifest = json.loads((self.folder / "manifest.json").read_text())
        timeline = [json.loads(row) for row in (self.folder / "timeline.jsonl").read_text().splitlines()]
        player = Player(endpoint(f"127.0.0.1:{self.ports['udp']}"), endpoint(f"127.0.0.1:{self.ports['tcp']}"))
        kills = [within[0] + (within[1] - within[0]) * n / times for n in range(times)]
        self.away, self.starts = [], []
        started_ns, start = time.time_ns(), time.monotonic()
        flows = Flows(timeline)
        for row in timeline:
            if kills and row["t"] >= kills[0] and flows.may_break():
                waits = time.monotonic()
                if self.kill_quietly(player):
                    kills.pop(0)
                    self.starts.append(row["t"])
                else:
                    kills[0] += 0.1
                start += time.monotonic() - waits
                self.away.append((row["t"], time.monotonic() - waits))
            player._pass_time(start + row["t"])
            player._send(row)
            flows.see(row)
        player._pass_time(start + manifest["watch_until"] + longer)
        player._hang_up()
        assert not kills
        report = {"started_ns": started_ns, "speed": 1.0, "failures": player.report.failures,
                  "errors": player.report.errors, "away": self.away, "starts": self.starts}
        (self.folder / "played.json").write_text(json.dumps(report))
        assert player.report.failures == 0, player.report.errors
        self.daemon.wait_drained(seconds=30)

    def wait_of(self, t: float) -> float:
        """How much later than planned that moment of the run came."""
        return sum(seconds for at, seconds in self.away if at <= t)

    def truth_of_kills(self) -> None:
        """The simulator knows of no kills. By the rule (specs 3, 5) each start gives every open scan a full
        `silence_suspect`, and here every asset too: what is found by silence is due that much later, and not at all
        when the scan speaks before. Nothing else may be late, or missing, but for the time that nobody was heard."""
        suspect = json.loads((self.folder / "manifest.json").read_text())["timers"]["suspect"]
        spoken: dict[tuple, list[float]] = {}
        for text in (self.folder / "truth-lines.jsonl").read_text().splitlines():
            row = json.loads(text)
            for record in row["records"]:
                for name in product(any_of(record.get("asset")), [*any_of(record.get("scan_id")), ANY_SCAN]):
                    spoken.setdefault(name, []).append(row["t"])
        path = self.folder / "truth-detections.jsonl"
        rows = [json.loads(text) for text in path.read_text().splitlines()]
        for row in rows:
            if row["expect"] == "forbidden":
                continue
            due = row["earliest"]
            if row["type"] in BY_SILENCE and row["cause"] != "not_resumed":
                due = self.put_off(due, suspect)
                scans = [ANY_SCAN] if row["type"] == "asset_silent" else any_of(row["scan_id"])
                if any(row["earliest"] < t < due for name in product(any_of(row["asset"]), scans)
                       for t in spoken.get(name, [])):
                    row.update(expect="optional")
            latest = row["latest"] + due - row["earliest"]
            row["latest"] = latest + self.wait_of(latest)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def put_off(self, due: float, suspect: float) -> float:
        for start, next_start in zip(self.starts, [*self.starts[1:], float("inf")]):
            if start < due < start + suspect:
                due = start + suspect
            if due < next_start:
                break
        return due

    def kill_quietly(self, player) -> bool:
        """False: something is under way, and it lives on."""
        while player._busy():
            player._pass_time(time.monotonic() + 0.02)
        if not self.is_quiet():
            return False
        self.daemon.kill()
        for stream in player.streams.values():  # they are dead; the next row opens new ones
            stream.socket.close()
        player.streams.clear()
        self.daemon.start()
        return True

    def is_quiet(self) -> bool:
        """Every line that was sent is in the journal, and no piece waits for another: what lies in a dying daemon's
        sockets is lost, as documented, and so is what it holds."""
        before = None
        for _ in range(2):
            inputs = self.daemon.account()["inputs"]
            if any(row["received"] != row["stored"] + row["joined"] + sum(row["refused"].values())
                   for row in inputs.values()):
                return False  # at once: the silence of the senders is heard
            if inputs == before:
                return True
            before = inputs
            time.sleep(0.05)
        return False


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
