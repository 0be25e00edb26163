from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.contracts import Environment, SpiffeId
from assay.journal import Journal, Owner

OWNER = Owner(SpiffeId("assay.demo", "/svc/prod/predictor/credit"), Environment.PROD)
Opens = Callable[..., Journal]


@pytest.fixture
def opens(tmp_path: Path) -> Iterator[Opens]:
    """Opens the test's one journal; again after `close` is a restart."""
    opened: list[Journal] = []

    def open_(*, lease_seconds: float = 60, **more: float) -> Journal:
        journal = Journal(tmp_path / "journal.db", lease_seconds=lease_seconds, **more)  # type: ignore[arg-type]
        opened.append(journal)
        return journal

    yield open_
    for journal in opened:
        journal.close()
