"""How the suite is shared among worker processes (`pytest -n`): by file, but for what is started once for many files.

Every test that uses the platform of `tests/e2e` goes to one worker, and every test of training on Ray to one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

PLATFORM: Final = "one worker: the platform"
RAY: Final = "one worker: Ray"
NAMES_THE_PLATFORM: Final = "running: Running"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share by file."""
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker whole files."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return scope_of(self.config.rootpath, path)


@cache
def scope_of(root: Path, path: str) -> str:
    """Return what a test file shares a worker by."""
    if path.startswith("tests/integration/training/"):
        return RAY
    if path.startswith("tests/e2e/") or NAMES_THE_PLATFORM in (root / path).read_text():
        return PLATFORM
    return path
