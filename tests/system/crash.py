"""Kills a real thorlogd under load, at fault points and at random instants, and holds what it delivers against what it
had stored: nothing lost, nothing invented, order within a connection, duplicates only of what was in flight."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

from daemon import Daemon, file_output, port_of, syslog_output, unbalanced, usual
from lines import stamp
from net import free_port
from wait import SLOWNESS

# Where the file layer is asked in this configuration, and how often at most before the fault strikes.
POINTS = {"seg_create": 3, "seg_fallocate": 3, "seg_header": 5, "dir_sync": 8, "batch_write": 60, "batch_short": 60,
          "sync": 12, "publish": 60, "seal": 3, "cursor_slot": 60, "cursor_sync": 3, "unlink": 2, "park_write": 4,
          "outbox_commit": 2, "outbox_append": 1, "outbox_mark": 1}
ROW = re.compile(rb'"seq":(\d+).*?"host":"c(\d+)".*?UID: (\d+) ')
LONG = 65_600  # a line that fits no datagram: the output `lossy` parks it


class Feeder(threading.Thread):
    """One connection that sends numbered lines until the daemon goes away or it is told to end."""

    def __init__(self, port: int, name: int, long_every: int):
        super().__init__(daemon=True)
        self.name_number, self.long_every = name, long_every
        self.port, self.sent, self.ending = port, 0, False
        self.stamp = stamp()

    def line(self, number: int) -> bytes:
        what = "Filescan MESSAGE: Suspicious file"
        if number % 100 == 0:  # a scan begins: the scan watch finds something, and stores it
            what = "Startup MESSAGE: Thor Version: 10.8.0"
        text = (f"<190>{self.stamp} c{self.name_number}/10.1.2.3 THOR: Notice: MODULE: {what} "
                f"SCANID: S-crash{number // 100:06} UID: {number} FILE: /tmp/")
        return text.encode() + (b"x" * LONG if number % self.long_every == self.long_every - 1 else b"a") + b" SCORE: 7\n"

    def run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10 * SLOWNESS) as connection:
                while not self.ending:
                    portion = b"".join(self.line(self.sent + i) for i in range(50))
                    self.sent += 50  # before: what went out in part counts as sent
                    connection.sendall(portion)
                    time.sleep(0.005)
        except OSError:
            pass


class CrashRun:
    def __init__(self, folder: Path, seed: int):
        self.random = random.Random(seed)
        self.seed = seed
        self.hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes datagrams, reads none
        self.hole.bind(("127.0.0.1", 0))
        config = usual(folder, outputs={
            "events": file_output(folder / "events.jsonl", match=[{"kind": ["thor"]}]),
            "lossy": syslog_output(self.hole.getsockname()[1], "udp", match=[{"kind": ["thor"]}])})
        config["inputs"] = {"tcp": {"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}}
        config["journal"] = {"segment": "128KiB", "max_size": "16MiB", "retain": "1s"}
        config["dead_letters"] = {"max_size": "4GiB"}
        config["admin"]["listen"] = f"127.0.0.1:{free_port()}"
        self.daemon = Daemon(folder, config)
        self.feeders: list[Feeder] = []
        self.kills, self.hits, self.connections = 0, Counter(), 0
        self.rows: dict[int, tuple[int, int]] = {}  # seq -> connection, number
        self.delivered: dict[int, int] = {}         # connection -> how many of its lines, without a gap from 0
        self.repeated, self.cut, self.read, self.descents = 0, 0, 0, 0
        self.last_seq, self.highest, self.checked_upto = 0, 0, 0
        self.lost, self.invented, self.changed = 0, 0, 0
        self.waiting_cuts: list[bytes] = []
        self.stored_samples = 0  # of lives that are over, and were checked
        self.sample = 0          # of this life
        self.letters = 0

    # -- one life --

    def load(self, seconds: float) -> None:
        """Feeds for so long, or until the daemon dies."""
        port = port_of(self.daemon, "tcp")
        feeders = []
        for _ in range(4):
            self.connections += 1
            feeders.append(Feeder(port, self.connections, long_every=self.random.choice((197, 1009))))
        self.feeders += feeders
        for feeder in feeders:
            feeder.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.daemon.running():
            self.look()
            time.sleep(0.02)

    def look(self) -> None:
        try:
            status, text = self.daemon.http("/api/v1/account")
        except OSError:
            return  # it has just died
        if status == 200:
            account = json.loads(text)
            assert unbalanced(account) == [], text
            self.sample = max(self.sample, account["inputs"]["tcp"]["stored"])

    def end_feeders(self) -> None:
        for feeder in self.feeders[-4:]:
            feeder.ending = True
        for feeder in self.feeders[-4:]:
            feeder.join(30 * SLOWNESS)

    def die(self, point: str | None) -> None:
        """A life under load that ends at the fault point, or at some instant."""
        faults = {}
        if point:
            faults = {"THORLOG_FAULT": f"{point}:{self.random.randint(1, POINTS[point])}:crash"}
        self.daemon.config["journal"]["durability"] = self.random.choice(("os", "disk"))
        self.daemon.start(wait=False, environment=faults)
        try:
            self.daemon.notify.wait("READY=1", alive=self.daemon.running)
            self.load(self.random.uniform(0.02, 0.5) if point is None else 4 * SLOWNESS)
        except AssertionError:
            assert not self.daemon.running(), self.daemon.log()[-4000:]  # it died before it was ready: in its recovery
        hit = not self.daemon.running()
        self.daemon.kill()
        assert self.daemon.process.returncode == -signal.SIGKILL, self.daemon.log()[-4000:]
        self.end_feeders()
        self.kills += 1
        if point and hit:
            self.hits[point] += 1
        if not point:
            self.hits["at some instant"] += 1

    # -- what must hold after it --

    def check(self) -> None:
        self.daemon.start()
        account = self.daemon.wait_drained(seconds=60.0)
        for name in ("events", "lossy"):
            dropped = {reason: count for reason, count in account["outputs"][name]["dropped"].items()
                       if reason != "parked"}
            assert dropped == {}, account
        self.read_new_rows()
        assert account["outputs"]["events"]["acknowledged"] == len(self.rows), (account, len(self.rows))
        self.check_connections()
        self.lost += max(0, self.stored_samples + self.sample - len(self.rows))
        assert self.lost == 0, "what was seen to be stored is lost"
        self.stored_samples, self.sample = len(self.rows), 0
        letters = json.loads(self.daemon.http("/api/v1/dead-letters?limit=0")[1])["outputs"]
        count = sum(row["letters"] for row in letters if row["output"] == "lossy")
        assert count == account["outputs"]["lossy"]["dropped"].get("parked", 0), (count, account)
        self.letters = count
        self.daemon.kill()
        self.kills += 1
        self.hits["idle"] += 1

    def read_new_rows(self) -> None:
        path = Path(self.daemon.config["outputs"]["events"]["path"])
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self.read)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self.read += len(text)
        for line in text.split(b"\n")[:-1]:
            self.take(line)
        assert self.waiting_cuts == [], "a kill left a line unfinished, and the whole of it never came"

    def take(self, line: bytes) -> None:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            self.cut += 1
            assert self.cut <= self.kills, line[:200]
            self.waiting_cuts.append(line)
            return
        self.waiting_cuts = [cut for cut in self.waiting_cuts if not line.startswith(cut)]
        found = ROW.search(line)
        assert found, line[:300]
        seq, place = int(found[1]), (int(found[2]), int(found[3]))
        assert seq == row["seq"]
        connection, number = place
        feeder = self.feeders[connection - 1]
        self.invented += number >= feeder.sent
        self.changed += row["raw"].encode() + b"\n" != feeder.line(number)
        assert (self.invented, self.changed) == (0, 0), place
        if seq <= self.last_seq:  # goes back: only where a life ended, to what was in flight then
            self.descents += 1
            assert self.descents <= self.kills and seq in self.rows, (seq, self.last_seq, self.descents)
        if seq in self.rows:
            assert self.rows[seq] == place, f"number {seq} names two lines"
            self.repeated += 1
        else:
            assert seq > self.highest, f"number {seq} came after {self.highest}"
            self.rows[seq] = place
        self.highest = max(self.highest, seq)
        self.last_seq = seq

    def check_connections(self) -> None:
        """Of each connection a beginning has arrived, in order: nothing in between is lost, nothing came twice."""
        new = [seq for seq in sorted(self.rows) if seq > self.checked_upto]
        for seq in new:
            connection, number = self.rows[seq]
            assert number == self.delivered.get(connection, 0), f"connection {connection}: {number} after {self.delivered}"
            self.delivered[connection] = number + 1
        self.checked_upto = max(self.rows, default=0)

    # -- all of it --

    def run(self, deaths: int) -> dict:
        points = list(POINTS)
        self.random.shuffle(points)
        for number in range(deaths):
            point = points[number // 2 % len(points)] if number % 2 == 0 else None
            self.die(point)
            self.check()
        self.hole.close()
        return self.report()

    def report(self) -> dict:
        return {"seed": self.seed, "kills": self.kills, "kills under load or while recovering": self.kills - self.hits["idle"],
                "points": dict(sorted(self.hits.items())),
                "connections": self.connections, "lines sent": sum(feeder.sent for feeder in self.feeders),
                "lines stored": len(self.rows), "lost": self.lost, "invented": self.invented, "changed": self.changed,
                "delivered again after a kill": self.repeated, "lines cut by a kill, and followed by the whole": self.cut,
                "dead letters": self.letters}
