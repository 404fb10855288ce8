"""The tables of assets and groups are read again when they change, whole or not at all."""

from __future__ import annotations

import itertools

import pytest

from daemon import port_of
from lines import thor_line
from net import connect
from wait import wait_until

HOSTS = [f"srv{number:02}" for number in range(20)]


def assets(name: str) -> str:
    return "asset_id,hostname\n" + "".join(f"{name}-{host},{host}\n" for host in HOSTS)


def replace(path, text: str) -> None:
    swap = path.with_suffix(".new")
    swap.write_text(text)
    swap.rename(path)


class Talker:
    """Sends a round of lines, one for each host, and gives the events that came of it."""

    def __init__(self, daemon):
        self.daemon, self.connection, self.numbers = daemon, connect(port_of(daemon, "tcp")), itertools.count()

    def round(self) -> list[dict]:
        wanted = {next(self.numbers): host for host in HOSTS}
        for number, host in wanted.items():
            self.connection.sendall(thor_line(number, host=host, ip="10.0.0.1") + b"\n")

        def mine():
            return [event for event in self.daemon.events() if int(event["uid"]) in wanted]

        wait_until(lambda: len(mine()) == len(HOSTS), "a round")
        return mine()


@pytest.fixture
def talker(new_daemon):
    daemon = new_daemon()
    tables = {"assets": daemon.folder / "assets.csv", "groups": daemon.folder / "groups.csv"}
    tables["assets"].write_text(assets("first"))
    tables["groups"].write_text("scan_id,group_id\nS-abcdefghijk,one\n")
    daemon.config["identity"] = {name: str(path) for name, path in tables.items()}
    daemon.start()
    made = Talker(daemon)
    yield made
    made.connection.close()


def test_assets_change_while_lines_come_in(talker):
    path = talker.daemon.folder / "assets.csv"
    assert {event["asset"] for event in talker.round()} == {f"first-{host}" for host in HOSTS}
    for name in ("second", "third"):
        replace(path, assets(name))
        seen = set()

        def changed():
            labels = {event["asset"] for event in talker.round()}
            seen.update(labels)
            return labels == {f"{name}-{host}" for host in HOSTS}

        wait_until(changed, f"the {name} names", 20)
        # Never a host without its label: there is no moment without a table.
        assert not seen & set(HOSTS), seen


BROKEN = {"no column": "asset_id,name\nx,y\n", "twice": "asset_id,hostname\nA,srv00\nB,srv00\n",
          "open quote": 'asset_id,hostname\n"A,srv00\n', "empty": ""}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_table_changes_nothing_and_says_where(talker, broken):
    path = talker.daemon.folder / "assets.csv"
    replace(path, broken)
    wait_until(lambda: "the table read before stays" in talker.daemon.log(), "the complaint", 20)
    assert str(path) in talker.daemon.log()
    assert {event["asset"] for event in talker.round()} == {f"first-{host}" for host in HOSTS}
    replace(path, assets("mended"))
    wanted = {f"mended-{host}" for host in HOSTS}
    wait_until(lambda: {event["asset"] for event in talker.round()} == wanted, "the new names", 20)


def test_groups_change(talker):
    assert {event["group_id"] for event in talker.round()} == {"one"}
    replace(talker.daemon.folder / "groups.csv", "scan_id,group_id\nS-abcdefghijk,two\n")
    wait_until(lambda: {event["group_id"] for event in talker.round()} == {"two"}, "the new group", 20)
