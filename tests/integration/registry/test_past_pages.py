"""Pages about what was and what answers: history with proof, endpoints, receipts, the trail, people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from assay.contracts import FactKind
from assay.custody import export
from assay.custody.history import verify_history
from assay.custody.receipt import verify_bundle
from assay.ledger import Record
from services.registry.ports import Place
from tests.integration.registry.platform import Platform
from tests.support.browser import chromium
from tests.support.surfer import Surfer
from tests.unit.custody.receipts import journaled_receipt
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD

ALIAS = f"alias/prod/{MODEL}@champion"


@dataclass
class Lived:
    """A platform where version 1 was champion, then 2, and 2 answers at an endpoint; one receipt."""

    platform: Platform
    moves: list[Record]
    rollout: Record
    receipt: dict[str, Any]

    def surfer(self, name: str = "amir") -> Surfer:
        """Return a person's browser without a screen."""
        return self.platform.surfer(name)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    platform = Platform(tmp_path_factory.mktemp("lived"))
    desk = platform.desk
    desk.trained("epoch-3", "epoch-5")
    desk.register()
    desk.register("epoch-5")
    moves = []
    for number in (1, 2):
        desk.approved(number)
        moves.append(desk.promote(number))
    rollout = platform.world.rollout(desk.registry.judged(MODEL, 2, PROD))
    receipt = journaled_receipt(platform.world, rollout)
    platform.places.seen["prod", "credit"] = Place("https://localhost:4711", "answering")
    platform.places.receipts[receipt["receipt"]["id"]] = receipt
    yield Lived(platform, moves, rollout, receipt)
    platform.close()


def utc(record: Record, seconds: float = 0) -> str:
    """Return the time of a fact, and some seconds, as a form's field says it."""
    at = datetime.fromisoformat(record.fact.time).astimezone(UTC) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S")


# ---- history


def test_the_history_shows_every_span_and_says_what_was_in_production_then(lived: Lived) -> None:
    http = lived.surfer().http
    page = http.get("/history").text
    assert page.count('<rect class="span-') == 3
    assert "Timeline of credit-default@champion in prod: version 1, then version 2" in page
    then = http.get("/history", params={"about": ALIAS, "at": utc(lived.moves[0])}).text
    assert 'meant <a href="/models/credit-default/1">' in then
    before = http.get("/history", params={"about": ALIAS, "at": utc(lived.moves[0], -60)}).text
    assert "meant nothing then" in before


def test_a_moment_is_taken_away_as_a_file_that_proves_it(lived: Lived) -> None:
    asked = {"about": ALIAS, "at": utc(lived.moves[0])}
    answer = lived.surfer().http.get("/history/proof", params=asked)
    assert "attachment" in answer.headers["content-disposition"]
    stood = verify_history(answer.json(), lived.platform.world.root).stood
    assert stood is not None
    assert stood.number == 1


@pytest.mark.parametrize("path", ["/history", "/history/proof"])
def test_what_nobody_knows_is_not_told(lived: Lived, path: str) -> None:
    http = lived.surfer().http
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert http.get(path, params={"about": ALIAS, "at": later}).status_code == 422
    assert http.get(path, params={"about": ALIAS, "at": "yesterday"}).status_code == 400
    assert (
        http.get(path, params={"about": "alias/prod/other@x", "at": utc(lived.moves[0])}).status_code == 404
    )
    assert http.get(path, params={"about": "policy", "at": utc(lived.moves[0])}).status_code == 404


# ---- endpoints


def test_an_endpoint_says_what_should_answer_what_does_and_whether_it_stands(lived: Lived) -> None:
    page = lived.surfer().http.get("/endpoints").text
    for words in ("prod/credit", "credit-default version 2", "stands", "answering", "https://localhost:4711"):
        assert words in page, words


def test_when_serving_is_not_heard_the_facts_are_shown_all_the_same(lived: Lived) -> None:
    lived.platform.places.silent = True
    try:
        page = lived.surfer().http.get("/endpoints").text
    finally:
        lived.platform.places.silent = False
    assert "Serving was not heard" in page
    assert "credit-default version 2" in page
    assert "localhost:4711" not in page


