"""People decide in a real browser with virtual passkeys; every page is looked at by axe-core at both widths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from assay.contracts import FactKind
from tests.integration.registry.platform import Platform
from tests.support.browser import Visitor
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD

Opens = Callable[..., Visitor]


@pytest.fixture
def deciding(tmp_path: Path) -> Iterator[Platform]:
    """A platform whose version 1 is at @champion and whose version 2 nobody has decided."""
    made = Platform(tmp_path)
    made.desk.trained("epoch-3", "epoch-5")
    made.desk.register()
    made.desk.approved()
    made.desk.promote()
    made.desk.register("epoch-5")
    yield made
    made.close()


@pytest.fixture
def opens(deciding: Platform, browser: Browser) -> Iterator[Opens]:
    """Open a window for somebody who is signed in, with a passkey of a browser's in it."""
    opened: list[Visitor] = []

    def open_for(name: str, **options: Any) -> Visitor:  # noqa: ANN401 - Playwright's own
        visitor = deciding.visitor(browser, name, **options)
        opened.append(visitor)
        visitor.holds(deciding.passkey(name))
        return visitor

    yield open_for
    for one in opened:
        one.close()


def asked(deciding: Platform, opens: Opens) -> str:
    """Have dana ask for version 2 on the page; return the request's path."""
    dana = opens("dana")
    dana.page.goto(f"{deciding.origin}/models/{MODEL}/2/ask")
    dana.looked_at("ask")
    dana.page.get_by_label("What approvers should know").fill("Trained two epochs longer.")
    dana.page.get_by_role("button", name="Ask").click()
    dana.page.get_by_text("waits for decisions").wait_for()
    return dana.page.url.removeprefix(deciding.origin)


def test_two_people_read_sign_and_the_alias_moves(deciding: Platform, opens: Opens) -> None:
    path = asked(deciding, opens)
    for name in ("amir", "bea"):
        one = opens(name)
        one.page.goto(deciding.origin)
        one.looked_at("inbox")
        one.page.get_by_role("link", name=f"{MODEL} version 2 to prod").click()
        one.looked_at("request")
        one.page.get_by_role("link", name="Read what changed").click()
        one.looked_at("version")
        one.page.go_back()
        one.page.get_by_role("button", name="Show what I would sign").click()
        one.looked_at("sheet")
        assert one.page.get_by_text(f"approve {MODEL} version 2", exact=True).is_visible()
        one.page.get_by_role("button", name="Approve with your passkey").click()
        one.page.wait_for_url(f"{deciding.origin}{path}")
        one.page.goto(deciding.origin)
        assert one.page.get_by_text("Nothing waits for you.").is_visible()
    ada = opens("ada")
    ada.page.goto(f"{deciding.origin}{path}")
    ada.page.get_by_role("button", name="Move prod @champion to version 2").click()
    ada.page.get_by_text("prod @champion is this version").wait_for()
    ada.looked_at("request-approved")
    champion = deciding.desk.registry.believed.alias(PROD, MODEL, "champion")
    assert champion.fact.body["number"] == 2
    signed = deciding.world.follower.records(FactKind.APPROVAL, f"approval/{MODEL}/2/")
    assert {one.about.rpartition("/")[2] for one in signed} == {"p-amir", "p-bea"}


def test_somebody_rejects_with_a_reason_which_is_signed(deciding: Platform, opens: Opens) -> None:
    path = asked(deciding, opens)
    bea = opens("bea")
    bea.page.goto(f"{deciding.origin}{path}")
    bea.page.get_by_label("Ask instead of deciding").fill("Which slices grew?")
    bea.page.get_by_role("button", name="Ask", exact=True).click()
    bea.page.get_by_text("a question waits").wait_for()
    bea.looked_at("request-asked")
    bea.page.get_by_label("reject it").check()
    bea.page.get_by_label("Reason").fill("One slice got worse.")
    bea.page.get_by_role("button", name="Show what I would sign").click()
    assert bea.page.get_by_text("One slice got worse.", exact=True).first.is_visible()
    bea.looked_at("sheet-reject")
    bea.page.get_by_role("button", name="Reject with your passkey").click()
    bea.page.get_by_text("rejected").first.wait_for()
    bea.looked_at("request-rejected")
    said = deciding.world.follower.head(f"approval/{MODEL}/2/prod/p-bea")
    assert said is not None
    assert said.kind is FactKind.REJECTION
    assert said.fact.body["assertion"]["statement"]["reason"] == "One slice got worse."


