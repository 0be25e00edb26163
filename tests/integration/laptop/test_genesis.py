"""Beginning a platform: repeatable wherever it was interrupted, and never done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import Conflict
from assay.ledger import Root
from assay_laptop.genesis.founding import found
from assay_laptop.home import Home

STEPS = 3  # what `found` tells before the platform is made


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_an_interrupted_beginning_is_taken_up_where_it_ended(tmp_path: Path, step: int) -> None:
    home = Home.at(tmp_path / "home")
    told: list[str] = []

    def interrupt(line: str) -> None:
        told.append(line)
        if len(told) == step:
            raise Interrupted(line)

    with pytest.raises(Interrupted):
        found(home, say=interrupt)
    found(home, say=told.append)
    assert Root.load(home.root).demonstration
    assert home.describe()["trust_domain"] == "assay.demo"
    assert (home.path / "unlock").stat().st_mode & 0o777 == 0o600


def test_a_platform_is_not_begun_twice(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    found(home, say=lambda _line: None)
    before = home.root.read_bytes()
    with pytest.raises(Conflict, match="already"):
        found(home, say=lambda _line: None)
    assert home.root.read_bytes() == before
