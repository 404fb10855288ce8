"""Real rsyslogd and syslog-ng as sources, relays and targets. Both run in the foreground from a folder of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from daemon import ROOT
from wait import wait_until

SYSLOG_NG = ROOT / "build" / "tools" / "syslog-ng" / "usr"  # tests/tools/unpack-syslog-ng puts it there


def syslog_ng_environment() -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(SYSLOG_NG / "lib" / "syslog-ng"), "SYSLOGNG_PREFIX": str(SYSLOG_NG)}


def loggen(*arguments: str, timeout: float = 60) -> str:
    """syslog-ng's load generator. It reports on standard error."""
    if not (SYSLOG_NG / "bin" / "loggen").exists():
        pytest.skip("SKIPPED: no loggen; run tests/tools/unpack-syslog-ng build/tools/syslog-ng")
    done = subprocess.run([SYSLOG_NG / "bin" / "loggen", *arguments], env=syslog_ng_environment(), timeout=timeout,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


class Peer:
    def __init__(self, folder: Path, rules: str):
        self.folder, self.rules = folder, rules
        self.log_path = folder / "log"
        self.process: subprocess.Popen | None = None
        folder.mkdir(exist_ok=True)

    def command(self) -> tuple[list, dict]:
        raise NotImplementedError

    def start(self) -> "Peer":
        command, environment = self.command()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_until(lambda: self.ready() or self.process.poll() is not None, f"{self.folder.name} to be ready")
        assert self.process.poll() is None, self.log_path.read_text()
        return self

    def ready(self) -> bool:
        raise NotImplementedError

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Rsyslog(Peer):
    HEAD = """
global(workDirectory="{folder}" localHostname="relay" net.enableDNS="off" {more})
template(name="raw" type="string" string="%rawmsg%\\n")
template(name="asis" type="string" string="%rawmsg%")
"""

    def __init__(self, folder: Path, rules: str, more: str = ""):
        super().__init__(folder, rules)
        self.more = more

    def command(self):
        config = self.folder / "rsyslog.conf"
        first, _, rest = self.rules.partition("\n")
        more = first.removeprefix("# global: ") if first.startswith("# global: ") else ""
        config.write_text(self.HEAD.format(folder=self.folder, more=more) + (rest if more else self.rules))
        self.pid_file.unlink(missing_ok=True)
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        found = shutil.which("rsyslogd", path=path)
        if not found:
            pytest.skip("SKIPPED: no rsyslogd; run tests/tools/install-packages test")
        return [found, "-n", "-f", config, "-i", self.pid_file], os.environ

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid"

    def ready(self) -> bool:
        # rsyslogd writes its pid file after all inputs are bound and running.
        return self.pid_file.exists()


class SyslogNg(Peer):
    HEAD = """@version: 3.38
options {{ stats-freq(0); keep-hostname(yes); use-dns(no); dns-cache(no); chain-hostnames(no); }};
"""

    def command(self):
        if not (SYSLOG_NG / "sbin" / "syslog-ng").exists():
            pytest.skip("SKIPPED: no syslog-ng; run tests/tools/unpack-syslog-ng build/tools/syslog-ng")
        config = self.folder / "syslog-ng.conf"
        config.write_text(self.HEAD.format() + self.rules)
        modules = next((SYSLOG_NG / "lib" / "syslog-ng").glob("[0-9]*"))
        return [SYSLOG_NG / "sbin" / "syslog-ng", "-F", "-f", config, f"--module-path={modules}", "-R",
                self.folder / "persist", "-c", self.folder / "control", "-p", self.folder / "pid", "--no-caps",
                "--stderr"], syslog_ng_environment()

    def ready(self) -> bool:
        return (self.folder / "control").exists()