def test_a_revocation_is_looked_at_first_and_then_said(deciding: Platform, opens: Opens) -> None:
    approval = deciding.world.follower.records(FactKind.APPROVAL)[0]
    ada = opens("ada")
    ada.page.goto(f"{deciding.origin}/revoke")
    ada.looked_at("revoke")
    ada.page.get_by_label("What").select_option("approval")
    ada.page.get_by_label("Digest, id or name@version").fill(approval.digest)
    ada.page.get_by_role("button", name="Show what it would stop").click()
    assert ada.page.get_by_text(f"alias/prod/{MODEL}@champion").is_visible()
    ada.looked_at("revoke-preview")
    assert deciding.world.follower.revoked(approval.digest) is None
    ada.page.get_by_label("Reason").fill("signed in error")
    ada.page.get_by_role("button", name="Revoke, and stop").click()
    ada.page.get_by_role("heading", name="It no longer counts").wait_for()
    ada.looked_at("revoked")
    assert deciding.world.follower.revoked(approval.digest)


def test_a_double_click_signs_once(deciding: Platform, opens: Opens) -> None:
    path = asked(deciding, opens)
    amir = opens("amir")
    amir.page.goto(f"{deciding.origin}{path}/sheet")

    def said() -> int:
        deciding.world.follower.catch_up()
        return len(deciding.world.follower.records(FactKind.APPROVAL, f"approval/{MODEL}/2/prod/p-amir"))

    amir.page.get_by_role("button", name="Approve with your passkey").dblclick()
    amir.page.wait_for_url(f"{deciding.origin}{path}")
    assert said() == 1
    amir.page.go_back()
    amir.page.get_by_role("button", name="Approve with your passkey").click()
    amir.page.get_by_role("heading", name="Who said what").or_(
        amir.page.get_by_role("heading", name="ApprovalDoesNotCount")
    ).wait_for()
    assert said() <= 2
    now = replace(deciding.desk.registry, now_ns=time.time_ns)  # the pages' clock, not the world's
    counted = now.judged(MODEL, 2, PROD).approvals
    assert [one.person for one in counted] == ["p-amir"], "one person, however often they say it"


def test_everything_but_the_passkey_works_without_a_script(deciding: Platform, opens: Opens) -> None:
    amir = opens("amir", java_script_enabled=False)
    amir.page.goto(deciding.origin)
    assert amir.page.get_by_role("heading", name="Inbox").is_visible()
    amir.page.goto(f"{deciding.origin}/revoke?revokes=person/p-bea")
    assert amir.page.get_by_role("heading", name="UnknownFact").is_visible()
    amir.page.goto(f"{deciding.origin}/revoke?what=person&revokes=p-bea")
    assert amir.page.get_by_role("heading", name="What it would stop").is_visible()


def test_the_pages_are_walked_by_keyboard_alone(deciding: Platform, opens: Opens) -> None:
    path = asked(deciding, opens)
    amir = opens("amir")
    amir.page.goto(f"{deciding.origin}{path}/sheet")
    button = amir.page.get_by_role("button", name="Approve with your passkey")
    for _ in range(60):
        amir.page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    amir.page.keyboard.press("Enter")
    amir.page.wait_for_url(f"{deciding.origin}{path}")
    assert deciding.world.follower.head(f"approval/{MODEL}/2/prod/p-amir") is not None


def test_a_role_is_handed_on_with_a_passkey(deciding: Platform, opens: Opens) -> None:
    deciding.world.enrol_by("dora", "operator", by=("ada", "grace"))
    bea = opens("bea")
    bea.page.goto(f"{deciding.origin}/delegations")
    bea.looked_at("delegations")
    bea.page.get_by_label("decides").select_option(label="Dora")
    bea.page.get_by_label("until the end of").fill((datetime.now(UTC) + timedelta(days=5)).date().isoformat())
    bea.page.get_by_role("button", name="Show what I would sign").click()
    bea.looked_at("delegation-sheet")
    bea.page.get_by_role("button", name="Sign with your passkey").click()
    bea.page.get_by_role("link", name="I am back").wait_for()
    (said,) = deciding.world.follower.records(FactKind.DELEGATION)
    assert said.fact.body["to"] == deciding.world.person("dora")
