"""How the suite is shared among worker processes (`pytest -n`): by file, what is heavy together in one worker.

The platform of `tests/e2e` is started once and Ray's clusters come up one after the other, so every test that uses
either goes to the same worker.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

HEAVY: Final = "one worker: the platform and Ray"
FOLDERS: Final = ("tests/e2e/", "tests/integration/training/")
NAMES_THE_PLATFORM: Final = "running: Running"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share by file."""
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker whole files."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return HEAVY if is_heavy(self.config.rootpath, path) else path


@cache
def is_heavy(root: Path, path: str) -> bool:
    """Say whether a test file uses the whole platform or Ray."""
    return path.startswith(FOLDERS) or NAMES_THE_PLATFORM in (root / path).read_text()
