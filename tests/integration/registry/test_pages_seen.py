"""The registry's pages in a real browser: what an approver sees, at two widths, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from services.registry.packing import Packing
from tests.integration.registry.platform import Platform
from tests.support.browser import Visitor
from tests.unit.registry.gallery import SCRIPT, furnished


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A registry with something to look at."""
    made = Platform(tmp_path_factory.mktemp("gallery"))
    furnished(made.desk, made.service.asking)
    yield made
    made.close()


@pytest.fixture
def bea(gallery: Platform, browser: Browser) -> Iterator[Visitor]:
    """An approver who has not signed version 2 yet."""
    visitor = gallery.visitor(browser, "bea")
    yield visitor
    visitor.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("models", "/models"),
        ("model", "/models/credit-default"),
        ("version", "/models/credit-default/2"),
        ("document", "/models/credit-default/2/evidence/sbom"),
        ("version-first", "/models/credit-default/1"),
    ],
)
def test_a_page_can_be_read_by_everybody(gallery: Platform, bea: Visitor, name: str, path: str) -> None:
    answer = bea.page.goto(f"{gallery.origin}{path}")
    assert answer is not None
    assert answer.status == 200
    assert bea.barriers() == []
    bea.page.set_viewport_size({"width": 375, "height": 800})
    assert bea.page.evaluate("document.documentElement.scrollWidth") <= 375
    bea.pictures(name)


def test_an_evidence_pack_is_read_as_a_file_and_draws_what_was_measured(
    gallery: Platform, bea: Visitor
) -> None:
    _, page = Packing(gallery.desk.registry).page("credit-default", 2)
    bea.page.set_content(page.decode())
    assert bea.page.get_by_role("img", name="ROC curve").is_visible()
    assert bea.page.get_by_role("img", name="Calibration").locator("circle").count() > 1
    assert bea.page.get_by_role("img", name="AUC by ").count() > 0
    assert bea.barriers() == []
    bea.page.set_viewport_size({"width": 375, "height": 800})
    assert bea.page.evaluate("document.documentElement.scrollWidth") <= 375
    bea.pictures("pack")


def test_a_card_with_scripts_in_it_is_text_with_scripts_in_it(gallery: Platform, bea: Visitor) -> None:
    bea.page.goto(f"{gallery.origin}/models/credit-default/2")
    assert bea.page.title() == "credit-default v2 · Assay"
    assert bea.page.locator("#card script, #card img, #risk script, #risk img").count() == 0
    assert bea.page.locator("#card").get_by_text(SCRIPT).count() == 1
    assert bea.page.locator("#risk").get_by_text(SCRIPT).count() == 1
    assert bea.page.locator("#comments").get_by_text(SCRIPT).count() == 1


def test_the_pages_are_walked_by_keyboard_and_need_no_script(gallery: Platform, browser: Browser) -> None:
    amir = gallery.visitor(browser, "amir", java_script_enabled=False)
    amir.page.goto(f"{gallery.origin}/models/credit-default/2")
    amir.page.keyboard.press("Tab")
    amir.page.keyboard.press("Enter")
    amir.page.keyboard.press("Tab")
    assert amir.page.locator("a:focus").inner_text() == "Models"
    amir.page.get_by_label("Compared with version").fill("2")
    amir.page.keyboard.press("Enter")
    amir.page.wait_for_url("**/2?environment=prod&against=2")
    amir.page.get_by_text("is the version you chose").wait_for()
    amir.page.get_by_role("link", name="test").click()
    amir.page.get_by_role("heading", name="May enter test").wait_for()
    amir.close()


def test_no_page_asks_anything_of_another_site(gallery: Platform, bea: Visitor) -> None:
    asked: list[str] = []
    bea.page.on("request", lambda request: asked.append(request.url))
    bea.page.goto(f"{gallery.origin}/models/credit-default/2")
    assert len(asked) > 2
    assert [url for url in asked if not url.startswith(f"{gallery.origin}/")] == []
