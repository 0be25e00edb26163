"""Every engine of policy: in process, the built-in server and, where it is found, the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.policy import OpaWasm, PolicyEngine
from assay_laptop.opa.launch import find_opa, folder
from tests.contract.policy.world import Authority, Server, serving


def _found() -> Path:
    opa = find_opa()
    if opa is None:
        pytest.skip("no `opa` on the PATH or in ASSAY_BIN: the real server is not tested")
    return opa


@pytest.fixture(scope="session")
def opa() -> Path:
    return _found()


@pytest.fixture(scope="session")
def wasm() -> OpaWasm:
    return OpaWasm(folder() / "policy.wasm")


@pytest.fixture(scope="session")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(None, tmp_path_factory.mktemp("opa") / "built-in") as server:
        yield server


@pytest.fixture(scope="session", params=["built-in", "opa"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each server that speaks OPA's API."""
    if request.param == "built-in":
        yield request.getfixturevalue("built_in")
        return
    with serving(_found(), tmp_path_factory.mktemp("opa") / "real") as real:
        yield real


@pytest.fixture(scope="session", params=["built-in", "opa", "wasm"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PolicyEngine]:
    """Each engine of policy."""
    if request.param == "wasm":
        yield request.getfixturevalue("wasm")
    elif request.param == "built-in":
        yield request.getfixturevalue("built_in").engine()
    else:
        with serving(_found(), tmp_path_factory.mktemp("opa") / "engine") as real:
            yield real.engine()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    home = tmp_path / "authority"
    home.mkdir()
    return Authority(home)
