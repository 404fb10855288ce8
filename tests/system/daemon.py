"""One thorlogd with its own folder, ports and state, and what a test asks it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from net import free_port
from notify import NotifySocket
from wait import SLOWNESS, wait_until

ROOT = Path(__file__).resolve().parents[2]
DOUBTFUL = ("broken promise", "AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:")


def build_folder() -> Path:
    """Where the programs are: THORLOGD_BUILD, else the first preset that is built."""
    named = os.environ.get("THORLOGD_BUILD")
    folders = [Path(named).resolve()] if named else [ROOT / "build" / name for name in ("release", "debug")]
    for folder in folders:
        if (folder / "daemon" / "thorlogd").exists():
            return folder
    raise FileNotFoundError(f"no daemon/thorlogd in {', '.join(map(str, folders))}: build it, or set THORLOGD_BUILD")


def program(name: str) -> str:
    return str(build_folder() / "daemon" / name)


class Daemon:
    """Starts with `config` (a dict; JSON is YAML), into which fresh ports, folders and outputs were put by `usual`."""

    def __init__(self, folder: Path, config: dict):
        self.folder = folder
        self.config = config
        self.config_path = folder / "thorlogd.yaml"
        self.log_path = folder / "thorlogd.log"
        self.process: subprocess.Popen | None = None
        self.notify: NotifySocket | None = None
        self._rows: dict[Path, list[dict]] = {}
        self._read: dict[Path, int] = {}
        self.kills = 0
        self.cut_lines: list[bytes] = []
        self.expected_exit = 0
        self.check_laws = True

    # -- life --

    def write_config(self) -> None:
        text = json.dumps(self.config, indent=1)
        swap = self.config_path.with_suffix(".new")
        swap.write_text(text)
        swap.rename(self.config_path)

    def start(self, wait: bool = True, environment: dict[str, str] | None = None, arguments: tuple = ()) -> "Daemon":
        assert not self.running()
        self.write_config()
        if self.notify:
            self.notify.close()
        self.notify = NotifySocket(self.folder)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [program("thorlogd"), "--config", str(self.config_path), *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **self.notify.environment(), **(environment or {})})
        if wait:
            try:
                self.notify.wait("READY=1", alive=self.running)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds: float = 5.0) -> int:
        """A clean stop. Gives the exit status; fails when it takes longer than promised."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.wait(seconds * SLOWNESS)
        assert time.monotonic() - begun <= seconds * SLOWNESS
        return status

    def kill(self) -> None:
        self.kills += 1
        self.process.kill()
        self.process.wait()

    def wait(self, seconds: float = 20.0) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"thorlogd did not end within {seconds:g} s\n{self.log()[-4000:]}") from None

    def reload(self, wait: bool = True) -> None:
        """Writes the configuration as it is now and sends SIGHUP; waits until it is in effect."""
        self.write_config()
        before = self.notify.count("READY=1")
        self.process.send_signal(signal.SIGHUP)
        if wait:
            self.notify.wait("READY=1", before + 1, alive=self.running)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- questions --

    def ctl(self, *arguments: str, ok: tuple = (0,)) -> str:
        done = subprocess.run([program("thorlogctl"), *arguments, "--config", str(self.config_path)],
                              capture_output=True, text=True, timeout=30 * SLOWNESS)
        assert done.returncode in ok, f"thorlogctl {arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def status(self, ok: tuple = (0, 1)) -> dict:
        return json.loads(self.ctl("status", "--json", ok=ok))

    def status_of(self, output: str) -> dict:
        return next(row for row in self.status()["outputs"] if row["name"] == output)

    def account(self, balanced: bool = True) -> dict:
        text = self.ctl("account", "--json", ok=(0,) if balanced else (0, 1))
        account = json.loads(text)
        if balanced:
            assert unbalanced(account) == [], text
            assert account["balanced"] is True, text
        return account

    def wait_account(self, condition, what: str, seconds: float = 15.0) -> dict:
        """The first account for which the condition holds; every one that is seen on the way balances."""
        last: dict = {}

        def look():
            nonlocal last
            last = self.account()
            return condition(last)

        wait_until(look, lambda: f"{what}; the last account: {json.dumps(last)}", seconds, pause=0.05)
        return last

    def wait_drained(self, *outputs: str, seconds: float = 15.0) -> dict:
        names = outputs or tuple(self.config["outputs"])
        return self.wait_account(
            lambda account: all(account["outputs"][name]["pending"] == 0 for name in names)
            and all(row["held"] == 0 for row in account["inputs"].values()), f"{names} drained, nothing held", seconds)

    def wait_received(self, name: str, count: int, seconds: float = 15.0) -> dict:
        return self.wait_account(lambda account: account["inputs"][name]["received"] >= count,
                                 f"{count} received by {name}", seconds)

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.config['admin']['listen']}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self) -> dict[str, float]:
        """`name{labels}` to value, without the prefix."""
        status, text = self.http("/metrics")
        assert status == 200
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name.removeprefix("thorlogd_"): float(value) for name, value in rows}

    # -- events --

    def events(self, output: str = "events", own: bool = False) -> list[dict]:
        """What the JSON file output has written so far. Without `own`, only what came from outside."""
        path = Path(self.config["outputs"][output]["path"])
        if not path.exists():
            return []
        rows = self._rows.setdefault(path, [])
        with path.open("rb") as file:  # what was read once is kept: tests ask again and again
            file.seek(self._read.get(path, 0))
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self._read[path] = self._read.get(path, 0) + len(text)
        for line in text.split(b"\n"):
            if line:
                self._take_row(line, rows)
        return list(rows) if own else [row for row in rows if row["kind"] not in ("detection", "audit")]

    def _take_row(self, line: bytes, rows: list[dict]) -> None:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            if self.kills == len(self.cut_lines):
                raise
            self.cut_lines.append(line)  # what a kill left of a line that was being written; see check_cut_lines

    def check_cut_lines(self, output: str = "events") -> None:
        """A kill leaves at most one line unfinished; the whole of it must follow."""
        text = Path(self.config["outputs"][output]["path"]).read_bytes()
        for cut in self.cut_lines:
            assert any(line.startswith(cut) and line != cut for line in text.split(b"\n")), cut

    def wait_events(self, count: int, output: str = "events", seconds: float = 15.0) -> list[dict]:
        wait_until(lambda: len(self.events(output)) >= count,
                   lambda: f"{count} events in {output}, got {len(self.events(output))}", seconds, pause=0.05)
        return self.events(output)

    # -- the end of a test --

    def finish(self) -> None:
        """The laws hold, it stops as promised, and its log shows no broken promise."""
        try:
            if self.running():
                if self.check_laws:
                    self.account()
                assert self.stop() == self.expected_exit, self.log()[-4000:]
        finally:
            if self.running():
                self.kill()
            if self.notify:
                self.notify.close()
                self.notify = None
        doubts = [line for line in self.log().splitlines() if any(word in line for word in DOUBTFUL)]
        assert doubts == []


