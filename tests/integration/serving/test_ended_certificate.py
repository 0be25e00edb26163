"""A predictor that cannot renew its certificate goes with it, and serving starts it again: nobody has to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from assay.errors import Unavailable
from assay.identity.workload import WorkloadIdentity
from assay.ledger import Follower
from assay.policy import OpaWasm, Policy
from services.serving.usecases import Wanted
from tests.integration.serving.platform import Platform
from tests.integration.serving.test_process import BODY, HANG, INFER, PROD, _dana
from tests.support.data import running_vault
from tests.unit.custody.world import MODEL, POLICY


class Engine(OpaWasm):
    """What serving asks, away while `here` is not set, as an OPA that went."""

    def __init__(self, follower: Follower) -> None:
        super().__init__(POLICY, expected=follower.policy_revision)
        self.here = threading.Event()
        self.here.set()
        self.asked_in_vain = 0

    def require(self, action: str, *rest: Any, **context: Any) -> None:  # noqa: ANN401 - the engine's own
        """See `Policy.require`."""
        if not self.here.is_set():
            self.asked_in_vain += 1
            raise Unavailable("OPA does not answer")
        super().require(action, *rest, **context)


class Losing(Platform):
    """A platform whose serving may lose its OPA."""

    engine: Engine

    def policy_of(self, identity: WorkloadIdentity, follower: Follower) -> Policy:  # noqa: ARG002 - of an OPA
        """Return the engine that may go."""
        self.engine = Engine(follower)
        return self.engine


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Losing]:
    folder = tmp_path_factory.mktemp("platform")
    with running_vault(folder) as vault:
        made = Losing(folder, vault)
        try:
            yield made
        finally:
            made.close()


def test_a_predictor_whose_certificate_ended_while_opa_was_away_leaves_and_is_started_again(
    platform: Losing,
) -> None:
    platform.approved((0.5, -1.0, 2.0))
    view = platform.endpoints.roll_out(PROD, Wanted(MODEL, 1), "first", by=_dana(platform))
    dana = f"/people/{platform.world.person('dana')}"
    http = platform.client(dana, view["url"], expect="/svc/prod/predictor/credit")
    _until(lambda: _answers(http))
    first = platform.endpoints.control._children[PROD]  # type: ignore[attr-defined]
    platform.engine.here.clear()
    first.wait(HANG)
    assert platform.engine.asked_in_vain > 0, "it tried to renew before it left"
    _until(lambda: _answers(http))
    assert not platform.engine.here.is_set(), "a start needs no OPA"


def _answers(http: httpx.Client) -> bool:
    try:
        return http.post(INFER, json=BODY).status_code == 200
    except httpx.TransportError:
        return False


def _until(true: Callable[[], object]) -> None:
    until = time.monotonic() + HANG
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to be")
