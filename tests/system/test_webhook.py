"""Webhooks against a real HTTP and HTTPS server that fails in every way: nothing is lost, refusals are parked, and what
the server gets is signed, safe and in order."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

import web
from daemon import port_of
from lines import thor_line
from net import send_tcp
from wait import wait_until
from web import Certificates, WebServer, answer


@pytest.fixture
def serve(folder):
    """Makes servers; they end with the test."""
    made = []

    def make(tls: Certificates | None = None, **more) -> WebServer:
        made.append(WebServer(tls, **more))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("tls") / "good")


def hook(server: WebServer, **more) -> dict:
    tls = {"tls": {"ca": str(server.tls.ca)}} if server.tls else {}
    return {"type": "webhook", "url": server.url, "timeout": "2s", **tls, **more}


def start(new_daemon, output: dict, **outputs):
    return new_daemon(outputs={"hook": output, **outputs}).start()


def send(daemon, first: int, count: int, **more) -> list[bytes]:
    lines = [thor_line(number, **more) for number in range(first, first + count)]
    send_tcp(port_of(daemon, "tcp"), b"".join(line + b"\n" for line in lines))
    return lines


def uids(events) -> list[int]:
    return [int(event["uid"]) for event in events]


def reasons(daemon) -> dict[str, int]:
    """Retries by reason."""
    prefix = 'output_retries_total{output="hook",reason="'
    return {name[len(prefix):-2]: int(value) for name, value in daemon.metrics().items() if name.startswith(prefix)}


def state(daemon) -> dict:
    return next(row for row in json.loads(daemon.ctl("status", "--json", ok=(0, 1)))["outputs"] if row["name"] == "hook")


def test_each_event_is_one_signed_post_in_order_over_tls(new_daemon, serve, certificates, folder):
    server = serve(certificates).start()
    keys = ["an old key of some length", "the new key of some length"]
    (folder / "keys").write_text("\n".join(keys) + "\n")
    daemon = start(new_daemon, hook(server, secret_file=str(folder / "keys"), headers={"Authorization": "Bearer x"}))
    lines = send(daemon, 0, 100)
    daemon.wait_drained()
    requests = server.accepted()
    events = [request.json() for request in requests]
    assert [event["raw"].encode() for event in events] == lines
    assert len({request.connection for request in requests}) == 1
    for request, event in zip(requests, events):
        assert (request.method, request.path) == ("POST", "/hook/secret-path")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == "Bearer x"
        assert request.headers["idempotency-key"] == f"{event['journal_id']}:{event['id']}"
        signed = request.headers["x-thorlog-timestamp"].encode() + b"." + request.body
        wanted = ",".join("sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys)
        assert request.headers["x-thorlog-signature"] == wanted
    # The path of the address is a password: nothing shows it.
    assert "secret-path" not in daemon.ctl("status", "--json") + daemon.log()
