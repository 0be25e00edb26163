"""The page of webhooks: for who manages them, its secret shown once, read by everybody, safe from other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.integration.registry.platform import Platform
from tests.support.receiver import HttpsReceiver
from tests.unit.custody.world import MODEL
from tests.unit.identity.authority import Authority

SECRET = re.compile(r'id="secret">([\w-]{43})<')
EVENT = "model_version.created"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    with HttpsReceiver(Authority(), tmp_path_factory.mktemp("receiver")) as made:
        yield made


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, receiver: HttpsReceiver) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("registry")
    ca = folder / "receivers.pem"
    ca.write_text(receiver.authority.ca_pem)
    made = Platform(folder, webhook_private=f"localhost:{receiver.port}", webhook_ca=ca)
    made.desk.trained()
    made.desk.register()
    yield made
    made.close()


@pytest.mark.parametrize(("name", "may"), [("ada", True), ("amir", False)])
def test_the_navigation_leads_there_whoever_may_go_there(platform: Platform, name: str, *, may: bool) -> None:
    http = platform.surfer(name).http
    assert ('href="/webhooks"' in http.get(f"/models/{MODEL}").text) is may
    assert http.get("/webhooks").status_code == (200 if may else 403)


def test_a_secret_is_shown_to_who_registers_and_never_again(
    platform: Platform, receiver: HttpsReceiver
) -> None:
    ada = platform.surfer("ada")
    form = {"name": "ci", "url": receiver.url, "form": "mlflow", "events": [EVENT], "csrf": ada.csrf()}
    made = ada.http.post("/webhooks", data=form)
    (secret,) = SECRET.findall(made.text)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    again = ada.http.post("/webhooks", data=form)
    assert (again.status_code, "WebhookExists" in again.text or "there is a webhook" in again.text) == (
        409,
        True,
    )
    tried = ada.http.post("/webhooks/test", data={"name": "ci", "csrf": ada.csrf()})
    assert "ci took the test with status 204" in tried.text
    listed = ada.http.get("/webhooks").text
    assert not [page for page in (again.text, tried.text, listed) if secret in page or SECRET.search(page)]
    assert ada.http.post("/webhooks/remove", data={"name": "ci", "csrf": ada.csrf()}).status_code == 303
    assert "Nobody is told of anything." in ada.http.get("/webhooks").text


def test_what_is_no_webhook_is_refused_with_its_fix(platform: Platform, receiver: HttpsReceiver) -> None:
    ada = platform.surfer("ada")
    good = {"name": "x", "url": receiver.url, "form": "mlflow", "events": [EVENT], "csrf": ada.csrf()}
    for changed, status, words in (
        ({"url": "https://127.0.0.1:1/"}, 400, "ASSAY_WEBHOOK_PRIVATE"),
        ({"url": "javascript:alert(1)"}, 400, "https"),
        ({"name": "<script>"}, 400, "&lt;script&gt;"),
        ({"events": ["budget_policy.exceeded"]}, 400, "assay webhook add --help"),
        ({"events": []}, 422, "events"),
        ({"form": "slack"}, 422, "form"),
    ):
        refused = ada.http.post("/webhooks", data=good | changed)
        assert (refused.status_code, words in refused.text) == (status, True), changed
    assert "Nobody is told of anything." in ada.http.get("/webhooks").text


@pytest.mark.parametrize("path", ["", "/test", "/remove"])
def test_who_may_not_and_what_another_site_sends_changes_nothing(
    platform: Platform, receiver: HttpsReceiver, path: str
) -> None:
    ada, amir = platform.surfer("ada"), platform.surfer("amir")
    form = {"name": "x", "url": receiver.url, "form": "mlflow", "events": [EVENT]}
    tries = [
        amir.http.post(f"/webhooks{path}", data=form | {"csrf": amir.csrf()}),
        ada.http.post(f"/webhooks{path}", data=form),
        ada.http.post(f"/webhooks{path}", data=form | {"csrf": amir.csrf()}),
        ada.http.post(
            f"/webhooks{path}", data=form | {"csrf": ada.csrf()}, headers={"origin": "https://evil.example"}
        ),
    ]
    assert [each.status_code for each in tries] == [403] * 4
    assert platform.service.webhooks.all() == []


def test_the_page_is_read_and_used_by_everybody_at_both_widths(
    platform: Platform, receiver: HttpsReceiver, browser: Browser
) -> None:
    visitor = platform.visitor(browser, "ada", java_script_enabled=True)
    page = visitor.page
    page.goto(f"{platform.origin}/webhooks")
    visitor.looked_at("webhooks-none")
    page.get_by_label("Name").fill("ci")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("approval.created").uncheck()
    page.get_by_role("button", name="Register").click()
    page.get_by_text("shown this once").wait_for()
    visitor.looked_at("webhooks-secret")
    page.get_by_role("button", name="Test ci").click()
    page.get_by_text("ci took the test").wait_for()
    visitor.looked_at("webhooks")
    (hook,) = platform.service.webhooks.all()
    assert ("approval.created" in hook.events, EVENT in hook.events) == (False, True)
    page.get_by_role("button", name="Remove ci").click()
    page.get_by_text("Nobody is told of anything.").wait_for()
    visitor.close()
