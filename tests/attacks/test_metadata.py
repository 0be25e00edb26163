"""What makers and deciders write about models stays text on the pages where others decide about them.

Each text is written wherever the registry takes one, and the page may show no kind of element that it does not show
about a plain word, and no address of the writer's choosing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import FactKind
from tests.attacks.test_markup import PLAIN, TEXTS, Elements, leads_away
from tests.integration.registry.platform import Platform
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD
from tests.unit.registry.gallery import CARD, RISK

VERSION = f"/models/{MODEL}/1"


def card(platform: Platform, text: str) -> str:
    by = platform.desk.person("dana")
    platform.desk.stating.write(MODEL, 1, "model-card", dict.fromkeys(CARD, text), valid_until=None, by=by)
    return VERSION


def risk(platform: Platform, text: str) -> str:
    treatment = {**RISK["manage"]["treatments"][0], "risk": text, "response": text, "owner": text}
    document: dict[str, Any] = {
        "map": {
            "context": text,
            "affected_people": text,
            "risks": [{**RISK["map"]["risks"][0], "risk": text}],
        },
        "measure": {"methods": text, "findings": text},
        "manage": {**RISK["manage"], "treatments": [treatment], "accepted_because": text},
    }
    by = platform.desk.person("amir")
    platform.desk.stating.write(MODEL, 1, "risk-record", document, valid_until=None, by=by)
    return VERSION


def document(platform: Platform, text: str) -> str:
    return f"{card(platform, text)}/evidence/model-card"


def comment(platform: Platform, text: str) -> str:
    shown = "".join(letter for letter in text if letter.isprintable())  # others are refused
    platform.service.asking.comment(MODEL, 1, shown, by=platform.desk.person("bea"))
    return VERSION


def note(platform: Platform, text: str) -> str:
    due = datetime.now(UTC) + timedelta(days=1)
    shown = "".join(letter for letter in text if letter.isprintable())
    for standing in platform.service.asking.of(MODEL, 1):
        if not standing.ended:
            platform.service.asking.withdraw(standing.request.id, by=platform.desk.person("dana"))
    asked = platform.service.asking.request(
        MODEL, 1, PROD, note=shown, due=due, by=platform.desk.person("dana")
    )
    return f"/requests/{asked.request.id}"


def tag(platform: Platform, text: str) -> str:
    platform.service.notes.note(MODEL, 0, {"tag": text, "": text}, by="p-dana")
    platform.service.notes.note(MODEL, 1, {"tag": text}, by="p-dana")
    return f"/models/{MODEL}"


def revocation(platform: Platform, text: str) -> str:
    (evaluation,) = platform.world.follower.records(FactKind.EVALUATION)
    body = {"revokes": evaluation.digest, "what": text, "reason": text, "by": "p-ada", "ended": False}
    platform.world.say(FactKind.REVOCATION, f"revocation/{evaluation.digest}", body)
    return VERSION


PLACES: dict[str, Callable[[Platform, str], str]] = {
    "the model card": card,
    "the risk record": risk,
    "a document of evidence": document,
    "a comment": comment,
    "the note of a request": note,
    "tags and a description": tag,
    "why evidence was revoked": revocation,
}


@contextmanager
def registry(folder: Path) -> Iterator[Platform]:
    """Run a registry with version 1."""
    made = Platform(folder)
    made.desk.trained()
    made.desk.register()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with registry(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A registry whose templates do not escape."""
    with registry(tmp_path_factory.mktemp("careless")) as made:
        environment = made.pages.state.site.environment
        environment.autoescape = False
        environment.cache = None
        yield made


def stays_text(platform: Platform, place: str, texts: list[str]) -> bool:
    """Say whether a page shows the same kinds of elements whatever is written in a place."""
    reader = platform.surfer("amir")
    plain = Elements(reader.http.get(PLACES[place](platform, PLAIN)).text)
    for text in texts:
        answer = reader.http.get(PLACES[place](platform, text))
        assert answer.status_code == 200
        assert "'unsafe" not in answer.headers["content-security-policy"]
        seen = Elements(answer.text)
        if not set(seen.found) <= set(plain.found) or any(leads_away(each) for each in seen.addresses):
            return False
    return True


@pytest.mark.threat("T-DAT-04")
@pytest.mark.parametrize("place", PLACES)
def test_what_is_written_about_a_model_stays_text(
    platform: Platform, place: str, attempts: Callable[[int], None]
) -> None:
    assert stays_text(platform, place, TEXTS)
    attempts(len(TEXTS))


@pytest.mark.control("T-DAT-04")
@pytest.mark.parametrize("place", ["the model card", "a comment", "tags and a description"])
def test_control_templates_that_do_not_escape_let_markup_about_a_model_in(
    careless: Platform, place: str
) -> None:
    assert not stays_text(careless, place, TEXTS[:3])
