from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.registry.platform import Platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with version 1 trained and evaluated, not registered."""
    made = Platform(tmp_path_factory.mktemp("registry"))
    made.desk.trained("epoch-3", "epoch-5")
    yield made
    made.close()
