"""Whoever is refused under a name of ours stands in the journal of who refused: attacks over a real listener.

An entry says who, what and why, and nothing of what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from assay.contracts import Revocation, sha256_hex, strict_json
from assay.identity.grants import HEADER
from assay.journal import Journaling
from assay.web import app as edge
from assay.web.app import build_app
from tests.integration.identity.lab import Edged, Lab, routes, spiffe
from tests.support.journals import journaling

CALLER = "/svc/core/serving"
CANARY = "canary-7f3a91"  # in every attack, in no entry
TIMES = 25


@dataclass
class JournaledEdged(Edged):
    """A service's parts, with its journal."""

    journaling: Journaling


class Listening:
    """The lab's service with a journal, and the caller's client."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.journaling = journaling(lab.folder, lab.identity.spiffe_id)
        parts = JournaledEdged(**vars(lab.edge), journaling=self.journaling)
        self.url = lab.serve(build_app(parts, routes, title="journaled lab"))
        self.http = lab.workload(CALLER).client(self.url, expect="registry")

    def entries(self) -> list[dict[str, Any]]:
        """Return what the journal holds."""
        return [strict_json(entry.body) for entry in self.journaling.journal.entries(0, 1000)]

    def close(self) -> None:
        """End the client and the journal."""
        self.http.close()
        self.journaling.journal.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.close()


@pytest.fixture
def at(lab: Lab) -> Iterator[Listening]:
    made = Listening(lab)
    yield made
    made.close()


class Attack(NamedTuple):
    """What is sent, and by which name it is refused."""

    send: Callable[[Listening], httpx.Response]
    refusal: str


def of_a_revoked_identity(at: Listening) -> httpx.Response:
    gone = Revocation(revokes="0" * 64, what="an identity", reason="a drill", by="p-ada", ended=False)
    at.lab.edge.follower.gone[sha256_hex(f"identity{CALLER}".encode())] = gone
    return at.http.get("/v1/who", params={"q": CANARY})


def behind_the_lease(at: Listening) -> httpx.Response:
    at.lab.edge.follower.behind = True
    return at.http.get("/v1/who", params={"q": CANARY})


ATTACKS: dict[str, Attack] = {
    "a token that is none": Attack(
        lambda at: at.http.get("/v1/who", headers={HEADER: f"{CANARY}.{CANARY}.{CANARY}"}), "Unauthenticated"
    ),
    "a route without a right to it": Attack(
        lambda at: at.http.get("/v1/forbidden", headers={"x-note": CANARY}), "Forbidden"
    ),
    "headers that name somebody else": Attack(
        lambda at: at.http.get(
            "/v1/forbidden", headers={"x-spiffe-id": str(spiffe("/people/p-ada")), "x-note": CANARY}
        ),
        "Forbidden",
    ),
    "an address nobody listens at": Attack(lambda at: at.http.get(f"/v1/{CANARY}"), "NotFound"),
    "a bent address": Attack(lambda at: at.http.get(f"/v1/open/..%2f{CANARY}"), "NotFound"),
    "another method": Attack(
        lambda at: at.http.request("DELETE", "/v1/who", params={"q": CANARY}), "MethodNotAllowed"
    ),
    "a body past the limit": Attack(
        lambda at: at.http.post(f"/v1/echo/{CANARY}", content=CANARY * 100), "TooLarge"
    ),
    "a body that says something twice": Attack(
        lambda at: at.http.post(
            f"/v1/echo/{CANARY}",
            content=f'{{"{CANARY}":1,"{CANARY}":2}}',
            headers={"content-type": "application/json"},
        ),
        "BadRequest",
    ),
    "an error nobody expected": Attack(
        lambda at: at.http.get("/v1/broken", params={"q": CANARY}), "InternalError"
    ),
    "a revoked identity": Attack(of_a_revoked_identity, "IdentityRevoked"),
    "a service behind its lease": Attack(behind_the_lease, "Stale"),
}


def noted(at: Listening, attack: Attack) -> bool:
    """Say whether an attack is refused and stands in the journal as what it was, and nothing more of it does."""
    answer = attack.send(at)
    assert answer.status_code >= 400
    assert answer.json()["title"] == attack.refusal
    entries = at.entries()
    assert CANARY not in str(entries)
    return [(e["identity"], e["outcome"], e["refusal"]) for e in entries] == [
        (str(spiffe(CALLER)), "refused", attack.refusal)
    ]


@pytest.mark.threat("T-REG-05", "T-REG-02", "T-IAM-01", "T-SRV-08")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_under_a_name_is_refused_and_journaled(at: Listening, attack: Attack) -> None:
    assert noted(at, attack)


@pytest.mark.threat("T-REG-05")
def test_every_repeat_is_counted_and_no_flood_fills_the_journal(
    at: Listening, attempts: Callable[[int], None]
) -> None:
    for _ in range(TIMES):
        assert at.http.get("/v1/forbidden").status_code == 403
    assert len(at.entries()) == 1
    at.journaling.lander.land()
    first, repeats = at.entries()
    assert first["refusal"] == repeats["refusal"] == "Forbidden"
    assert repeats["count"] == TIMES - 1
    attempts(TIMES)


@pytest.mark.control("T-REG-05")
def test_control_where_answers_do_not_wait_for_the_journal_an_attack_leaves_no_entry(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unjournaled:
        def __init__(self, app: Any, journaling: Journaling) -> None:  # noqa: ANN401 - an ASGI application
            self._app = app
            self.journaling = journaling

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self._app(scope, receive, send)

    monkeypatch.setattr(edge, "Journaled", Unjournaled)
    at = Listening(lab)
    assert not noted(at, ATTACKS["a route without a right to it"])
    at.close()
