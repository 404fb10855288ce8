"""A target that takes nothing, and a journal that fills up because of it: only what the configuration gives up is given
up, and each line of it is counted."""

from __future__ import annotations

from daemon import file_output, port_of, syslog_output
from lines import numbers, thor_line
from load import send_lines
from net import Receiver, connect, free_port, send_some
from wait import wait_until

SMALL = {"segment": "256KiB", "max_size": "2MiB"}


def test_an_output_that_may_lose_its_oldest_holds_up_nobody(new_daemon):
    target, count = Receiver(), 8000  # four times what the journal holds
    daemon = new_daemon(journal=SMALL)
    text = daemon.folder / "all.log"
    daemon.config["outputs"] = {
        "dead": syslog_output(target.port, framing="lf", format="raw", on_full="drop_oldest"),
        "all": file_output(text, "raw"),
    }
    daemon.start()
    send_lines(daemon, 0, count, 1000)
    account = daemon.wait_drained("all", seconds=60)
    assert numbers(text.read_bytes().splitlines()) == list(range(count))
    dropped = account["outputs"]["dead"]["dropped"]
    assert set(dropped) == {"full"} and count // 2 < dropped["full"] < count

    # What was not dropped is the newest, and all of it comes when the target does.
    target.start()
    account = daemon.wait_drained(seconds=60)
    row = account["outputs"]["dead"]
    kept = row["acknowledged"]
    assert kept + row["filtered"] + row["dropped"]["full"] == row["stored"]
    wait_until(lambda: len(target.lines()) >= kept, lambda: f"{len(target.lines())} of {kept}")
    assert numbers(target.lines()) == list(range(count - kept, count))
    assert daemon.stop() == 0
    target.stop()


def test_what_is_older_than_max_lag_is_given_up_and_counted(new_daemon):
    target, early, late = Receiver(), 500, 300
    daemon = new_daemon()
    daemon.config["outputs"]["dead"] = syslog_output(target.port, framing="lf", format="raw", max_lag="2s")
    daemon.start()
    send_lines(daemon, 0, early, 1000)
    daemon.wait_account(lambda account: account["outputs"]["dead"]["dropped"].get("max_lag", 0) >= early,
                        "old ones given up")
    target.start()
    wait_until(lambda: daemon.status_of("dead")["state"] not in ("connecting", "retrying"), "the target is found", 30)
    send_lines(daemon, early, late, 1000)
    account = daemon.wait_drained(seconds=30)
    row = account["outputs"]["dead"]
    assert row["dropped"].get("max_lag", 0) + row["acknowledged"] + row["filtered"] == row["stored"]
    got = numbers(target.wait_lines(1))
    assert got == list(range(early + late - len(got), early + late))
    assert len(daemon.events()) == early + late
    assert daemon.stop() == 0
    target.stop()


def test_the_output_that_pins_a_full_journal_is_named(new_daemon):
    port = free_port()
    daemon = new_daemon(journal=SMALL)
    daemon.config["outputs"] = {"dead": syslog_output(port, framing="lf", format="raw"),
                                "all": file_output(daemon.folder / "all.log", "raw")}
    daemon.start()
    data = b"".join(thor_line(number, 1000) + b"\n" for number in range(8000))
    with connect(port_of(daemon, "tcp")) as sender:
        sent = 0

        def push() -> bool:
            nonlocal sent
            sent += send_some(sender, data[sent:sent + (1 << 16)])
            return any(value for name, value in daemon.metrics().items() if name.startswith('input_paused{input="tcp"'))

        wait_until(push, "a paused input", 30)
        assert "dead" in daemon.ctl("status", ok=(0, 1))
        assert "dead" in daemon.log() and "full" in daemon.log()
        # Given up by hand: without the output the journal is free again, and what it had not got is counted.
        del daemon.config["outputs"]["dead"]
        daemon.reload()
        wait_until(lambda: (push(), sent >= len(data))[1], "the rest to go through", 60)
    daemon.wait_received("tcp", 8000, 30)
    daemon.wait_drained()
    assert numbers((daemon.folder / "all.log").read_bytes().splitlines()) == list(range(8000))
