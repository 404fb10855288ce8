"""Starting, stopping, dying, reloading: what was accepted is delivered, and nothing half-done is left."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from daemon import file_output, port_of, program, raw_of, syslog_output
from disks import fill
from lines import numbers, thor_line
from load import send_lines
from net import Receiver, connect, free_port, send_tcp, send_udp
from wait import wait_until


def test_a_clean_stop_loses_nothing_that_was_accepted(new_daemon):
    daemon = new_daemon().start()
    lines = send_lines(daemon, 0, 30000)
    assert daemon.stop() == 0  # at once: most is not written yet
    daemon.start()
    assert [raw_of(event) for event in daemon.wait_events(len(lines))] == lines
    daemon.wait_drained()


def test_a_clean_stop_with_connections_open_takes_what_they_sent(new_daemon):
    daemon = new_daemon().start()
    connections = [connect(port_of(daemon, "tcp")) for _ in range(50)]
    for number, connection in enumerate(connections):
        connection.sendall(thor_line(number) + b"\n" + thor_line(1000 + number)[:100])
    daemon.wait_events(50)
    assert daemon.stop() == 0
    daemon.start()
    events = daemon.wait_events(100)
    assert sorted(numbers(map(raw_of, events[:50]))) == list(range(50))
    assert all("unterminated" in event["flags"] for event in events[50:])
    for connection in connections:
        connection.close()


def test_after_a_kill_everything_that_was_stored_is_delivered(new_daemon):
    target = Receiver()
    daemon = new_daemon()
    daemon.config["outputs"]["late"] = syslog_output(target.port, framing="octet", format="raw")
    daemon.start()
    sent = 0
    for round in range(3):
        lines = [thor_line(number) for number in range(sent, sent + 2000)]
        send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
        sent += len(lines)
        daemon.wait_account(lambda account: account["inputs"]["tcp"]["stored"] == 2000, "everything stored")
        daemon.kill()
        daemon.start()
    target.start()
    wait_until(lambda: set(numbers(target.frames())) == set(range(sent)), "every number at the target", 30)
    wait_until(lambda: set(int(event["uid"]) for event in daemon.events()) == set(range(sent)), "every number in the file")
    ids = [event["id"] for event in daemon.events(own=True)]
    by_id = {event["id"]: event["raw"] for event in daemon.events(own=True)}
    assert all(by_id[event["id"]] == event["raw"] for event in daemon.events(own=True)), "an id with two contents"
    assert len(ids) - len(by_id) <= sent  # duplicates only of what was in flight
    daemon.check_cut_lines()
    daemon.wait_drained()
    assert daemon.stop() == 0
    target.stop()


def test_killed_again_and_again_while_lines_come_in(new_daemon):
    """A line that thorlogd stored once is in the output; sequence numbers and ids are never used twice."""
    daemon = new_daemon().start()
    number, stop = 0, threading.Event()

    def talk():
        nonlocal number
        while not stop.is_set():
            try:
                with connect(port_of(daemon, "tcp")) as connection:
                    while not stop.wait(0.005):
                        connection.sendall(b"".join(thor_line(number + more) + b"\n" for more in range(10)))
                        number += 10
            except OSError:
                stop.wait(0.01)

    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    try:
        for round in range(5):
            stored = daemon.account()["journal"]["stored"] + 300
            daemon.wait_account(lambda account: account["journal"]["stored"] >= stored, "some hundred lines more")
            daemon.kill()
            daemon.start()
    finally:
        stop.set()
        talker.join(10)
    daemon.wait_drained()
    contents: dict[tuple, str] = {}
    for event in daemon.events(own=True):
        key = (event["seq"], event["id"])
        assert contents.setdefault(key, event["raw"]) == event["raw"]
    daemon.check_cut_lines()
    assert len(contents) >= 1500
    assert len({seq for seq, _ in contents}) == len({id for _, id in contents}) == len(contents)


def test_reload_keeps_connections_and_applies_changes(new_daemon):
    daemon = new_daemon().start()
    with connect(port_of(daemon, "tcp")) as connection:
        connection.sendall(thor_line(1, level="Info") + b"\n")
        daemon.wait_events(1)
        daemon.config["outputs"]["events"]["match"] = [{"level": ">=warning"}]
        daemon.config["outputs"]["more"] = file_output(daemon.folder / "more.jsonl")
        daemon.config["inputs"]["second"] = {"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}
        daemon.reload()
        connection.sendall(thor_line(2, level="Info") + b"\n" + thor_line(3, level="Alert") + b"\n")
        send_tcp(port_of(daemon, "second"), thor_line(4, level="Alert") + b"\n")
        daemon.wait_events(3, "more")
        daemon.wait_drained()
        assert sorted(event["uid"] for event in daemon.events()) == ["1", "3", "4"]
        assert sorted(event["uid"] for event in daemon.events("more")) == ["2", "3", "4"]
        removed = daemon.config["inputs"].pop("second")
        daemon.reload()
        with pytest.raises(OSError):
            connect(int(removed["listen"].rsplit(":", 1)[1]))
        connection.sendall(thor_line(5, level="Alert") + b"\n")
        daemon.wait_events(4)
    assert daemon.metrics()['config_reloads_total{result="ok"}'] == 2


def test_reload_moves_an_output_and_keeps_its_cursor(new_daemon):
    dead, alive = Receiver(), Receiver().start()
    daemon = new_daemon(outputs={"out": syslog_output(dead.port, framing="lf", format="raw")}).start()
    lines = send_lines(daemon, 0, 100)
    daemon.wait_received("tcp", 100)
    daemon.config["outputs"]["out"] |= syslog_output(alive.port)
    daemon.reload()
    assert alive.wait_lines(100) == lines
    daemon.wait_drained()
    assert daemon.stop() == 0
    alive.stop()


BROKEN = {
    "unknown key": lambda config: config["outputs"]["events"].update(pth="/tmp/x"),
    "wrong type": lambda config: config.update(journal={"max_size": "much"}),
    "two inputs on one address": lambda config: config["inputs"].update(again=dict(config["inputs"]["tcp"])),
    "a regular expression that is none": lambda config: config["outputs"]["events"].update(
        match=[{"raw": {"regex": "("}}]),
    "a port that is taken": lambda config: config["inputs"].update(
        taken={"type": "tcp", "listen": config["admin"]["listen"]}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_reload_with_an_error_changes_nothing(new_daemon, fault):
    daemon = new_daemon().start()
    good = dict(daemon.config, outputs={"events": dict(daemon.config["outputs"]["events"])},
                inputs=dict(daemon.config["inputs"]))
    with connect(port_of(daemon, "tcp")) as connection:
        connection.sendall(thor_line(1) + b"\n")
        daemon.wait_events(1)
        BROKEN[fault](daemon.config)
        daemon.config["outputs"]["new"] = file_output(daemon.folder / "new.jsonl")
        daemon.reload(wait=False)
        # The admin port is in the good configuration, too.
        wait_until(lambda: daemon.metrics().get('config_reloads_total{result="error"}') == 1, "a failed reload")
        daemon.config = good
        daemon.write_config()
        connection.sendall(thor_line(2) + b"\n")
        daemon.wait_events(2)
    assert not (daemon.folder / "new.jsonl").exists()
    assert daemon.running()


def test_a_second_daemon_on_the_same_state_folder_is_refused(new_daemon):
    daemon, second = new_daemon("first").start(), new_daemon("second")
    second.config["state_directory"] = daemon.config["state_directory"]
    second.start(wait=False)
    assert second.wait() == 3
    assert "state" in second.log() and str(daemon.config["state_directory"]) in second.log()
    send_lines(daemon, 0, 10)
    daemon.wait_events(10)


def test_a_second_daemon_on_the_same_ports_is_refused(new_daemon):
    for kind in ("udp", "tcp"):
        daemon, second = new_daemon(f"first-{kind}").start(), new_daemon(f"second-{kind}")
        second.config["inputs"][kind]["listen"] = daemon.config["inputs"][kind]["listen"]
        second.start(wait=False)
        assert second.wait() == 3
        assert daemon.config["inputs"][kind]["listen"] in second.log()
        send_udp(port_of(daemon, "udp"), thor_line(1))  # all of it to the first one
        daemon.wait_events(1)


def test_a_disk_that_is_full_at_the_start(new_daemon, small_disk):
    """It says so and ends with 3; with space again it starts."""
    disk = small_disk(2)
    filler = disk / "filler"
    fill(filler)
    daemon = new_daemon(journal={"segment": "1MiB", "max_size": "4MiB"})
    daemon.config["state_directory"] = str(disk / "state")
    daemon.start(wait=False)
    assert daemon.wait() == 3
    assert "No space left" in daemon.log()
    filler.unlink()
    daemon.start()
    send_lines(daemon, 0, 10)
    daemon.wait_events(10)
    daemon.wait_drained()
    assert daemon.stop() == 0


@pytest.mark.skipif(os.getuid() != 0, reason="SKIPPED: root ignores permissions; this one is for others")
def test_runs_as_nobody_without_any_right(new_daemon):
    """An unprivileged user with unprivileged ports needs nothing else."""
    daemon = new_daemon()
    os.chmod(daemon.folder, 0o777)
    daemon.write_config()
    daemon.config_path.chmod(0o644)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                           program("thorlogd"), "--config", str(daemon.config_path), "--check"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
