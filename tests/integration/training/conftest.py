from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.data import RunningVault, running_vault
from tests.support.training import TrainingWorld


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture(scope="module")
def world(vault: RunningVault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingWorld]:
    secret = pytest.MonkeyPatch()
    secret.setenv("ASSAY_VAULT_WRAPPED_SECRET_ID", "what no run may see")
    made = TrainingWorld(tmp_path_factory.mktemp("world"), vault)
    try:
        yield made
    finally:
        made.close()
        secret.undo()
