"""Attacks on the pages where people sign in: each beside what the same request does when it is honest."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.contracts import PersonId
from assay.identity import base64url
from assay.pages import Sessions, routes
from tests.integration.identity.test_enrolment import invited, registered
from tests.integration.identity.world import World
from tests.support.passkeys import Passkey
from tests.support.people import peopled, surfer
from tests.support.surfer import COOKIE, Surfer

__all__ = ["peopled", "surfer"]


def refused(surfer: Surfer, passkey: Passkey, statement: str | None = None, **changed: str) -> int:
    """Return the status of signing in with something changed."""
    given = surfer.http.post("/sign-in/challenge", data={}).json()["statement"]
    return surfer.http.post("/sign-in", data=passkey.says(statement or given) | changed).status_code


@pytest.mark.threat("T-IAM-09")
def test_a_sign_in_is_not_replayed(peopled: World, surfer: Surfer) -> None:
    statement = surfer.http.post("/sign-in/challenge", data={}).json()["statement"]
    proof = peopled.browser_passkey("dana").says(statement)
    assert surfer.http.post("/sign-in", data=proof).status_code == 303
    again = surfer.http.post("/sign-in", data=proof)
    assert again.status_code == 401
    assert "ChallengeSpent" in again.text


@pytest.mark.threat("T-IAM-09")
def test_a_challenge_of_ones_own_making_is_refused(peopled: World, surfer: Surfer) -> None:
    given = json.loads(surfer.http.post("/sign-in/challenge", data={}).json()["statement"])
    forged = json.dumps(given | {"expiry": given["expiry"] + 10**6})
    assert refused(surfer, peopled.browser_passkey("dana"), forged) == 401
    assert refused(surfer, peopled.browser_passkey("dana")) == 303


@pytest.mark.threat("T-IAM-09")
def test_a_passkey_used_on_another_port_of_this_host_signs_nobody_in(peopled: World, surfer: Surfer) -> None:
    """The relying party is the host: any port of localhost may ask for the passkey, and the origin says which did."""
    honest = peopled.browser_passkey("dana")
    for elsewhere in ("https://localhost:9", "https://localhost:8443", "http://localhost"):
        other = Passkey(honest.person, elsewhere, credential_id=honest.credential_id, key=honest.key)
        assert refused(surfer, other) == 401
    assert refused(surfer, honest) == 303


@pytest.mark.threat("T-IAM-09")
def test_a_passkey_whose_user_was_not_verified_signs_nobody_in(peopled: World, surfer: Surfer) -> None:
    honest = peopled.browser_passkey("dana")
    present_only = Passkey(
        honest.person, honest.origin, credential_id=honest.credential_id, key=honest.key, flags=0x01
    )
    assert refused(surfer, present_only) == 401


@pytest.mark.threat("T-IAM-09")
def test_another_persons_passkey_or_none_of_ours_signs_nobody_in(peopled: World, surfer: Surfer) -> None:
    dana, amir = peopled.browser_passkey("dana"), peopled.browser_passkey("amir")
    assert refused(surfer, Passkey(dana.person, dana.origin)) == 401
    assert refused(surfer, amir, credential_id=dana.credential_id) == 401
    flipped = base64url.encode(bytes(70))
    assert refused(surfer, dana, signature=flipped) == 401


@pytest.mark.threat("T-IAM-09")
def test_a_session_planted_before_signing_in_is_not_the_one_after(peopled: World, surfer: Surfer) -> None:
    """Session fixation: the attacker's own session is in the victim's browser when the victim signs in."""
    attacker = peopled.surfer()
    attacker.sign_in(peopled.browser_passkey("amir"))
    planted = attacker.http.cookies[COOKIE]
    surfer.http.cookies.set(COOKIE, planted, domain="localhost.local", path="/")
    answer = surfer.sign_in(peopled.browser_passkey("dana"))
    assert planted not in answer.headers["set-cookie"]
    assert attacker.http.get("/").status_code == 303, "the planted session has ended"
    attacker.close()


@pytest.mark.threat("T-IAM-09")
def test_a_cookie_without_the_host_prefix_is_no_session(peopled: World, surfer: Surfer) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    token = surfer.http.cookies[COOKIE]
    stranger = peopled.surfer()
    for name in ("assay-identity", "__Secure-assay-identity", "__host-assay-identity"):
        assert stranger.http.get("/", headers={"cookie": f"{name}={token}"}).status_code == 303
    twice = f"{COOKIE}={token}; {COOKIE}={'x' * 43}"
    assert stranger.http.get("/", headers={"cookie": twice}).status_code == 303
    assert stranger.http.get("/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 200
    stranger.close()


@pytest.mark.threat("T-IAM-09")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://localhost:9"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_from_elsewhere_changes_nothing(
    peopled: World, surfer: Surfer, headers: dict[str, str]
) -> None:
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    (mine,) = peopled.identity.site.sessions.of(passkey.person)
    path, form = f"/sessions/{mine.handle}/end", {"csrf": mine.csrf}
    assert surfer.http.post(path, data=form, headers=headers).status_code == 403
    assert surfer.http.post("/sign-out", headers=headers).status_code == 403
    assert peopled.identity.site.sessions.of(passkey.person)
    assert surfer.http.post(path, data=form).status_code == 303
    assert not peopled.identity.site.sessions.of(passkey.person)


@pytest.mark.threat("T-IAM-09")
@pytest.mark.parametrize("token", [None, "", "x" * 43, "another's"])
def test_a_form_without_the_sessions_token_changes_nothing(
    peopled: World, surfer: Surfer, token: str | None
) -> None:
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    (mine,) = peopled.identity.site.sessions.of(passkey.person)
    if token == "another's":
        other = peopled.surfer()
        other.sign_in(peopled.browser_passkey("amir"))
        token = other.csrf()
        other.close()
    form = {} if token is None else {"csrf": token}
    assert surfer.http.post(f"/sessions/{mine.handle}/end", data=form).status_code == 403
    assert peopled.identity.site.sessions.of(passkey.person)


@pytest.mark.threat("T-IAM-09")
def test_one_person_ends_no_session_of_another(peopled: World, surfer: Surfer) -> None:
    amir = peopled.surfer()
    amir.sign_in(peopled.browser_passkey("amir"))
    surfer.sign_in(peopled.browser_passkey("dana"))
    (theirs,) = peopled.identity.site.sessions.of(peopled.people["amir"].person)
    surfer.http.post(f"/sessions/{theirs.handle}/end", data={"csrf": surfer.csrf()})
    assert amir.http.get("/").status_code == 200
    amir.close()


@pytest.mark.threat("T-IAM-09")
def test_guessing_is_stopped(peopled: World, surfer: Surfer) -> None:
    answers = [surfer.http.post("/sign-in/challenge", data={}).status_code for _ in range(40)]
    assert answers[0] == 200
    assert answers[-1] == 429


@pytest.mark.threat("T-IAM-09")
def test_sessions_end_when_idle_and_at_the_latest_after_their_longest_time() -> None:
    now = [0.0]
    sessions = Sessions(idle_seconds=10, longest_seconds=25, clock=lambda: now[0])
    token, _ = sessions.begin(PersonId("p-1"), "credential")
    for now[0] in (9.0, 18.0, 24.0):
        assert sessions.find(token)
    now[0] = 25.0
    assert sessions.find(token) is None
    token, _ = sessions.begin(PersonId("p-1"), "credential")
    now[0] = 35.0
    assert sessions.find(token) is None


# ---- an enrolment link


def racing(peopled: World, link: str, person: str) -> list[int]:
    """Have eight browsers make a passkey each with one link, at once; return the statuses."""
    token = {"token": link.partition("=")[2]}
    with ThreadPoolExecutor(8) as pool:
        surfers = [peopled.surfer() for _ in range(8)]
        challenge = str(surfers[0].http.post("/enrol/options", data=token).json()["challenge"])
        passkeys = [Passkey(PersonId(person), peopled.people_origin) for _ in surfers]
        forms = [passkey.registers(challenge) | token for passkey in passkeys]
        posted = pool.map(lambda one, form: one.http.post("/enrol", data=form).status_code, surfers, forms)
        statuses = sorted(posted)
        for one in surfers:
            one.close()
    return statuses


@pytest.mark.threat("T-IAM-09")
def test_of_many_who_use_one_enrolment_link_one_gets_a_passkey(peopled: World, surfer: Surfer) -> None:
    person, link = invited(peopled)
    assert racing(peopled, link, person) == [200] + [401] * 7
    assert len(peopled.identity.proposals.all()) == 1
    assert surfer.http.get(link).status_code == 401
    assert registered(surfer, link, Passkey(PersonId(person), peopled.people_origin)) == 401


@pytest.mark.threat("T-IAM-09")
def test_an_enrolment_link_grants_nothing_and_makes_nobody_but_whom_it_names(
    peopled: World, surfer: Surfer
) -> None:
    person, link = invited(peopled)
    mallory = Passkey(PersonId(peopled.people["ada"].person), peopled.people_origin)
    registered(surfer, link, mallory)
    assert {one.proposal.terms["person"] for one in peopled.identity.proposals.all()} <= {person}
    assert surfer.sign_in(mallory).status_code == 401
    assert peopled.log.roles(person, "demo") == frozenset()


# ---- one check less


@pytest.mark.control("T-IAM-09")
def test_control_a_link_that_is_not_used_up_makes_a_second_passkey(
    peopled: World, surfer: Surfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, link = invited(peopled)
    monkeypatch.setattr(type(peopled.identity.proposals.drafts), "use_link", lambda *_: True)
    for _ in range(2):
        assert registered(surfer, link, Passkey(PersonId(person), peopled.people_origin)) == 200


@pytest.mark.control("T-IAM-09")
def test_control_where_nobody_asks_who_sent_a_form_one_from_elsewhere_counts(
    peopled: World, surfer: Surfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    (mine,) = peopled.identity.site.sessions.of(passkey.person)
    path, form = f"/sessions/{mine.handle}/end", {"csrf": mine.csrf}
    elsewhere = {"origin": "https://evil.example"}
    monkeypatch.setattr(routes, "sent_from", lambda *_: None)
    assert surfer.http.post(path, data=form, headers=elsewhere).status_code == 303
    assert not peopled.identity.site.sessions.of(passkey.person)
