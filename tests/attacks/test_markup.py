"""What somebody wrote stays text: no page gets an element, an attribute or a script more because of it.

Each text is put where people or machines name something, and the page is compared, element by element, with the same
page about a plain name. Services besides answer JSON that no browser takes for a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest

from assay.contracts import PersonId
from tests.integration.identity.lab import Lab
from tests.integration.identity.test_authorizing import Client
from tests.integration.identity.world import World
from tests.support.people import peopled, surfer
from tests.support.surfer import Surfer

__all__ = ["peopled", "surfer"]

PLAIN = "eve"
TEXTS = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!--",
    "]]><b>",
    "&lt;script&gt;<b>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<a href=javascript:alert(1)>x</a>",
    "\u202e<b>\u2066",
]


class Elements(HTMLParser):
    """The elements of a page with their attributes' names, addresses and handlers; the texts are left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


class Site:
    """Identity's pages, looked at by an administrator."""

    def __init__(self, world: World, surfer: Surfer) -> None:
        self.world, self.surfer = world, surfer
        surfer.sign_in(world.browser_passkey("ada"))
        world.browser_passkey("dana")

    def named(self, text: str) -> PersonId:
        """Name dana so."""
        dana = PersonId(self.world.people["dana"].person)
        self.world.identity.names.put(dana, "".join(filter(str.isprintable, text)))  # others are refused
        return dana

    def get(self, path: str, **params: str) -> httpx.Response:
        """Look at a page."""
        return self.surfer.http.get(path, params=params)


@pytest.fixture
def site(peopled: World, surfer: Surfer) -> Site:
    return Site(peopled, surfer)


def machine(site: Site, text: str) -> httpx.Response:
    written = "".join(letter for letter in text if " " <= letter <= "~")  # the rest is refused before
    return site.get("/authorize", **Client().asked(host=written))


def enrolling(site: Site, text: str) -> httpx.Response:
    site.named(text)
    name = "".join(filter(str.isprintable, text))
    _, link = site.world.identity.enrolment.invite(name, by=site.world.people["ada"].person)
    return site.get(link.removeprefix(site.world.people_origin))


PLACES: dict[str, Callable[[Site, str], httpx.Response]] = {
    "a person's name among people": lambda site, text: (site.named(text), site.get("/people"))[1],
    "a person's name at the top": lambda site, text: site.get(f"/people/{site.named(text)}"),
    "a person's name at an enrolment link": enrolling,
    "a machine's name": machine,
    "where to go on after signing in": lambda site, text: site.get("/sign-in", next=text),
    "a code": lambda site, text: site.get("/device", code=text),
    "an address": lambda site, text: site.get(f"/{quote(text, safe='')}"),
    "a person's id": lambda site, text: site.get(f"/people/{quote(text.replace('/', ''), safe='')}"),
}


def stays_text(site: Site, place: str, texts: list[str]) -> bool:
    """Say whether a place's page has the same elements whatever is written there, and no address of the attacker's."""
    plain = Elements(PLACES[place](site, PLAIN).text)
    for text in texts:
        answer = PLACES[place](site, text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "'unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        seen = Elements(answer.text)
        if seen.found != plain.found or any(leads_away(each) for each in seen.addresses):
            return False
    return True


def leads_away(address: str) -> bool:
    """Say whether an address is the attacker's."""
    return address.startswith(("javascript:", "data:", "//")) or "evil.example" in address.partition("?")[0]


@pytest.mark.threat("T-REG-11")
@pytest.mark.parametrize("place", PLACES)
def test_what_somebody_wrote_stays_text(site: Site, place: str, attempts: Callable[[int], None]) -> None:
    assert stays_text(site, place, TEXTS)
    attempts(len(TEXTS))


@pytest.mark.control("T-REG-11")
@pytest.mark.parametrize("place", ["a person's name among people", "a machine's name"])
def test_control_templates_that_do_not_escape_let_it_in(site: Site, place: str) -> None:
    environment = site.world.identity.site.environment
    environment.autoescape = False
    environment.cache = None
    assert not stays_text(site, place, TEXTS[:3])


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.close()


@pytest.mark.threat("T-REG-11")
def test_no_answer_of_a_service_is_a_page(lab: Lab, attempts: Callable[[int], None]) -> None:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        for text in TEXTS:
            answer = http.post(f"/v1/echo/{quote(text, safe='')}", json={"said": text})
            refused = http.get(f"/v1/{quote(text, safe='')}")
            for one in (answer, refused):
                assert one.headers["content-type"] in {"application/json", "application/problem+json"}
                assert one.headers["x-content-type-options"] == "nosniff"
                assert one.headers["content-security-policy"].startswith("default-src 'none'")
    attempts(2 * len(TEXTS))
