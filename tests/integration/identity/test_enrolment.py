"""Becoming somebody: a link, a passkey, administrators' signatures; roles; losing a passkey; leaving."""

from __future__ import annotations

import json

import pytest

from assay.contracts import FactKind, canonical
from assay.errors import Conflict, NotFound, SignatureInvalid
from services.identity.errors import LinkSpent, SignedAlready
from services.identity.proposals import LINK_SECONDS
from tests.integration.identity.world import World
from tests.support.passkeys import Passkey
from tests.support.people import peopled, surfer
from tests.support.surfer import Surfer

__all__ = ["peopled", "surfer"]


def invited(peopled: World, name: str = "eve") -> tuple[str, str]:
    """Return who is meant and the link's path."""
    person, link = peopled.identity.enrolment.invite(name, by=peopled.people["ada"].person)
    return person, link.removeprefix(peopled.people_origin)


def registered(surfer: Surfer, link: str, passkey: Passkey) -> int:
    """Make a passkey with a link; return the status."""
    token = {"token": link.partition("=")[2]}
    options = surfer.http.post("/enrol/options", data=token)
    challenge = options.json().get("challenge", "AAAA") if options.status_code == 200 else "AAAA"
    return surfer.http.post("/enrol", data=passkey.registers(challenge) | token).status_code


def challenge_of(surfer: Surfer, link: str) -> str:
    """Return what a link's passkey is made for."""
    answer = surfer.http.post("/enrol/options", data={"token": link.partition("=")[2]})
    return str(answer.json()["challenge"])


def signed(peopled: World, proposal: str, name: str) -> int:
    """Have an administrator sign what waits, at its page; return the status."""
    passkey = peopled.browser_passkey(name)
    administrator = peopled.surfer()
    administrator.sign_in(passkey)
    text = canonical(peopled.identity.proposals.find(proposal).statement).decode()
    form = passkey.says(text) | {"csrf": administrator.csrf()}
    answer = administrator.http.post(f"/pending/{proposal}/sign", data=form)
    administrator.close()
    return answer.status_code


def test_a_passkey_counts_when_two_administrators_have_signed_it(peopled: World, surfer: Surfer) -> None:
    person, link = invited(peopled)
    passkey = Passkey(person, peopled.people_origin)
    assert "eve" in surfer.http.get(link).text
    assert registered(surfer, link, passkey) == 200
    (waiting,) = peopled.identity.proposals.all()
    assert (waiting.needed, waiting.signed_by) == (2, ())
    assert surfer.sign_in(passkey).status_code == 401
    assert signed(peopled, waiting.proposal.id, "ada") == 303
    assert surfer.sign_in(passkey).status_code == 401, "one signature is not enough"
    assert signed(peopled, waiting.proposal.id, "grace") == 303
    assert surfer.sign_in(passkey).status_code == 303
    assert peopled.identity.proposals.all() == []
    assert peopled.log.roles(person, "demo") == frozenset(), "a link grants no role"


def test_a_link_works_once(peopled: World, surfer: Surfer) -> None:
    person, link = invited(peopled)
    assert registered(surfer, link, Passkey(person, peopled.people_origin)) == 200
    assert surfer.http.get(link).status_code == 401
    assert registered(surfer, link, Passkey(person, peopled.people_origin)) == 401
    assert len(peopled.identity.proposals.all()) == 1


def test_looking_at_a_link_does_not_use_it(peopled: World, surfer: Surfer) -> None:
    person, link = invited(peopled)
    assert [surfer.http.get(link).status_code for _ in range(3)] == [200, 200, 200]
    assert registered(surfer, link, Passkey(person, peopled.people_origin)) == 200


def test_a_link_ends_after_fifteen_minutes_and_with_the_next_one(peopled: World, surfer: Surfer) -> None:
    _, first = invited(peopled)
    _, second = invited(peopled)
    assert surfer.http.get(first).status_code == 401
    assert surfer.http.get(second).status_code == 200
    clock = peopled.identity.enrolment.clock
    object.__setattr__(peopled.identity.enrolment, "clock", lambda: clock() + LINK_SECONDS)
    assert surfer.http.get(second).status_code == 401
    with pytest.raises(LinkSpent):
        peopled.identity.enrolment.options(second.partition("=")[2])


@pytest.mark.parametrize("wrong", ["origin", "user not verified", "challenge"])
def test_a_passkey_made_elsewhere_or_by_nobody_verified_is_refused(
    peopled: World, surfer: Surfer, wrong: str
) -> None:
    person, link = invited(peopled)
    passkey = Passkey(person, peopled.people_origin)
    challenge = challenge_of(surfer, link)
    if wrong == "origin":
        passkey.origin = "https://localhost:9"
    elif wrong == "challenge":
        _, others = invited(peopled, "mallory")
        challenge = challenge_of(surfer, others)
    else:
        passkey.flags = 0x01
    form = passkey.registers(challenge) | {"token": link.partition("=")[2]}
    assert surfer.http.post("/enrol", data=form).status_code == 422
    assert registered(surfer, link, Passkey(person, peopled.people_origin)) == 200, "the link still works"


