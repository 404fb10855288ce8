"""The fleet simulator plays scanners and relays, and holds every event against the truth. Runs where it is beside the
clone."""

from __future__ import annotations

import pytest

from fleet import FleetRun, told, without_recovered

pytestmark = pytest.mark.fleet


def run(shared, folder, profile: str, seed: int, *options, check=()) -> None:
    this = FleetRun(shared, folder, profile, seed, *options)
    try:
        this.start()
        this.play()
    finally:
        this.daemon.finish()
    without_recovered(this.events)
    report = this.check(*check)
    assert report["ok"], told(report)


def test_smoke(shared, folder):
    run(shared, folder, "smoke", 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reassembly(shared, folder, seed):
    run(shared, folder, "reassembly", seed)


@pytest.mark.slow
@pytest.mark.parametrize("profile, seed", [("detection", 1), ("detection", 2), ("traps", 1), ("traps", 2), ("full", 1)])
def test_scans(shared, folder, profile, seed):
    run(shared, folder, profile, seed, "--time-scale", 1.5)
