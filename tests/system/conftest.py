"""Fixtures. Each test gets its own folder, ports and daemons; at its end every daemon that still runs must balance its
accounts, stop cleanly within five seconds and have an unsuspicious log."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import disks
from daemon import ROOT, Daemon, usual
from peers import Rsyslog, SyslogNg
from receivers import BadReceiver
from web import Certificates


@pytest.fixture
def folder(request):
    """A short path on a real disk: unix sockets have names of at most 107 bytes. Kept when the test fails."""
    path = Path(tempfile.mkdtemp(prefix="thorlogd-"))
    path.chmod(0o755)
    yield path
    if any(report.failed for report in getattr(request.node, "reports", [])):
        print(f"the folder of this test is kept: {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.reports = [*getattr(item, "reports", []), outcome.get_result()]


@pytest.fixture
def new_daemon(folder):
    """Makes daemons: new_daemon(name, **changes of the usual configuration). They are not started yet."""
    made: list[Daemon] = []

    def make(name: str = "thorlogd", **changes) -> Daemon:
        own = folder / name
        own.mkdir()
        made.append(Daemon(own, usual(own, **changes)))
        return made[-1]

    yield make
    faults = []
    for daemon in reversed(made):
        try:
            daemon.finish()
        except AssertionError as error:
            faults.append(str(error))
    assert not faults, "\n".join(faults)


@pytest.fixture
def daemon(new_daemon):
    """The usual one, started."""
    return new_daemon().start()


@pytest.fixture
def peers(folder):
    """Starts real rsyslogd and syslog-ng processes; they end with the test."""
    started = []

    class Peers:
        @staticmethod
        def rsyslog(name: str, rules: str) -> Rsyslog:
            started.append(Rsyslog(folder / name, rules))
            return started[-1].start()

        @staticmethod
        def syslog_ng(name: str, rules: str) -> SyslogNg:
            started.append(SyslogNg(folder / name, rules))
            return started[-1].start()

    yield Peers
    for peer in reversed(started):
        peer.stop()


@pytest.fixture
def bad_receiver():
    """Starts receivers: bad_receiver(arguments of BadReceiver, or of another `kind`); they end with the test."""
    made = []

    def make(*arguments, kind=BadReceiver, **named) -> BadReceiver:
        made.append(kind(*arguments, **named).start())
        return made[-1]

    yield make
    for receiver in made:
        receiver.stop()


@pytest.fixture
def certificates(folder) -> Certificates:
    return Certificates(folder / "certificates")


@pytest.fixture
def small_disk(folder):
    """small_disk(mebibytes): a file system of its own, gone with the test."""
    made = []

    def make(mebibytes: int) -> Path:
        made.append(disks.make_small_disk(folder / f"disk{len(made)}", mebibytes))
        return made[-1]

    yield make
    for path in made:
        disks.unmount_all(path)


@pytest.fixture(scope="session")
def shared():
    """The folder of test material beside the clone, or THORLOGD_SHARED; tests that need it are skipped, loudly, where
    it is missing."""
    path = Path(os.environ.get("THORLOGD_SHARED", ROOT.parent / "shared"))
    if not (path / "fleet" / "fleet.py").exists():
        pytest.skip("SKIPPED: ../shared with the fleet simulator is not beside this clone")
    return path


@pytest.fixture(scope="session")
def _session_broker():
    """One broker for all tests of a run; it takes seconds to start."""
    import kafka
    kafka.fetch()
    folder = Path(tempfile.mkdtemp(prefix="thorlogd-kafka-"))
    broker = kafka.Broker(folder / "broker").prepare().start()
    yield broker
    broker.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def broker(_session_broker):
    """It runs when a test begins, whatever the one before has done to it. Topics are each test's own."""
    if not _session_broker.running():
        _session_broker.start()
    return _session_broker
