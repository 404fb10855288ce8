"""What the service manager sees: readiness, reload, stop, watchdog; and the unit itself."""

from __future__ import annotations

import shutil
import signal
import subprocess

import pytest

from daemon import ROOT, program
from wait import wait_until

UNIT = ROOT / "systemd" / "thorlogd.service"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="SKIPPED: no systemd-analyze")


def test_tells_the_manager_when_it_is_ready_and_when_it_stops(new_daemon):
    daemon = new_daemon().start()
    assert daemon.notify.count("READY=1") == 1
    assert any(message.startswith("STATUS=") for message in daemon.notify.messages)
    assert daemon.stop() == 0
    daemon.notify.wait("STOPPING=1")


def test_is_not_ready_before_its_ports_are_open(new_daemon):
    """A manager that is told READY=1 may send at once."""
    from daemon import port_of
    from lines import thor_line
    from net import send_tcp

    daemon = new_daemon().start()
    send_tcp(port_of(daemon, "tcp"), thor_line(1) + b"\n")
    daemon.wait_events(1)


def test_tells_about_a_reload(daemon):
    daemon.process.send_signal(signal.SIGHUP)
    daemon.notify.wait("RELOADING=1")
    daemon.notify.wait("READY=1", 2)
    assert any(message.startswith("MONOTONIC_USEC=") for message in daemon.notify.messages)
    first = daemon.notify.messages.index("RELOADING=1")
    assert "READY=1" in daemon.notify.messages[first:]


def test_the_watchdog_is_fed_while_it_lives_and_not_while_it_hangs(new_daemon):
    daemon = new_daemon().start(environment={"WATCHDOG_USEC": "1000000"})
    daemon.notify.wait("WATCHDOG=1", 4)
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: True, "nothing")
        fed = daemon.notify.count("WATCHDOG=1")
        with pytest.raises(AssertionError):
            wait_until(lambda: daemon.notify.count("WATCHDOG=1") > fed + 1, "no sign of life", 1.5)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    daemon.notify.wait("WATCHDOG=1", daemon.notify.count("WATCHDOG=1") + 2)


@needs_systemd
def test_the_unit_is_sound(folder):
    copy = folder / "thorlogd.service"
    copy.write_text(UNIT.read_text().replace("/usr/sbin/thorlogd", program("thorlogd")))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr.strip() == "", done.stderr


@needs_systemd
def test_the_unit_exposes_little():
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=19", "--no-pager", str(UNIT)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]


@needs_systemd
def test_the_system_calls_of_a_life_are_among_those_the_unit_allows(new_daemon):
    """Runs it under strace and holds every call against the unit's filter."""
    if not shutil.which("strace"):
        pytest.skip("SKIPPED: no strace")
    from daemon import port_of
    from lines import thor_line
    from net import send_tcp, send_udp

    # The leak check of a sanitizer build stops threads by ptrace, which strace holds already.
    daemon = new_daemon().start(environment={"ASAN_OPTIONS": "detect_leaks=0"})
    trace = daemon.folder / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(trace), "-p", str(daemon.process.pid)],
                              stderr=subprocess.PIPE)
    wait_until(lambda: "TracerPid:\t0" not in open(f"/proc/{daemon.process.pid}/status").read(), "strace to be there")
    send_tcp(port_of(daemon, "tcp"), thor_line(1) + b"\n")
    send_udp(port_of(daemon, "udp"), thor_line(2))
    daemon.wait_events(2)
    daemon.reload()
    daemon.metrics()
    assert daemon.stop() == 0
    tracer.wait(10)
    used = {line.split()[-1] for line in trace.read_text().splitlines()[2:] if line and line[0] == " " and "total" not in line}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True).stdout
    allowed = expand("@system-service", listed) - expand("@privileged", listed) - expand("@resources", listed) - \
        expand("@setuid", listed)
    assert used and used - allowed == set()


def expand(group: str, listed: str) -> set[str]:
    names, inside = set(), False
    for line in listed.splitlines():
        if line.startswith("@"):
            inside = line.strip() == group
        elif inside and line.startswith("    ") and not line.strip().startswith("#"):
            name = line.strip()
            names |= expand(name, listed) if name.startswith("@") else {name}
    return names
