"""Webhooks against a real HTTP and HTTPS server that fails in every way: nothing is lost, refusals are parked, and what
the server gets is signed, safe and in order."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

import web
from daemon import port_of
from lines import thor_line
from load import send_lines
from net import send_tcp
from wait import SLOWNESS, wait_until
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


def uids(events) -> list[int]:
    return [int(event["uid"]) for event in events]


def reasons(daemon) -> dict[str, int]:
    """Retries by reason."""
    prefix = 'output_retries_total{output="hook",reason="'
    return {name[len(prefix):-2]: int(value) for name, value in daemon.metrics().items() if name.startswith(prefix)}


def test_each_event_is_one_signed_post_in_order_over_tls(new_daemon, serve, certificates, folder):
    server = serve(certificates).start()
    keys = ["an old key of some length", "the new key of some length"]
    (folder / "keys").write_text("\n".join(keys) + "\n")
    daemon = start(new_daemon, hook(server, secret_file=str(folder / "keys"), headers={"Authorization": "Bearer x"}))
    lines = send_lines(daemon, 0, 100)
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


def acknowledged(daemon) -> int:
    row = daemon.account()["outputs"]["hook"]
    assert all(count == 0 for count in row["dropped"].values())
    return row["acknowledged"]


PASSING = {  # trouble that passes by itself: what the server does first, and how often it may be counted
    "reset": (web.reset, "reset"),
    "closed without an answer": (web.close, "closed"),
    "half an answer": (web.half, "closed"),
    "no answer": (web.hang(10), "timeout"),
    "a slow answer": (web.slow_body, "timeout"),
    "500": (answer(500, b"boom"), "server_error"),
    "503": (answer(503), "server_error"),
    "408": (answer(408), "server_error"),
    "425": (answer(425), "server_error"),
    "429": (answer(429, Retry_After="1"), "throttled"),
    "no HTTP": (lambda connection, request: connection.sendall(b"SSH-2.0-x\r\n\r\n"), "closed"),
}


@pytest.mark.parametrize("act, reason", PASSING.values(), ids=PASSING)
def test_what_passes_is_tried_again_and_loses_nothing(new_daemon, serve, act, reason):
    server = serve().start()
    server.script = [act, act, answer()]
    daemon = start(new_daemon, hook(server, timeout="500ms"))
    lines = send_lines(daemon, 0, 5)
    daemon.wait_drained()
    bodies = [request.body for request in server.accepted()]
    assert [json.loads(body)["raw"].encode() for body in bodies[2:]] == lines  # in order, each once after the trouble
    assert bodies[0] == bodies[1] == bodies[2]
    keys = [request.headers["idempotency-key"] for request in server.accepted()]
    assert len(set(keys[:3])) == 1 and len(set(keys)) == 5
    assert acknowledged(daemon) == 5
    assert reasons(daemon)[reason] >= 2


def test_a_server_that_asks_for_time_gets_it(new_daemon, serve):
    server = serve().start()
    server.script = [answer(429, Retry_After="2"), answer(503, Retry_After="1")]
    daemon = start(new_daemon, hook(server))
    send_lines(daemon, 0, 1)
    daemon.wait_drained()
    first, second, third = (request.at for request in server.accepted())
    assert second - first >= 2 and third - second >= 1


def test_a_server_that_is_away_is_caught_up_with(new_daemon, serve):
    server = serve()
    daemon = start(new_daemon, hook(server))
    lines = send_lines(daemon, 0, 300)
    wait_until(lambda: reasons(daemon)["connect"] >= 2 and daemon.status_of("hook")["state"] == "retrying", "refused")
    assert daemon.account()["outputs"]["hook"]["pending"] >= 300
    server.start()
    daemon.wait_drained(seconds=30)
    assert [request.json()["raw"].encode() for request in server.accepted()] == lines


NEEDS_A_PERSON = {
    "401": (answer(401, b"who are you?"), "denied"),
    "403": (answer(403), "denied"),
    "404": (answer(404), "denied"),
    "a redirect": (answer(302, Location="http://127.0.0.1:1/elsewhere"), "denied"),
    "gone": (answer(410), "denied"),
}


@pytest.mark.parametrize("act, reason", NEEDS_A_PERSON.values(), ids=NEEDS_A_PERSON)
def test_what_needs_a_person_holds_and_says_so(new_daemon, serve, act, reason):
    server = serve().start()
    server.script = [act] * 2
    daemon = start(new_daemon, hook(server))
    lines = send_lines(daemon, 0, 3)
    wait_until(lambda: daemon.status_of("hook")["state"] == "holding", "the output to hold")
    assert daemon.account()["outputs"]["hook"]["pending"] >= 3
    assert "HTTP" in daemon.status_of("hook")["last_error"]
    assert "hook" in " ".join(daemon.status(ok=(1,))["problems"])
    daemon.wait_drained()  # the person has come
    assert reasons(daemon)[reason] == 2
    assert [request.json()["raw"].encode() for request in server.accepted()[2:]] == lines
    assert daemon.status_of("hook")["state"] in ("idle", "streaming")


def test_a_certificate_of_a_stranger_holds_and_no_event_leaves(new_daemon, serve, certificates, folder):
    strangers = Certificates(folder / "stranger")
    server = serve(strangers).start()
    daemon = start(new_daemon, hook(server, tls={"ca": str(certificates.ca)}))
    send_lines(daemon, 0, 3)
    wait_until(lambda: daemon.status_of("hook")["state"] == "holding" and reasons(daemon)["tls"] >= 2, "the output to hold")
    assert server.count == 0 and "certificate" in daemon.status_of("hook")["last_error"]
    server.tls = certificates
    daemon.wait_drained(seconds=30)
    assert server.count == 3


def test_a_certificate_for_another_name_holds(new_daemon, serve, folder):
    server = serve(Certificates(folder / "other", names="DNS:other.example")).start()
    daemon = start(new_daemon, hook(server))
    send_lines(daemon, 0, 1)
    wait_until(lambda: reasons(daemon)["tls"] >= 1, "the output to hold")
    assert server.count == 0


@pytest.mark.parametrize("status", [200, 400])
def test_of_a_huge_answer_only_the_begin_is_read(new_daemon, serve, status):
    server = serve().start()
    server.script = [web.huge(status)]
    daemon = start(new_daemon, hook(server))
    send_lines(daemon, 0, 2)
    account = daemon.wait_drained()["outputs"]["hook"]
    assert (account["acknowledged"], account["dropped"].get("parked", 0)) == ((2, 0) if status == 200 else (1, 1))
    assert server.count == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_event_is_found_in_its_batch_and_parked(new_daemon, serve, status):
    server = serve().start()
    bad = {17, 18, 400}
    taken: list[int] = []

    def decide(request):
        got = uids(request.json())
        if bad & set(got):
            return answer(status, b"bad event \x1b[31m")
        taken.extend(got)
        return None

    server.decide = decide
    daemon = start(new_daemon, hook(server, batch=64))
    send_lines(daemon, 0, 500)
    account = daemon.wait_drained(seconds=30)["outputs"]["hook"]
    assert taken == [number for number in range(500) if number not in bad]  # in order, each once
    assert account["acknowledged"] == 497 and account["dropped"]["parked"] == 3
    letters = [path for path in (daemon.folder / "state" / "dead-letters" / "hook").iterdir()]
    assert len(letters) == 3
    assert any(b"UID: 17 " in path.read_bytes() for path in letters)


def test_events_stay_in_the_body(new_daemon, serve):
    """Hostile text is in the JSON of the body, and nowhere else: not in the path, not in a header."""
    server = serve().start()
    daemon = start(new_daemon, hook(server))
    line = thor_line(1).replace(b"a.exe", b"EVIL\x1b\xe2\x80\xae\r\nX-Evil: 1\r\n\r\n\"},{ EVIL")
    send_tcp(port_of(daemon, "tcp"), b"%d %s" % (len(line), line))
    daemon.wait_drained()
    (request,) = server.accepted()
    assert request.json()["raw"].encode() == line
    assert not any("EVIL" in name + value for name, value in request.headers.items()) and "x-evil" not in request.headers
    assert b"\x1b" not in request.body and b"\n" not in request.body


def test_several_posts_at_once_lose_nothing(new_daemon, serve):
    server = serve().start()
    server.script = [answer(500)] * 3 + [web.reset] * 3
    daemon = start(new_daemon, hook(server, concurrency=8))
    lines = send_lines(daemon, 0, 500)
    daemon.wait_drained(seconds=30)
    got = [request.json()["raw"].encode() for request in server.accepted()]
    assert sorted(set(got)) == sorted(lines) and len(got) == 506
    assert acknowledged(daemon) == 500


def test_after_a_kill_every_event_is_there_and_repeats_have_their_key(new_daemon, serve):
    server = serve().start()
    daemon = start(new_daemon, hook(server, concurrency=4))
    lines = send_lines(daemon, 0, 1000)
    server.wait_requests(300)
    daemon.kill()
    daemon.start()
    lines += send_lines(daemon, 1000, 100)
    daemon.wait_drained(seconds=30)
    by_key = {}
    for request in server.accepted():
        by_key.setdefault(request.headers["idempotency-key"], set()).add(request.json()["raw"].encode())
    assert all(len(raws) == 1 for raws in by_key.values())
    assert sorted(raw for raws in by_key.values() for raw in raws) == sorted(lines)


def test_a_clean_stop_ends_its_posts_and_repeats_none(new_daemon, serve):
    server = serve().start()
    daemon = start(new_daemon, hook(server))
    send_lines(daemon, 0, 200)
    daemon.wait_received("tcp", 200)
    assert daemon.stop() == 0
    daemon.start()
    daemon.wait_drained()
    assert server.count == 200


def test_slack_and_teams_get_text_that_is_safe_for_eyes(new_daemon, serve):
    slack, teams = serve().start(), serve().start()
    more = {"rate_limit": {"events": 1000, "per": "1s"}, "storm": {"events": 0}}
    daemon = start(new_daemon, hook(slack, template="slack", **more), teams=hook(teams, template="teams", **more))
    hostile = "<!channel> <http://evil|click> \x1b[31m \u202eexe.txt & [x](http://evil) " + "A" * 5000
    line = thor_line(1, level="Alert").replace(b"Suspicious file found", hostile.encode())
    send_tcp(port_of(daemon, "tcp"), line + b"\n")
    daemon.wait_drained()
    (card,), (message,) = teams.accepted(), slack.accepted()
    text = message.json()["attachments"][0]["blocks"][0]["text"]
    assert text["type"] == "plain_text" and len(text["text"]) <= 3000 and len(message.json()["text"]) <= 3000
    assert text["text"].startswith("[alert] srv01: &lt;!channel&gt; ") and "\\x1B[31m" in text["text"]
    assert "scan: S-abcdefghijk" in message.json()["attachments"][0]["blocks"][1]["elements"][0]["text"]
    run = card.json()["attachments"][0]["content"]["body"][0]["items"][0]["inlines"][0]
    assert run["type"] == "TextRun" and "\\u{202E}exe.txt" in run["text"]
    for body in (message.body.decode(), card.body.decode()):
        assert "\x1b" not in body and "\\u001b" not in body and "\u202e" not in body and "<!" not in json.loads(body).get("text", "")


def test_a_storm_becomes_a_summary_and_every_event_is_counted(new_daemon, serve):
    server = serve().start()
    more = {"rate_limit": {"events": 1000, "per": "1s"}}
    daemon = start(new_daemon, hook(server, template="slack", storm={"events": 3, "per": "2s"}, **more))
    send_lines(daemon, 0, 500, level="Warning")
    send_lines(daemon, 500, 2, level="Alert")
    daemon.wait_drained()
    texts = [request.json()["attachments"][0]["blocks"][0]["text"]["text"] for request in server.accepted()]
    single = [text for text in texts if "more of" not in text]
    summaries = [text for text in texts if "more of" in text]
    assert len(single) == 5 and len(summaries) == 1
    assert summaries[0].startswith("497 more of: thor warning. The first:\n[warning] srv01: Suspicious file found")
    assert acknowledged(daemon) == 502


def test_a_template_file_writes_fields_where_they_are_safe(new_daemon, serve, folder):
    server = serve().start()
    (folder / "form.json").write_text(
        '{"title": "On {host}: {message} ({{host})", "score": {score}, "uid": {uid}, "group": {group_id}, "all": {event}}')
    daemon = start(new_daemon, hook(server, template=str(folder / "form.json")))
    line = thor_line(7).replace(b"Suspicious file", b'a "quote" \\ \x1b[0m \xe2\x80\xae')
    send_tcp(port_of(daemon, "tcp"), line + b"\n")
    daemon.wait_drained()
    got = server.accepted()[0].json()
    assert got["title"] == 'On srv01: a "quote" \\ \\x1B[0m \\u{202E} found ({host})'
    assert (got["score"], got["uid"], got["group"]) == (65, "7", None)
    assert got["all"]["raw"].encode() == line


def test_a_reload_takes_the_new_key_up(new_daemon, serve, folder):
    server = serve().start()
    keys = folder / "keys"
    keys.write_text("the first key, long enough\n")
    daemon = start(new_daemon, hook(server, secret_file=str(keys)))
    send_lines(daemon, 0, 1)
    daemon.wait_drained()
    keys.write_text("the first key, long enough\nthe second key, long enough\n")
    daemon.reload()
    send_lines(daemon, 1, 1)
    daemon.wait_drained()
    assert [len(request.headers["x-thorlog-signature"].split(",")) for request in server.accepted()] == [1, 2]


def test_two_thousand_posts_a_second_in_64_mib(new_daemon, serve):
    server = serve(keep=False).start()
    daemon = start(new_daemon, hook(server))
    rates = []
    for _ in range(3):  # the machine may be busy with others
        before, begun = server.count, time.monotonic()
        send_lines(daemon, 0, 6000)
        wait_until(lambda: server.count >= before + 6000, "all posts", 30, pause=0.005)
        rates.append(6000 / (time.monotonic() - begun))
        if rates[-1] * SLOWNESS >= 2000:
            break
    assert max(rates) * SLOWNESS >= 2000, rates
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) <= 64 << 10 or SLOWNESS > 1, status
