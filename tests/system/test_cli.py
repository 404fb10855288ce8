"""Arguments, exit statuses, --check and --print-config, and the questions that thorlogctl answers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from daemon import port_of, program, syslog_output
from lines import thor_line
from net import free_port, send_tcp
from wait import wait_until


def thorlogd(*arguments, **more) -> subprocess.CompletedProcess:
    return subprocess.run([program("thorlogd"), *map(str, arguments)], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, **more)


def ctl(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([program("thorlogctl"), *map(str, arguments)], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL)


def config_file(folder: Path, text: str) -> Path:
    path = folder / "thorlogd.yaml"
    path.write_text(text)
    return path


GOOD = """\
state_directory: {folder}/state
inputs:
  net: {{ type: udp, listen: "127.0.0.1:{port}" }}
  stream: {{ type: tcp, listen: "127.0.0.1:{port}" }}
outputs:
  siem:
    type: syslog
    address: "tcp://127.0.0.1:1"
  log:
    type: file
    path: {folder}/x.log
admin: {{ listen: "127.0.0.1:{admin}", socket: {folder}/admin.sock }}
"""


def good(folder: Path) -> str:
    return GOOD.format(folder=folder, port=free_port(), admin=free_port())


def test_check_says_what_would_run_and_what_is_promised(folder):
    done = thorlogd("--config", config_file(folder, good(folder)), "--check")
    assert done.returncode == 0, done.stderr
    for word in ("net", "stream", "siem", "log", "udp", "tcp", "syslog", "file"):
        assert re.search(rf"\b{word}\b", done.stdout), word
    assert "lost" in done.stdout or "loss" in done.stdout or "lose" in done.stdout
    assert not (folder / "state").exists(), "--check touched the state"


def test_check_of_thorlogctl_agrees(folder):
    path = config_file(folder, good(folder))
    assert ctl("check", path).returncode == 0
    path.write_text(good(folder) + "nonsense: 1\n")
    done = ctl("check", path)
    assert done.returncode == 2 and "nonsense" in done.stderr


FAULTS = {
    "unknown key": ("    path: {folder}/x.log", "    pahh: {folder}/x.log", "path"),
    "unknown top key": ("admin:", "admn:", "admin"),
    "unknown type": ("type: udp", "type: upd", "udp"),
    "a duplicate key": ("    type: file", "    type: file\n    type: file", "type"),
    "not a size": ("type: udp,", "type: udp, max_message: 4XB,", "max_message"),
    "out of range": ("type: tcp,", "type: tcp, max_connections: -1,", "max_connections"),
    "no such port": ("tcp://127.0.0.1:1", "tcp://127.0.0.1:99999", "99999"),
    "no path": ("    path: {folder}/x.log", "", "path"),
    "broken yaml": ("admin:", "admin: [", ""),
    "a regular expression": ("    type: file", "    type: file\n    match: [ {{ raw: {{ regex: '(' }} }} ]", "regex"),
    "not built yet": ("    type: file", "    type: email", "built yet"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_is_named_with_its_place(folder, fault):
    old, new, hint = FAULTS[fault]
    text = GOOD.replace(old, new, 1).format(folder=folder, port=free_port(), admin=free_port())
    assert text != good(folder)
    path = config_file(folder, text)
    for arguments in (["--check"], []):
        done = thorlogd("--config", path, *arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        assert re.search(rf"{re.escape(str(path))}:\d+:\d+", done.stderr), done.stderr
        assert hint in done.stderr
    assert not (folder / "state").exists()


def test_two_inputs_on_one_address_are_an_error(folder):
    text = good(folder).replace("outputs:", "  again: { type: tcp, listen: \"127.0.0.1:%d\" }\noutputs:")
    port = re.search(r"127\.0\.0\.1:(\d+)", text)[1]
    done = thorlogd("--config", config_file(folder, text % int(port)), "--check")
    assert done.returncode == 2 and "again" in done.stderr and "stream" in done.stderr


@pytest.mark.parametrize("path", ["/", "/nonexistent/thorlogd.yaml", "/dev/null/x"])
def test_a_configuration_that_is_none(path):
    done = thorlogd("--config", path)
    assert done.returncode == 2 and path in done.stderr


def test_a_configuration_nobody_may_read_or_that_is_binary(folder):
    path = folder / "thorlogd.yaml"
    for content in (b"", b"\x00\x01\x02" * 100, b"\xff\xfe", b"- a\n- b\n", b"&a [*a]", b"[" * 5000, b"a" * 3000000):
        path.write_bytes(content)
        done = thorlogd("--config", path, "--check")
        assert done.returncode == 2, content[:20]
        assert done.stderr and len(done.stderr) < 4000


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--config"], ["extra"]])
def test_bad_arguments(arguments):
    done = thorlogd(*arguments)
    assert done.returncode == 2 and done.stderr


def test_the_printed_configuration_is_one_that_runs(folder):
    done = thorlogd("--print-config")
    assert done.returncode == 0 and done.stdout.count("#") > 20
    assert thorlogd("--config", config_file(folder, done.stdout), "--check").returncode == 0
    shipped = Path(__file__).resolve().parents[2] / "conf" / "thorlogd.yaml"
    assert shipped.read_text() == done.stdout


def test_values_from_the_environment_and_from_files(folder):
    (folder / "target").write_text("tcp://127.0.0.1:2\n")
    text = good(folder).replace('"tcp://127.0.0.1:1"', f"{{ file: {folder}/target }}")
    text = text.replace(f"path: {folder}/x.log", "path: { env: THORLOGD_TEST_PATH }")
    path = config_file(folder, text)
    import os

    done = thorlogd("--config", path, "--check", env={**os.environ, "THORLOGD_TEST_PATH": f"{folder}/y.log"})
    assert done.returncode == 0, done.stderr
    done = thorlogd("--config", path, "--check")
    assert done.returncode == 2 and "THORLOGD_TEST_PATH" in done.stderr


def test_a_port_that_cannot_be_opened(folder):
    text = good(folder).replace("127.0.0.1:", "192.0.2.1:", 1)  # an address of nobody here
    done = thorlogd("--config", config_file(folder, text))
    assert done.returncode == 3 and "192.0.2.1" in done.stderr


@pytest.mark.parametrize("arguments, words", [((), "say a command"), (("bogus",), "'bogus'"), (("tail", "--bogus"), "--bogus")])
def test_a_word_that_is_no_command_is_named(arguments, words):
    done = subprocess.run([program("thorlogctl"), *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_a_refusal_says_why(daemon):
    done = subprocess.run([program("thorlogctl"), "tail", "--since", "yesterday", "--config", str(daemon.config_path)],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "'yesterday' is neither a duration" in done.stderr and "{" not in done.stderr


def test_questions_without_a_daemon(folder):
    path = config_file(folder, good(folder))
    for question in (["status"], ["account"], ["tail"]):
        done = ctl(*question, "--config", path)
        assert done.returncode == 4, (question, done.returncode, done.stderr)
        assert done.stderr


def test_status_account_and_tail(new_daemon):
    daemon = new_daemon()
    daemon.config["outputs"]["dead"] = syslog_output(free_port())
    daemon.start()
    tail = subprocess.Popen([program("thorlogctl"), "tail", "--json", "--config", str(daemon.config_path)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown = subprocess.Popen([program("thorlogctl"), "tail", "--config", str(daemon.config_path)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        def told() -> bool:  # the two listen from some moment on: repeat until both have heard
            send_tcp(port_of(daemon, "tcp"), thor_line(7).replace(b"a.exe", b"\x1b[31ma.exe") + b"\n")
            return _readable(tail) and _readable(shown)

        wait_until(told, "both tails to speak", pause=0.2)
        first = json.loads(tail.stdout.readline())
        assert first["uid"] == "7" and first["module"] == "Filescan"
        line = shown.stdout.readline()
        assert b"Suspicious file found" in line and b"\x1b" not in line
    finally:
        for process in (tail, shown):
            process.terminate()
            process.wait(10)
    text = daemon.ctl("status", ok=(0, 1))
    for name in ("udp", "tcp", "events", "dead"):
        assert name in text
    for line in daemon.ctl("status", "--json", ok=(0, 1)).splitlines():
        json.loads(line)
    text = daemon.ctl("account")
    assert "balanced" in text.lower() and "events" in text


def _readable(process: subprocess.Popen) -> bool:
    import select

    return bool(select.select([process.stdout], [], [], 0)[0])


def test_metrics_and_health(daemon):
    send_tcp(port_of(daemon, "tcp"), b"".join(thor_line(number) + b"\n" for number in range(10)) + b"\n\n")
    daemon.wait_drained()
    assert daemon.http("/healthz")[0] == 200 and daemon.http("/readyz")[0] == 200
    assert daemon.http("/nowhere")[0] == 404
    metrics = daemon.metrics()
    assert metrics['input_received_total{input="tcp"}'] == 10
    assert metrics['input_empty_total{input="tcp"}'] == 2
    assert metrics['output_acknowledged_total{output="events"}'] >= 10
    assert metrics['output_pending{output="events"}'] == 0
    assert metrics['events_total{kind="thor"}'] == 10
    assert any(name.startswith("build_info{") for name in metrics)
    account = json.loads(daemon.http("/api/v1/account")[1])
    assert account["balanced"] is True
