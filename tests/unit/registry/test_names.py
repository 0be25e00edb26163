"""What people are called, asked of identity."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from services.registry.adapters.names import FRESH_SECONDS, IdentityNames


class Identity:
    """What identity answers, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.called = "Dana"
        self.now = 0.0
        self.meanwhile: Callable[[], object] = lambda: None
        transport = httpx.MockTransport(self._answer)
        self.names = IdentityNames(httpx.Client(transport=transport, base_url="https://identity"), self.clock)

    def clock(self) -> float:
        """Return the time this test says it is."""
        return self.now

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.meanwhile()
        if self.away:
            raise httpx.ConnectError("away", request=request)
        people = [
            {"person": "p-1", "name": self.called, "roles": []},
            {"person": "p-2", "name": None, "roles": []},
        ]
        return httpx.Response(200, json={"people": people})


def test_names_are_kept_for_a_while_and_then_asked_for_again() -> None:
    identity = Identity()
    assert identity.names.all() == {"p-1": "Dana"}
    identity.called = "Diana"
    assert identity.names.all() == {"p-1": "Dana"}
    assert identity.asked == 1
    identity.now += FRESH_SECONDS + 1
    assert identity.names.all() == {"p-1": "Diana"}


def test_while_identity_is_away_pages_show_the_names_that_are_known_or_none() -> None:
    identity = Identity()
    identity.away = True
    assert identity.names.all() == {}
    identity.away, identity.now = False, FRESH_SECONDS + 1
    identity.names.all()
    identity.away, identity.now = True, 2 * FRESH_SECONDS + 2
    assert identity.names.all() == {"p-1": "Dana"}


def test_while_one_page_asks_every_other_shows_what_is_known_and_waits_for_nobody() -> None:
    identity = Identity()
    identity.names.all()
    identity.called, identity.now = "Diana", FRESH_SECONDS + 1
    seen: list[dict[str, str]] = []
    with ThreadPoolExecutor(1) as another:
        identity.meanwhile = lambda: seen.append(dict(another.submit(identity.names.all).result(60)))
        assert identity.names.all() == {"p-1": "Diana"}
    assert (seen, identity.asked) == ([{"p-1": "Dana"}], 2)