def raw_of(event: dict) -> bytes:
    return base64.b64decode(event["raw_base64"]) if "raw_base64" in event else event["raw"].encode()


def unbalanced(account: dict) -> list[str]:
    """The laws, counted here once more."""
    wrong = []
    for name, row in account["inputs"].items():
        if row["received"] != row["stored"] + row["joined"] + row["held"] + sum(row["refused"].values()):
            wrong.append(f"input {name}: {row}")
    for name, row in account["outputs"].items():
        if row["stored"] != row["acknowledged"] + row["filtered"] + row["pending"] + sum(row["dropped"].values()):
            wrong.append(f"output {name}: {row}")
    stored = sum(row["stored"] for row in account["inputs"].values())
    if account["journal"]["stored"] != stored + account["journal"]["internal"]:
        wrong.append(f"journal: {account['journal']}, inputs stored {stored}")
    return wrong


def usual(folder: Path, **changes) -> dict:
    """UDP and TCP on loopback, a JSON file output that keeps everything. `changes` replace whole top-level keys."""
    config = {
        "state_directory": str(folder / "state"),
        "inputs": {
            "udp": {"type": "udp", "listen": f"127.0.0.1:{free_port()}"},
            "tcp": {"type": "tcp", "listen": f"127.0.0.1:{free_port()}"},
        },
        "outputs": {"events": file_output(folder / "events.jsonl")},
        "admin": {"listen": f"127.0.0.1:{free_port()}", "socket": str(folder / "admin.sock")},
    }
    return {**config, **changes}


def file_output(path: Path, format: str = "json", **more) -> dict:
    return {"type": "file", "path": str(path), "format": format, **more}


def syslog_output(port: int, scheme: str = "tcp", **more) -> dict:
    return {"type": "syslog", "address": f"{scheme}://127.0.0.1:{port}", **more}


def port_of(daemon: Daemon, name: str) -> int:
    return int(daemon.config["inputs"][name]["listen"].rsplit(":", 1)[1])
