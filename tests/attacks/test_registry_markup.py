"""What somebody asks the registry's pages for stays text: names, searches, moments, receipts.

A page gets no kind of element or attribute more than the same page about plain words, and leads nowhere else. What is
written about a model is `test_metadata`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.test_markup import TEXTS, Elements, leads_away
from tests.integration.registry.platform import Platform
from tests.unit.custody.world import MODEL

PLAIN = "plain words"
UNREADABLE = "\u202e"  # refused: the page that says so


class Pages:
    """The registry's pages, as an approver."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        platform.desk.trained()
        platform.desk.register()
        self.amir = platform.surfer("amir")

    def look(self, path: str, **params: str) -> httpx.Response:
        """See a page."""
        return self.amir.http.get(path, params=params)

    def handed(self, bundle: str) -> httpx.Response:
        """Paste a receipt."""
        return self.amir.http.post("/receipts", data={"csrf": self.amir.csrf(), "bundle": bundle})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    platform = Platform(tmp_path_factory.mktemp("registry"))
    yield Pages(platform)
    platform.close()


PLACES: dict[str, Callable[[Pages, str], httpx.Response]] = {
    "a model's name": lambda at, text: at.look(f"/models/{quote(text, safe='')}"),
    "a version's number": lambda at, text: at.look(f"/models/{MODEL}/{quote(text, safe='')}"),
    "a search": lambda at, text: at.look("/audit", person=text, about=text),
    "a moment of history": lambda at, text: at.look("/history", about=text, at=text),
    "a receipt's id": lambda at, text: at.look("/receipts", endpoint=text, receipt=text),
    "a pasted receipt": lambda at, text: at.handed(json.dumps({"type": text})),
    "what is revoked": lambda at, text: at.look("/revoke", what=text, digest=text),
}


def stays_text(pages: Pages, place: str, texts: list[str]) -> bool:
    """Say whether nothing of a text becomes an element, an attribute or an address of the attacker's."""
    known = {one for text in (PLAIN, UNREADABLE) for one in Elements(PLACES[place](pages, text).text).found}
    for text in texts:
        answer = PLACES[place](pages, text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "'unsafe" not in policy
        seen = Elements(answer.text)
        if set(seen.found) - known or any(leads_away(each) for each in seen.addresses):
            return False
    return True


@pytest.mark.threat("T-REG-11")
@pytest.mark.parametrize("place", PLACES)
def test_what_somebody_wrote_stays_text_on_the_registrys_pages(
    pages: Pages, place: str, attempts: Callable[[int], None]
) -> None:
    assert stays_text(pages, place, TEXTS)
    attempts(len(TEXTS))


@pytest.mark.control("T-REG-11")
def test_control_registry_templates_that_do_not_escape_let_it_in(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    try:
        made = Pages(platform)
        environment = platform.pages.state.site.environment
        environment.autoescape = False
        environment.cache = None
        assert not stays_text(made, "a search", TEXTS[2:3])
    finally:
        platform.close()