def test_a_passkey_that_takes_another_persons_id_locks_nobody_out(peopled: World, surfer: Surfer) -> None:
    """Ids are no secret: the sign-in page names those of whoever is asked for."""
    dana = peopled.browser_passkey("dana")
    person, link = invited(peopled)
    thief = Passkey(person, peopled.people_origin, credential_id=dana.credential_id)
    assert registered(surfer, link, thief) == 409
    assert peopled.identity.proposals.all() == []
    assert surfer.sign_in(dana).status_code == 303
    assert registered(surfer, link, Passkey(person, peopled.people_origin)) == 200, "the link still works"


def test_one_administrator_twice_counts_once(peopled: World, surfer: Surfer) -> None:
    person, link = invited(peopled)
    registered(surfer, link, Passkey(person, peopled.people_origin))
    (waiting,) = peopled.identity.proposals.all()
    ada = peopled.browser_passkey("ada")
    peopled.identity.proposals.sign(waiting.proposal.id, ada.assert_(waiting.statement))
    with pytest.raises(SignedAlready):
        peopled.identity.proposals.sign(waiting.proposal.id, ada.assert_(waiting.statement))
    grace = peopled.browser_passkey("grace")
    other = waiting.statement | {"person": peopled.people["amir"].person}
    with pytest.raises(SignatureInvalid):
        peopled.identity.proposals.sign(waiting.proposal.id, grace.assert_(other))


def test_signatures_under_words_that_changed_since_do_not_count(peopled: World) -> None:
    dana = peopled.people["dana"].person
    proposals = peopled.identity.proposals
    terms = {"person": dana, "role": "approver", "ended": False}
    waiting = proposals.open("role", terms, by="p-x")
    proposals.sign(waiting.proposal.id, peopled.browser_passkey("ada").assert_(waiting.statement))
    assert proposals.find(waiting.proposal.id).signed_by == (peopled.people["ada"].person,)
    peopled.grant_role("dana", "approver")  # meanwhile, by another way
    now = proposals.find(waiting.proposal.id)
    assert now.signed_by == ()
    assert now.statement["previous"] is not None


def test_a_role_is_granted_and_ended_by_administrators_at_the_page(peopled: World) -> None:
    dana, grace = peopled.people["dana"].person, peopled.surfer()
    grace.sign_in(peopled.browser_passkey("grace"))
    for ended, after in ((False, {"approver"}), (True, set())):
        form = {"csrf": grace.csrf(), "role": "approver", "ended": json.dumps(ended)}
        answer = grace.http.post(f"/people/{dana}/roles", data=form)
        proposal = answer.headers["location"].rpartition("/")[2]
        assert [signed(peopled, proposal, name) for name in ("ada", "grace")] == [303, 303]
        assert peopled.log.roles(dana, "demo") == after
    grace.close()


def test_a_lost_passkey_is_refused_at_once_and_another_one_stays(peopled: World, surfer: Surfer) -> None:
    lost = peopled.browser_passkey("dana")
    surfer.sign_in(lost)
    ada = peopled.surfer()
    ada.sign_in(peopled.browser_passkey("ada"))
    form = {"csrf": ada.csrf(), "credential_id": lost.credential_id}
    assert ada.http.post(f"/people/{lost.person}/passkeys", data=form).status_code == 303
    assert surfer.http.get("/").status_code == 303
    assert surfer.sign_in(lost).status_code == 401
    assert peopled.log_in("dana").person == lost.person, "the other passkey still counts"
    assert ada.http.post(f"/people/{lost.person}/passkeys", data=form).status_code == 404
    ada.close()


def test_whoever_leaves_has_no_role_no_passkey_no_session_and_no_certificate_that_counts(
    peopled: World, surfer: Surfer
) -> None:
    peopled.grant_role("dana", "data-scientist")
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    certificate = peopled.log_in("dana")
    ada = peopled.surfer()
    ada.sign_in(peopled.browser_passkey("ada"))
    assert ada.http.post(f"/people/{passkey.person}/leave", data={"csrf": ada.csrf()}).status_code == 303
    assert peopled.log.roles(passkey.person, "demo") == frozenset()
    assert peopled.identity.passkeys.of(passkey.person) == []
    assert peopled.identity.site.sessions.of(passkey.person) == []
    with certificate.client(peopled.url, expect="identity") as http:
        assert http.get("/v1/people").status_code == 403
    revoked = [one.fact.body["what"] for one in peopled.log.records(FactKind.REVOCATION)]
    assert revoked[0] == f"person/{passkey.person}"
    assert len(revoked) == 4, "the person, the role, both passkeys"
    ada.close()


def test_the_last_two_administrators_cannot_leave(peopled: World) -> None:
    with pytest.raises(Conflict, match="1 administrators would be left"):
        peopled.identity.leaving.leave(peopled.people["ada"].person, by=peopled.people["grace"].person)


def test_a_proposal_that_is_none_or_was_withdrawn_is_not_found(peopled: World) -> None:
    proposals = peopled.identity.proposals
    terms = {"person": "p-1", "role": "approver", "ended": False}
    waiting = proposals.open("role", terms, by="p-x")
    assert proposals.open("role", terms, by="p-y").proposal == waiting.proposal, "the same again is the same"
    proposals.withdraw(waiting.proposal.id)
    with pytest.raises(NotFound):
        proposals.find(waiting.proposal.id)
