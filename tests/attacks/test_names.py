"""A second name that reads like the first: not by the registry, not past it, even when a signed run made it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from assay.contracts import FactKind
from assay.custody import package_digest
from assay.errors import ServiceError
from assay.ledger import abouts
from services.registry import registering
from tests.unit.custody.graphs import package
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import Desk

__all__ = ["desk", "registered"]
LOOK_ALIKES = {
    "another case": "Credit-Default",
    "an underscore": "credit_default",
    "a space after it": "credit-default ",
    "full width": "\uff43redit-default",
    "Cyrillic": "\u0441redit-default",
    "another hyphen": "credit\u2010default",
    "no width": "credit-default\u200b",
    "composed": "cr\u00e9dit-default",
    "decomposed": "cre\u0301dit-default",
    "right to left": "\u202ecredit-default",
    "a NUL": "credit-default\0",
    "a line": "credit-default\n",
}


def names_second(desk: Desk, name: str) -> bool:
    """Train, and register under a name, with the registry's own key if it must be; say whether that is a model."""
    world = desk.world
    features = world.feature_set(world.batch("2005-05"), name="fs-second")
    files = package(name, datasets=(features.digest,))
    desk.runs.given["run-second", "epoch-1"] = files
    with suppress(ServiceError):
        run = world.run(features, {"epoch-1": package_digest(files)}, run="run-second", model=name)
        with suppress(ServiceError):
            desk.register("epoch-1", run="run-second", model=name)
        world.version(run, "epoch-1", files, model=name)
    return {one.fact.body["model"] for one in world.follower.records(FactKind.VERSION)} != {"credit-default"}


@pytest.mark.threat("T-REG-10")
@pytest.mark.parametrize("name", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_no_model_is_named_like_another_even_by_a_run_that_made_it(registered: Desk, name: str) -> None:
    assert not names_second(registered, name)


@pytest.mark.control("T-REG-10")
@pytest.mark.parametrize("name", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_control_where_names_are_not_read_letter_by_letter_it_is(
    registered: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (abouts, registering):
        monkeypatch.setattr(module, "check_name", lambda name, _what="name": name)
    assert names_second(registered, name)


@pytest.mark.control("T-REG-10")
def test_control_a_plain_second_name_is_one(registered: Desk) -> None:
    assert names_second(registered, "credit-premium")
