"""More than one machine: two edges take a fleet's lines and produce them to a topic with four partitions, two watchers read
two partitions each and watch the scans. What they find together is what the fleet's truth says, each finding once."""

from __future__ import annotations

import collections
import json
import subprocess

import pytest

from daemon import Daemon
from fleet import QUIET, FleetRun, told, without_recovered
from kafka import Broker
from net import free_port
from wait import wait_until

pytestmark = pytest.mark.fleet


class Part(Daemon):
    """One of the four: its own sections, and those of the simulator's configuration that it shares."""

    def __init__(self, run: "Deployment", name: str, inputs: dict, output: dict, watches: bool):
        own = run.folder.parent / name
        own.mkdir()
        super().__init__(own, {
            "state_directory": str(own / "state"), "workers": 1, "inputs": inputs, "outputs": {"events": output},
            "admin": {"listen": f"127.0.0.1:{free_port()}", "socket": str(own / "admin.sock")}})
        self.shares = [run.section("reassembly"), run.section("identity")]
        self.shares.append(run.section("scans") if watches else "scans: { enabled: false }\n")

    def write_config(self) -> None:
        own = "".join(f"{key}: {json.dumps(value)}\n" for key, value in self.config.items())
        self.config_path.write_text(own + "".join(self.shares))


class Deployment(FleetRun):
    def __init__(self, shared, folder, broker: Broker, topic: str, profile: str, seed: int, *options):
        super().__init__(shared, folder, profile, seed, *options)
        self.made = (self.folder / "thorlogd.yaml").read_text()
        kafka = {"type": "kafka", "brokers": [broker.address], "topic": topic,
                 "settings": {"message.max.bytes": 5_000_000}}  # the fleet sends lines of more than the usual megabyte
        produced = {**kafka, "format": "raw", "key": "host", "match": [{"not": {"kind": ["detection", "audit"]}}]}
        self.edges = [
            Part(self, f"edge-{kind}", {kind: {**self.listener(kind), **more}}, produced, watches=False)
            for kind, more in (("udp", {"split": True, "receive_buffer": "32MiB"}), ("tcp", {}))]
        self.watchers = [
            Part(self, f"watcher-{first}", {"edges": {**kafka, "partitions": [first, first + 1], "trust": "thorlogd"}},
                 {"type": "file", "format": "json", "path": str(folder / f"watcher-{first}.jsonl")}, watches=True)
            for first in (0, 2)]

    def listener(self, kind: str) -> dict:
        return {"type": kind, "listen": f"127.0.0.1:{self.ports[kind]}", "trust": "thorlogd"}

    def section(self, name: str) -> str:
        """A top-level section of the simulator's configuration, as it stands there."""
        lines = self.made.splitlines(keepends=True)
        begin = next(n for n, line in enumerate(lines) if line.startswith(f"{name}:"))
        end = next((n for n in range(begin + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
        return "".join(lines[begin:end])

    def everybody(self) -> list[Part]:
        return [*self.edges, *self.watchers]

    def play_through(self, kills: int) -> None:
        """Plays it; meanwhile one watcher is killed and started again so many times."""
        player = subprocess.Popen(self.player(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=QUIET)
        victim = self.watchers[1]
        for n in range(kills):
            wait_until(lambda: len(victim.events(own=True)) >= 200 * (n + 1) or player.poll() is not None,
                       "the watcher to have got on", 60, pause=0.1)
            assert player.poll() is None, f"it was over after {n} kills"
            victim.kill()
            victim.start()
        said = player.communicate(timeout=1200)[0]
        assert player.returncode == 0, said

    def wait_for_the_end(self, topic: str, broker: Broker) -> None:
        """All that the edges stored is with the broker, and all that is there is in the watchers' files."""
        for edge in self.edges:
            edge.wait_drained(seconds=60)
        produced = broker.count(topic)
        wait_until(lambda: sum(self.stored(watcher) for watcher in self.watchers) == produced,
                   lambda: f"{produced} lines with the watchers, {[self.stored(w) for w in self.watchers]}", 60, pause=0.2)
        for watcher in self.watchers:
            watcher.wait_drained(seconds=30)

    @staticmethod
    def stored(watcher: Part) -> int:
        """Lines of the topic in its journal, over all its lives: each has a number of its own."""
        return len({event["seq"] for event in watcher.events()})


def findings(watcher: Part) -> dict[str, set]:
    """Of each finding the events that tell it."""
    places: dict[str, set] = collections.defaultdict(set)
    for event in watcher.events(own=True):
        if event["kind"] == "detection":
            places[event["detection"]["key"]].add((event["journal_id"], event["id"]))
    return places


def judge(run: Deployment) -> None:
    told_by = [findings(watcher) for watcher in run.watchers]
    assert all(told_by), "both watchers have something to tell"
    assert set(told_by[0]).isdisjoint(told_by[1]), "a finding was told by both"
    assert [key for places in told_by for key, events in places.items() if len(events) > 1] == []
    files = [watcher.config["outputs"]["events"]["path"] for watcher in run.watchers]
    run.events.write_text("".join(open(path).read() for path in files))
    without_recovered(run.events)
    report = run.check("--allow-duplicates")
    assert report["ok"], told(report)


@pytest.mark.parametrize("profile, seed, kills", [
    ("smoke", 3, 0), pytest.param("full", 9, 3, marks=pytest.mark.slow)])
def test_two_edges_and_two_watchers_find_each_thing_once(shared, folder, broker, profile, seed, kills):
    topic = broker.create(f"fleet-{profile}", 4, 1, "max.message.bytes=5000000")
    run = Deployment(shared, folder, broker, topic, profile, seed, "--time-scale", 1.5)
    try:
        for part in run.everybody():
            part.start()
        run.play_through(kills)
        run.wait_for_the_end(topic, broker)
    finally:
        for part in run.everybody():
            part.finish()
    judge(run)
