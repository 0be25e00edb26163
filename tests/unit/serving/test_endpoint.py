"""An endpoint's history: what answers, and what "the version before" is."""

from __future__ import annotations

import pytest

from assay.contracts import Environment, Rollout, SpiffeId, sha256_hex
from assay.errors import BadRequest
from services.serving.domain import Endpoint, Place, Said
from services.serving.errors import NothingBefore

PLACE = Place(Environment.PROD, "credit")


def _said(at: int, number: int) -> Said:
    digest = sha256_hex(f"version {number}".encode())
    rollout = Rollout(
        endpoint="credit",
        model="credit-default",
        number=number,
        version=digest,
        package=digest,
        approvals=(),
        evidence=(),
        policy="p",
        reason="",
    )
    return Said(f"fact {at}", rollout)


def _after(*numbers: int) -> Endpoint:
    return Endpoint(PLACE, tuple(_said(at, number) for at, number in enumerate(numbers)))


@pytest.mark.parametrize(
    ("history", "before"),
    [
        ((1, 2), 1),
        ((1, 2, 3), 2),
        ((1, 2, 3, 2), 1),  # going back twice goes back two versions, not forth again
        ((1, 2, 2), 1),  # the same version again is no step
        ((1, 2, 1, 3), 1),
        ((1, 2, 3, 1), 3),  # 1 was not the version before 3: rolling it out is a step forward
    ],
)
def test_going_back_returns_to_the_version_that_stood_before(history: tuple[int, ...], before: int) -> None:
    assert _after(*history).before().rollout.number == before


@pytest.mark.parametrize("history", [(), (1,), (1, 1), (1, 2, 1)])
def test_there_is_nothing_before_the_first_version(history: tuple[int, ...]) -> None:
    with pytest.raises(NothingBefore):
        _after(*history).before()


def test_the_last_rollout_is_the_desired_state() -> None:
    current = _after(1, 2).current
    assert current is not None
    assert current.rollout.number == 2
    assert _after().current is None


def test_a_place_and_its_predictor_name_each_other() -> None:
    identity = PLACE.identity("assay.demo")
    assert str(identity) == "spiffe://assay.demo/svc/prod/predictor/credit"
    assert Place.of(identity) == PLACE


@pytest.mark.parametrize(
    "path",
    ["/svc/core/serving", "/svc/moon/predictor/credit", "/svc/prod/gateway", "/people/p-1", "/run/r-1"],
)
def test_only_a_predictor_of_an_environment_names_a_place(path: str) -> None:
    assert Place.of(SpiffeId("assay.demo", path)) is None


@pytest.mark.parametrize("name", ["", "..", "a/b", "Credit", "-a", "a" * 64])
def test_an_endpoint_has_a_plain_name(name: str) -> None:
    with pytest.raises(BadRequest):
        Place(Environment.PROD, name)
