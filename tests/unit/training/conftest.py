from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.training.lab import Ground, Lab, opened


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with opened(tmp_path_factory.mktemp("ground")) as made:
        yield made


@pytest.fixture
def lab(ground: Ground, tmp_path: Path) -> Lab:
    return ground.lab(tmp_path)
