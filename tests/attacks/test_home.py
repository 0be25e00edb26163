"""Whoever else has an account on this machine sees nothing of a home: no sealed table, no wrapped key, no log."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from assay_laptop.home import Home


@pytest.mark.parametrize("mask", [0o000, 0o022])
@pytest.mark.threat("T-IAM-07")
def test_a_home_is_made_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        home = Home(tmp_path / "home")
        home.make()
        home.make()
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
