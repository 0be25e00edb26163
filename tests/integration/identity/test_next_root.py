"""The next root before its founders: drafted, looked at, said with passkeys in the browser, in force by its fact."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from assay.contracts import CredentialBound, Fact, FactKind
from assay.errors import Forbidden, NotFound, SignatureInvalid
from assay.ledger import Root
from assay.ledger.next_root import DraftStale
from assay.ledger.root import root_document
from services.identity.errors import DraftWaits, SignedAlready
from services.identity.next_root import Successions
from tests.integration.identity.world import TIME, World
from tests.support.browser import Visitor
from tests.support.passkeys import Passkey
from tests.support.people import peopled, surfer
from tests.support.surfer import Surfer

__all__ = ["peopled", "surfer"]
FOUNDERS = ("ada", "grace")


def statement(root: Root, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    """Return what founders say of a root after this one."""
    said: dict[str, Any] = dict(root.document["payload"])
    return {**said, "version": root.version + 1, "previous": root.fingerprint, **changes}


def founders(*credentials: CredentialBound) -> list[dict[str, Any]]:
    return [one.model_dump(exclude={"assertions"}) for one in credentials]


@pytest.fixture
def held(peopled: World) -> World:
    """A platform whose founders hold passkeys of their own, by a root after the first."""
    peopled.browser_passkey("amir")
    mine = [peopled.browser_passkey(name) for name in FOUNDERS]
    said = statement(peopled.log.root, admins=founders(*(one.bound() for one in mine)))
    spoken = [
        *(peopled.people[name].assert_(said) for name in FOUNDERS),
        *(one.assert_(said) for one in mine),
    ]
    document = Root.parse(root_document(said, spoken), before=peopled.log.root).document
    peopled.log.append(Fact(kind=FactKind.ROOT, about="root", tenant="", time=TIME, body=document))
    return peopled


def successions(world: World) -> Successions:
    return world.identity.successions


def said_on_the_page(world: World, name: str, **changed: str) -> int:
    """Have a founder sign what the page shows; return the status."""
    browser = world.surfer()
    passkey = world.browser_passkey(name)
    browser.sign_in(passkey)
    shown = successions(world).standing().next
    assert shown is not None
    assert shown.digest in browser.http.get("/next-root").text
    form = passkey.says(shown.text) | {"csrf": browser.csrf()} | changed
    answer = browser.http.post("/next-root/sign", data=form)
    browser.close()
    return answer.status_code


def test_founders_say_the_next_root_with_their_passkeys_and_it_is_in_force(held: World) -> None:
    drafts, ada, grace = successions(held), held.people["ada"].person, held.people["grace"].person
    opened = drafts.open(statement(held.log.root, expires="2031-01-01T00:00:00+00:00"), by=ada)
    assert said_on_the_page(held, "ada") == 303
    assert held.log.root.version == 2
    quorum = drafts.standing().quorums[0]
    assert (quorum.needed, quorum.said, quorum.waiting, quorum.met) == (2, (ada,), (grace,), False)
    assert said_on_the_page(held, "grace") == 303
    assert (held.log.root.version, held.log.root.expires.year) == (3, 2031)
    assert opened.next is not None
    assert held.log.root.fingerprint == opened.next.digest, "what was shown is what it became"
    with pytest.raises(NotFound):
        drafts.standing()


def test_an_abandoned_draft_is_withdrawn_and_another_one_begun(held: World) -> None:
    drafts = successions(held)
    first = statement(held.log.root)
    drafts.open(first, by="p-x")
    assert drafts.open(first, by="p-y").draft.opened_by == "p-x", "the same again is the same draft"
    with pytest.raises(DraftWaits):
        drafts.open(statement(held.log.root, threshold=1), by="p-x")
    said_on_the_page(held, "ada")
    drafts.withdraw()
    second = drafts.open(statement(held.log.root, threshold=1), by="p-x")
    assert second.quorums[0].said == (), "what was said of the first draft is gone with it"
    assert held.log.root.version == 2


def test_a_draft_after_another_root_than_the_one_in_force_is_refused(held: World) -> None:
    drafts, mine = successions(held), [held.browser_passkey(name) for name in FOUNDERS]
    said = statement(held.log.root)
    drafts.open(said, by="p-x")
    other = statement(held.log.root, threshold=1)
    document = Root.parse(root_document(other, [one.assert_(other) for one in mine]), before=held.log.root)
    head = held.log.head("root")
    assert head is not None
    held.log.append(Fact(FactKind.ROOT, "root", "", TIME, dict(document.document), previous=head.digest))
    assert drafts.standing().next is None
    with pytest.raises(DraftStale):
        drafts.sign(mine[0].assert_(said))
    with pytest.raises(DraftStale):
        drafts.open(said, by="p-x")
    drafts.withdraw()
    assert drafts.open(statement(held.log.root), by="p-x").next is not None


@pytest.mark.threat("T-SIG-07")
def test_words_of_others_of_other_drafts_and_said_twice_make_no_quorum(held: World) -> None:
    """The positive control is the last line: the second founder's own word is all that was missing."""
    drafts, said = successions(held), statement(held.log.root)
    ada, grace = (held.browser_passkey(name) for name in FOUNDERS)
    second = Passkey(ada.person, ada.origin)
    drafts.open(said, by=ada.person)
    drafts.sign(ada.assert_(said))
    with pytest.raises(SignedAlready):
        drafts.sign(ada.assert_(said))
    with pytest.raises(Forbidden):  # the same founder with a passkey of theirs that no root names
        drafts.sign(second.assert_(said))
    with pytest.raises(Forbidden):
        drafts.sign(held.browser_passkey("amir").assert_(said))
    with pytest.raises(SignatureInvalid):  # for another draft, or this one changed after it was signed
        drafts.sign(grace.assert_(said | {"threshold": 1}))
    with pytest.raises(SignatureInvalid):
        drafts.sign(grace.assert_(said).model_copy(update={"statement": said | {"threshold": 1}}))
    with pytest.raises(SignatureInvalid):
        drafts.sign(
            ada.assert_(said).model_copy(
                update={"person": grace.person, "credential_id": grace.credential_id}
            )
        )
    assert held.log.root.version == 2
    assert drafts.sign(grace.assert_(said)) is not None
    assert held.log.root.version == 3