def test_an_endpoint_whose_proof_broke_is_shown_as_refused(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    try:
        platform.desk.trained()
        platform.desk.register()
        platform.desk.approved()
        rollout = platform.world.rollout(platform.desk.registry.judged(MODEL, 1, PROD))
        approval = platform.world.follower.records(FactKind.APPROVAL)[0]
        page = platform.surfer("amir").http.get("/endpoints").text
        assert "would be refused now" not in page
        platform.world.revoke(approval.digest, "the approval")
        page = platform.surfer("amir").http.get("/endpoints").text
        assert "would be refused now" in page
        assert rollout.digest[:12] in page
    finally:
        platform.close()


# ---- receipts


def test_a_receipt_is_shown_from_the_prediction_back_to_the_rows(lived: Lived) -> None:
    http = lived.surfer().http
    asked = {"endpoint": "prod/credit", "receipt": lived.receipt["receipt"]["id"]}
    page = http.get("/receipts", params=asked).text
    for words in (
        "Chain of custody",
        "approved by p-amir",
        "version credit-default v2",
        "batch statements/2005-04",
    ):
        assert words in page, words
    bundle = http.get("/receipts/bundle", params=asked).json()
    now = datetime.now(UTC).timestamp()
    assert verify_bundle(bundle, lived.platform.world.root, now=now).receipt["number"] == 2


@pytest.mark.parametrize("how", ["pasted", "uploaded"])
def test_a_receipt_handed_in_is_checked_and_a_changed_one_is_not_believed(lived: Lived, how: str) -> None:
    surfer = lived.surfer()
    world = lived.platform.world
    text = json.dumps(export(lived.receipt, world.log, world.follower))
    csrf = surfer.http.get("/receipts").text.partition('name="csrf" value="')[2].partition('"')[0]

    def hand_in(what: str) -> Any:  # noqa: ANN401 - a response
        if how == "pasted":
            return surfer.http.post("/receipts", data={"csrf": csrf, "bundle": what})
        files = {"file": ("receipt.json", what.encode(), "application/json")}
        return surfer.http.post("/receipts", data={"csrf": csrf}, files=files)

    assert "batch statements/2005-04" in hand_in(text).text
    refused = hand_in(text.replace('"credit-default"', '"credit-other"'))
    assert refused.status_code == 422
    assert "This receipt is not believed" in refused.text
    script = hand_in("<script>alert(1)</script>")
    assert script.status_code == 400
    assert "<script>alert" not in script.text
    assert surfer.http.post("/receipts", data={"bundle": text}).status_code == 403


def test_a_receipt_nobody_has_is_not_found(lived: Lived) -> None:
    http = lived.surfer().http
    for asked, status in (
        ({"endpoint": "prod/credit", "receipt": "r-none"}, 404),
        ({"endpoint": "prod/other", "receipt": "r-none"}, 404),
        ({"endpoint": "nowhere", "receipt": "r-none"}, 400),
    ):
        assert http.get("/receipts", params=asked).status_code == status


# ---- the trail


def test_the_trail_is_searched_by_person_kind_name_and_time(lived: Lived) -> None:
    http = lived.surfer().http
    everything = http.get("/audit").text
    assert "dataset-batch" in everything
    amir = lived.platform.world.person("amir")
    by_amir = http.get("/audit", params={"person": amir, "kind": "approval"}).text
    assert f"approval/{MODEL}/2/prod/{amir}" in by_amir
    assert f"approval/{MODEL}/2/prod/{lived.platform.world.person('bea')}" not in by_amir
    named = http.get("/audit", params={"about": "@champion"}).text
    assert named.count(f"<code>{ALIAS}</code>") == 2
    early = http.get("/audit", params={"about": "@champion", "until": utc(lived.moves[1])}).text
    assert early.count(f"<code>{ALIAS}</code>") == 1
    assert "Nothing is like that" in http.get("/audit", params={"about": "no such name"}).text
    assert http.get("/audit", params={"kind": "gossip"}).status_code == 400


def test_older_entries_are_on_the_next_page(lived: Lived) -> None:
    world = lived.platform.world
    for number in range(60):
        world.revoke(f"{number:064x}", f"thing {number}")
    http = lived.surfer().http
    first = http.get("/audit", params={"kind": "revocation"}).text
    assert f"revocation/{59:064x}" in first
    assert f"revocation/{5:064x}" not in first
    link = first.partition(">Older entries")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
    assert f"revocation/{5:064x}" in http.get(link).text


def test_the_trail_is_for_who_may_search_it(lived: Lived) -> None:
    lived.platform.world.enrol_by("eve", "guest", by=("ada", "grace"))
    http = lived.surfer("eve").http
    for path in ("/audit", "/history", "/endpoints", "/receipts", "/people"):
        assert http.get(path).status_code == 403


# ---- people


def test_people_are_listed_with_roles_and_passkeys_and_changed_at_identity(lived: Lived) -> None:
    page = lived.surfer().http.get("/people").text
    amir = lived.platform.world.person("amir")
    for words in ("Amir", amir, "approver", "software (demonstration)"):
        assert words in page, words
    assert f"/people/{amir}" not in page
    assert f"/people/{amir}" in lived.surfer("ada").http.get("/people").text


# ---- looked at


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_every_page_is_without_barriers_and_fits_a_phone(lived: Lived, browser: Browser) -> None:
    visitor = lived.platform.visitor(browser, "amir")
    receipt = lived.receipt["receipt"]["id"]
    pages = {
        "history": f"/history?about={ALIAS}&at={utc(lived.moves[0])}",
        "endpoints": "/endpoints",
        "receipts": f"/receipts?endpoint=prod/credit&receipt={receipt}",
        "audit": "/audit?about=champion",
        "people": "/people",
    }
    for name, path in pages.items():
        visitor.page.goto(lived.platform.origin + path)
        assert visitor.barriers() == [], name
        visitor.pictures(name)
        visitor.page.set_viewport_size({"width": 375, "height": 800})
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 375, name
        visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.close()
