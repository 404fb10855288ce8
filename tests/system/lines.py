"""THOR lines with a number, made for this moment: old stamps would be flagged."""

from __future__ import annotations

import time

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def stamp() -> str:
    now = time.gmtime()
    return f"{MONTHS[now.tm_mon - 1]} {now.tm_mday:2d} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}"


def thor_line(number: int, size: int = 0, host: str = "srv01", ip: str = "10.1.2.3", scan: str = "S-abcdefghijk",
              level: str = "Notice", priority: str = "<190>") -> bytes:
    """A finding; with `size` its FILE is so long that the line has that many bytes. No backslash: outputs with one line
    for each record escape it."""
    head = (f"{priority}{stamp()} {host}/{ip} THOR: {level}: MODULE: Filescan MESSAGE: Suspicious file found "
            f"SCANID: {scan} UID: {number} FILE: ").encode()
    tail = b" SCORE: 65 END: yes"
    path = b"/var/tmp/.cache/a.exe"
    if size:
        assert size >= len(head) + len(tail) + 1
        path = (b"/var/tmp/" + b"long-name-" * (size // 10 + 1))[:size - len(head) - len(tail)]
    line = head + path + tail
    assert not size or len(line) == size
    return line


def json_line(number: int, size: int = 0, host: str = "srv01", scan: str = "S-abcdefghijk") -> bytes:
    """A THOR v3 assessment as one line; with `size` it has so many reasons that the line has that many bytes."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    head = (f'{{"type":"THOR assessment","meta":{{"time":"{moment}","level":"Warning","module":"Filescan",'
            f'"scan_id":"{scan}","event_id":"{number}","hostname":"{host}"}},"message":"Suspicious file found",'
            f'"subject":{{"type":"file","path":"/tmp/a"}},"score":70,"reasons":[').encode()
    tail = b'],"reason_count":0,"context":[],"log_version":"v3.0.0"}'
    reasons, room = [], size - len(head) - len(tail)
    while room > 300:
        n = len(reasons)
        reasons.append(b'{"type":"reason","summary":"YARA rule SUSP_Encoded_%d / Detects an encoded command line, part %d",'
                       b'"signature":{"score":%d,"kind":"YARA Rule"},"matched":[{"data":"powershell -nop -w hidden -enc '
                       b'SQBFAFgAIAAoAE4A%d","offset":%d}]}' % (n, n * 7, n % 90, n * 12345, n * 4096))
        room -= len(reasons[-1]) + 1
    if room > 3:
        reasons.append(b'"' + b"x" * (room - 2) + b'"')
    return head + b",".join(reasons) + tail


def agent_line(number: int) -> bytes:
    return (time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
            + f" ASGARD_AGENT: Error: task {number} done with error: exit status 1").encode()


def numbers(raws) -> list[int]:
    """The UID of each line, in order."""
    return [int(raw.split(b"UID: ", 1)[1].split(b" ", 1)[0]) for raw in raws]