@pytest.mark.threat("T-SIG-07")
def test_a_founder_who_was_let_go_says_no_next_root(held: World) -> None:
    drafts, said = successions(held), statement(held.log.root)
    ada, grace = (held.browser_passkey(name) for name in FOUNDERS)
    drafts.open(said, by=ada.person)
    drafts.sign(grace.assert_(said))
    held.revoke(f"person/{grace.person}")
    with pytest.raises(
        SignatureInvalid, match="is revoked"
    ):  # said before: the log's own rules refuse it now
        drafts.sign(ada.assert_(said))
    drafts.withdraw()
    drafts.open(said, by=ada.person)
    with pytest.raises(Forbidden):
        drafts.sign(grace.assert_(said))
    held.log.known._revoked.clear()
    drafts.sign(grace.assert_(said))
    assert drafts.sign(ada.assert_(said)) is not None


@pytest.mark.threat("T-SIG-07")
def test_a_draft_that_drops_a_founder_takes_the_one_who_is_dropped_too(held: World) -> None:
    ada, grace = (held.browser_passkey(name) for name in FOUNDERS)
    said = statement(held.log.root, admins=founders(ada.bound()), threshold=1)
    drafts = successions(held)
    standing = drafts.open(said, by=ada.person)
    assert standing.next is not None
    assert f"passkey of founder {grace.person}" in [one.what for one in standing.next.changes()]
    drafts.sign(ada.assert_(said))
    assert [one.met for one in drafts.standing().quorums] == [False, True]
    assert held.log.root.version == 2
    drafts.sign(grace.assert_(said))
    assert [one.person for one in held.log.root.founders] == [ada.person]


def test_software_passkeys_of_a_demonstration_sign_beside_browsers(peopled: World) -> None:
    """A founder gets a passkey of their own: the old one says it for the root in force, the new for the next."""
    ada, software = peopled.browser_passkey("ada"), [peopled.people[name] for name in FOUNDERS]
    grace = [one for one in peopled.log.root.founders if one.person == software[1].person]
    said = statement(peopled.log.root, admins=founders(ada.bound(), *grace))
    drafts = successions(peopled)
    drafts.open(said, by=ada.person)
    for passkey in software:
        assert drafts.sign(passkey.assert_(said)) is None
    assert [one.met for one in drafts.standing().quorums] == [True, False]
    assert said_on_the_page(peopled, "ada") == 303
    assert peopled.log.root.credential(ada.person, ada.credential_id) is not None


def test_a_stranger_sees_the_draft_and_is_not_asked(held: World, surfer: Surfer) -> None:
    assert surfer.http.get("/next-root").status_code == 303, "nobody has signed in"
    surfer.sign_in(held.browser_passkey("amir"))
    assert "No draft waits" in surfer.http.get("/next-root").text
    successions(held).open(statement(held.log.root), by="p-x")
    shown = surfer.http.get("/next-root").text
    assert 'data-passkey="assert"' not in shown
    assert said_on_the_page(held, "amir") == 403
    assert held.log.root.version == 2


def test_a_founder_looks_at_what_changes_and_signs_it_in_a_browser(held: World, browser: Browser) -> None:
    other = Passkey("p-other", held.people_origin)
    both = list(held.log.root.founders)
    successions(held).open(
        statement(held.log.root, admins=founders(*both, other.bound()), threshold=2), by=both[0].person
    )
    for name in FOUNDERS:
        founder = Visitor.of(browser)
        founder.holds(held.browser_passkey(name))
        founder.sign_in(held.people_origin)
        founder.page.goto(f"{held.people_origin}/next-root")
        assert founder.page.get_by_text("passkey of founder p-other").is_visible()
        founder.looked_at("next-root")
        founder.page.get_by_role("button", name="Say this root with your passkey").click()
        founder.page.get_by_text("You have said it." if name == "ada" else "No draft waits").wait_for()
        founder.close()
    assert (held.log.root.version, len(held.log.root.founders)) == (3, 3)
