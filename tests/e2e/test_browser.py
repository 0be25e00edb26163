"""The whole story at a real browser, on the whole platform: two people enrol, sign in, read, decide and take back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from playwright.sync_api import Browser

from assay.client.sign_in import passkey_of
from assay_laptop.demo.chromium import Approvers, approve, chromium, sign_in
from assay_laptop.demo.thread import APPROVERS, ENVIRONMENT, MODEL
from tests.conftest import Running
from tests.support.browser import Visitor

VERSION = 2


def take_back(running: Running) -> None:
    """Have dana withdraw what she asked for that version and nobody has decided."""
    requests = running.thread.sessions["dana"].requests
    for one in requests.inbox()["asked"]:
        if one["number"] == VERSION and one["state"] in {"open", "asked"}:
            requests.withdraw(one["id"])


@contextmanager
def undecided(running: Running) -> Iterator[None]:
    """Give a version that both approvers took their word back about, and @champion at the one before."""
    sessions = running.thread.sessions
    for name in APPROVERS:
        passkey = passkey_of(sessions[name].platform, name)
        sessions[name].approvals.approve(passkey, MODEL, VERSION, ENVIRONMENT, verb="withdraw")
    sessions["ada"].models.move_alias(MODEL, "champion", VERSION - 1, ENVIRONMENT)
    take_back(running)
    try:
        yield
    finally:
        take_back(running)
        running.thread.approve(VERSION)
        sessions["ada"].models.move_alias(MODEL, "champion", VERSION, ENVIRONMENT)


def enrolled(running: Running, browser: Browser, name: str) -> Visitor:
    """Have somebody new make a passkey in their own window, signed by ada and grace, and sign in at the registry."""
    ada = running.thread.sessions["ada"]
    founders = [passkey_of(ada.platform, each) for each in ("ada", "grace")]
    visitor = Visitor.of(browser)
    invited = ada.people.invite(name)
    visitor.page.goto(invited["link"])
    visitor.looked_at("story-enrol")
    visitor.page.get_by_role("button", name="Make a passkey").click()
    visitor.page.get_by_role("heading", name="Now administrators sign it").wait_for()
    (waiting,) = [one for one in ada.people.pending() if one["statement"]["person"] == invited["person"]]
    ada.people.sign(waiting["proposal"], founders)
    ada.people.change_role(invited["person"], "approver", founders)
    sign_in(visitor.page, ada.platform.urls["registry-pages"])
    return visitor


def test_the_demonstrations_approvers_enrol_and_sign_in_the_browser(
    running: Running, browser: Browser
) -> None:
    """In a thread of its own: Playwright, as the demonstration starts it, shares no thread with the tests' own."""
    program = chromium()
    assert browser.version
    assert program is not None
    with undecided(running), ThreadPoolExecutor(1) as elsewhere:
        running.thread.browser = Approvers(running.thread.sessions["ada"].platform, program)
        try:
            said = elsewhere.submit(running.thread.approve, VERSION).result()
        finally:
            running.thread.browser = None
    assert "in Chromium" in said


def test_two_new_people_read_decide_see_the_alias_move_and_take_it_back(
    running: Running, browser: Browser
) -> None:
    sessions = running.thread.sessions
    registry = sessions["ada"].platform.urls["registry-pages"]
    with undecided(running):
        vera, walt = enrolled(running, browser, "vera"), enrolled(running, browser, "walt")
        first = sessions["dana"].requests.ask(MODEL, VERSION, ENVIRONMENT, note="It ranks better.")
        vera.page.goto(f"{registry}/")
        vera.looked_at("story-inbox")
        vera.page.get_by_role("link", name=f"{MODEL} version {VERSION} to {ENVIRONMENT}").click()
        vera.looked_at("story-request")
        vera.page.get_by_role("link", name="Read what changed").click()
        vera.page.get_by_role("heading", name=f"{MODEL} version {VERSION}").wait_for()
        vera.looked_at("story-version")
        vera.page.goto(f"{registry}/requests/{first['id']}")
        vera.page.get_by_label("reject it").check()
        vera.page.get_by_label("Reason").fill("The card names no owner.")
        vera.page.get_by_role("button", name="Show what I would sign").click()
        vera.looked_at("story-sheet")
        vera.page.get_by_role("button", name="Reject with your passkey").click()
        vera.page.get_by_text("rejected").first.wait_for()
        vera.looked_at("story-rejected")
        second = sessions["dana"].requests.ask(MODEL, VERSION, ENVIRONMENT, note="It names one now.")
        for one in (vera, walt):
            approve(one.page, f"{registry}/requests/{second['id']}")
        moved = sessions["ada"].models.move_alias(MODEL, "champion", VERSION, ENVIRONMENT)
        walt.page.reload()
        assert walt.page.get_by_text("prod @champion is this version").is_visible()
        walt.looked_at("story-approved")
        walt.page.get_by_role("link", name="What would revoking it stop?").first.click()
        assert walt.page.get_by_text(f"alias/{ENVIRONMENT}/{MODEL}@champion").is_visible()
        walt.looked_at("story-preview")
        walt.page.get_by_label("Reason").fill("A test is over.")
        walt.page.get_by_role("button", name="Revoke, and stop").click()
        walt.page.get_by_role("heading", name="It no longer counts").wait_for()
        assert moved["number"] == VERSION
        assert sessions["ada"].models.gate(MODEL, VERSION, ENVIRONMENT)["passed"] is False
        for one in (vera, walt):
            one.close()
