"""A revoked identity: refused at every listener of the platform, and without a login at Vault; and it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from assay.contracts import sha256_hex
from assay.errors import ServiceError
from assay.vault.errors import LoginEnded
from assay.web.caller import IdentityRevoked
from assay.web.client import call
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT
from assay_laptop.platform.acting import Actor
from assay_laptop.platform.addresses import url
from tests.conftest import Running

WHO = "tracking"
SETTLED_SECONDS = 8.0
WHAT = f"identity/svc/core/{WHO}"
HANG_SECONDS = 60.0
ROUTES = {
    "ledger": "/v1/checkpoint",
    "identity": "/v1/people",
    "ingestion": "/v1/datasets/statements/batches",
    "features": f"/v1/feature-sets/{'0' * 64}",
    "tracking": "/api/3.0/mlflow/server-info",
    "training": "/v1/runs",
    "evaluator": f"/v1/evaluations/{'0' * 64}",
    "registry": "/v1/models",
    "serving": "/v1/endpoints",
}


def listeners(running: Running) -> dict[str, tuple[str, str, str]]:
    """Every listener with client certificates: its address, whom it must be, and a route of it."""
    ports = running.platform.ports
    found = {name: (url(ports, name), name, path) for name, path in ROUTES.items()}
    predictor = running.thread.sessions["dana"].endpoints.get(ENVIRONMENT, ENDPOINT)["url"]
    found["predictor"] = (predictor, f"/svc/{ENVIRONMENT}/predictor/{ENDPOINT}", "/v2/health/live")
    return found


def refusals(running: Running, actor: Actor) -> dict[str, str]:
    """Ask every listener as the actor; return how each refused, "" where it did not."""
    found = {}
    for name, (address, whom, path) in listeners(running).items():
        if name == WHO:
            continue  # the revoked part itself ends with its login
        with actor.identity.client(address, expect=whom) as http:
            try:
                call(http.get(path))
            except ServiceError as refusal:
                found[name] = type(refusal).__name__
            else:
                found[name] = ""
    return found


def until(work: Callable[[], bool]) -> float:
    """Wait until something is so; return how many seconds that took."""
    began = time.monotonic()
    while not work():
        assert time.monotonic() - began < HANG_SECONDS
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture
def revoked(running: Running) -> Iterator[Actor]:
    """Somebody who holds a part's identity and login, which are then revoked, and reinstated afterwards."""
    ada = running.thread.sessions["ada"]
    with running.platform.acting_as(WHO) as actor:
        before = refusals(running, actor)
        assert "IdentityRevoked" not in before.values()
        ada.models.revoke_named(WHAT, reason="its machine was stolen")
        yield actor
    ada.models.reinstate(sha256_hex(WHAT.encode()), what=WHAT, reason="a new machine")


def test_a_revoked_identity_is_refused_at_every_listener_and_loses_its_login(
    running: Running, revoked: Actor, record_property: Callable[[str, object], None]
) -> None:
    def no_login() -> bool:
        try:
            revoked.vault.ca_pem()
            revoked.vault.sign_csr(WHO, "", uri="", ttl_seconds=1)
        except LoginEnded:
            return True
        except ServiceError:
            return False
        return False

    at_vault = until(no_login)
    everywhere = until(lambda: set(refusals(running, revoked).values()) == {IdentityRevoked.__name__})
    record_property("seconds until the login ended", at_vault)
    record_property("seconds from there until every listener refused", everywhere)


def test_after_the_revocation_ended_the_part_comes_back_by_itself(running: Running) -> None:
    dana = running.thread.sessions["dana"]

    def answers() -> bool:
        try:
            return bool(dana.service(WHO).get(ROUTES[WHO]))
        except (ServiceError, httpx.TransportError):
            return False

    def settled() -> bool:
        """Say whether it stays: a login made a moment before the revocation ended may be ended once more."""
        before = running.platform.parts[WHO].process
        time.sleep(SETTLED_SECONDS)
        return running.platform.parts[WHO].process is before and answers()

    until(answers)
    until(settled)
    with running.platform.acting_as(WHO) as actor:
        assert "IdentityRevoked" not in refusals(running, actor).values()
