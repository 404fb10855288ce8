"""Small file systems that can be filled or made read-only. They need the right to mount."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def make_small_disk(path: Path, mebibytes: int) -> Path:
    path.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", path)
    except subprocess.CalledProcessError as error:
        path.rmdir()
        pytest.skip(f"SKIPPED: a small disk can't be mounted here: {error.stderr.decode().strip()}")
    return path


def unmount_all(path: Path) -> None:
    """Also what was mounted over it, and while somebody still uses it."""
    while path.is_mount():
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path: Path) -> None:
    """A file that takes all the room there is."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, bytes(1 << 12))
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(file)
