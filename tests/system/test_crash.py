"""The crash test (crash.py), short for every day and long for the report in docs/reliability.md."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from crash import CrashRun


def run(folder: Path, deaths: int, seed: int) -> dict:
    crash = CrashRun(folder, seed)
    try:
        report = crash.run(deaths)
    finally:
        if crash.daemon.running():
            crash.daemon.kill()
        print(json.dumps(crash.report(), indent=1))
    return report


def test_killed_at_fault_points_and_at_any_instant_nothing_is_lost(tmp_path):
    report = run(tmp_path, deaths=20, seed=20)
    assert report["kills under load or while recovering"] == 20
    assert sum(report["points"].values()) >= 35


@pytest.mark.slow
def test_killed_three_hundred_times_nothing_is_lost(tmp_path):
    seed = int(os.environ.get("THORLOGD_SEED", random.randrange(1 << 30)))
    report = run(tmp_path, deaths=300, seed=seed)
    assert report["kills under load or while recovering"] == 300
    target = os.environ.get("THORLOGD_CRASH_REPORT")
    if target:
        Path(target).write_text(json.dumps(report, indent=1) + "\n")
