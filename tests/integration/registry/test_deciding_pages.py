"""Asking, deciding and revoking on pages, by people without a screen whose passkeys sign what the page shows."""

from __future__ import annotations

import html
import json
import re
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from assay.contracts import FactKind
from tests.integration.registry.platform import Platform
from tests.support.surfer import Surfer
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD

ASK = f"/models/{MODEL}/1/ask"


@pytest.fixture
def asked(platform: Platform) -> str:
    """A request by dana for version 1, which nobody has decided yet; its page's path."""
    platform.desk.register()
    log = platform.world.follower
    for name in ("amir", "bea"):
        head = log.head(f"approval/{MODEL}/1/prod/{platform.world.person(name)}")
        if head is not None and head.kind is FactKind.APPROVAL:
            platform.desk.say(name, verb="withdraw")
    dana = platform.surfer("dana")
    for mine in re.findall(r'href="(/requests/q-[0-9a-f]+)"', dana.http.get("/").text):
        dana.http.post(f"{mine}/withdraw", data={"csrf": dana.csrf()})
    answer = dana.http.post(ASK, data={"csrf": dana.csrf(), "environment": "prod", "note": "<b>please</b>"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sheet(surfer: Surfer, path: str, **said: str) -> str:
    """Return the very words a sheet shows."""
    page = surfer.http.get(f"{path}/sheet", params=said)
    assert page.status_code == 200, page.text
    return html.unescape(page.text.partition('name="statement" value="')[2].partition('"')[0])


def sign(
    platform: Platform, name: str, path: str, text: str, *, by: str = "", sent: dict[str, str] | None = None
) -> httpx.Response:
    """Sign words with a person's passkey and hand them in at the page, as `by` or themselves, with headers `sent`."""
    surfer = platform.surfer(by or name)
    proof = platform.world.people[name].passkey.assert_(json.loads(text))
    fields = proof.model_dump(include={"credential_id", "authenticator_data", "client_data", "signature"})
    data = {"csrf": surfer.csrf(), "statement": text, **fields}
    return surfer.http.post(f"{path}/sign", data=data, headers=sent)


def test_what_waits_is_in_the_inbox_of_those_who_may_decide(platform: Platform, asked: str) -> None:
    assert asked in platform.surfer("amir").http.get("/").text
    danas = platform.surfer("dana").http.get("/").text
    assert "Nothing waits for you." in danas
    assert asked in danas


def test_two_people_sign_what_the_sheet_shows_and_the_alias_moves(platform: Platform, asked: str) -> None:
    for name in ("amir", "bea"):
        text = sheet(platform.surfer(name), asked, verb="approve", role="approver")
        assert sign(platform, name, asked, text).headers["location"] == asked
    ada = platform.surfer("ada")
    assert "Move prod @champion to version 1" in ada.http.get(asked).text
    assert ada.http.post(f"{asked}/promote", data={"csrf": ada.csrf()}).status_code == 303
    assert "prod @champion is this version" in ada.http.get(asked).text
    assert asked not in platform.surfer("amir").http.get("/").text


def test_a_second_click_and_the_back_button_say_it_once(platform: Platform, asked: str) -> None:
    text = sheet(platform.surfer("amir"), asked, verb="approve", role="approver")
    size = platform.world.follower.size
    for _ in range(3):
        assert sign(platform, "amir", asked, text).status_code == 303
    assert platform.world.follower.size == size + 1
    platform.desk.say("amir", verb="withdraw")
    assert sign(platform, "amir", asked, text).status_code == 422


def test_a_reason_is_on_the_sheet_before_it_is_signed_and_on_the_page_after(
    platform: Platform, asked: str
) -> None:
    reason = 'Slices "too small" & <few>'
    text = sheet(platform.surfer("bea"), asked, verb="reject", role="approver", reason=reason)
    assert json.loads(text)["reason"] == reason
    assert sign(platform, "bea", asked, text).status_code == 303
    page = platform.surfer("dana").http.get(asked).text
    assert "Slices &#34;too small&#34; &amp; &lt;few&gt;" in page
    assert "rejected" in page


def test_conditions_are_in_words_on_the_sheet_before_they_are_signed_and_on_the_pages_after(
    platform: Platform, asked: str
) -> None:
    amir = platform.surfer("amir")
    limits = {"endpoints": "credit, cards", "until": "2099-12-24"}
    shown = amir.http.get(f"{asked}/sheet", params=limits).text
    words = ("only on endpoint cards or credit", "only until 2099-12-24 23:59:59 UTC")
    assert all(each in shown for each in words)
    text = sheet(amir, asked, **limits)
    assert json.loads(text)["conditions"] == {"endpoints": ["cards", "credit"], "until": 4_101_839_999}
    assert sign(platform, "amir", asked, text).status_code == 303
    for path in (asked, f"/models/{MODEL}/1"):
        page = amir.http.get(path).text
        assert all(each in page for each in words), path
    assert "approved it only on endpoint cards or credit" in html.unescape(amir.http.get(asked).text)
    refused = amir.http.get(f"{asked}/sheet", params={"until": "2001-01-01"})
    assert refused.status_code == 400
    assert "has passed" in refused.text


def test_a_lowered_tier_is_said_first_and_in_red(platform: Platform, asked: str) -> None:
    desk = platform.desk
    desk.trained(run="run-low")
    low = desk.registering.register(
        MODEL, run="run-low", checkpoint="epoch-3", tier="low", by=desk.person("dana")
    )
    number = low.fact.body["number"]
    dana, amir = platform.surfer("dana"), platform.surfer("amir")
    ask = {"csrf": dana.csrf(), "environment": "prod"}
    path = dana.http.post(f"/models/{MODEL}/{number}/ask", data=ask).headers["location"]
    for page in (path, f"{path}/sheet", f"/models/{MODEL}/{number}"):
        text = amir.http.get(page).text
        assert '<p class="note wrong" role="alert"><strong>Lowered risk tier.</strong>' in text, page
        assert "is of tier limited, and this one of tier low" in text, page
    assert "Lowered risk tier" not in amir.http.get(asked).text


def test_a_question_goes_to_whoever_asked_and_comes_back_answered(platform: Platform, asked: str) -> None:
    amir, dana = platform.surfer("amir"), platform.surfer("dana")
    amir.http.post(f"{asked}/questions", data={"csrf": amir.csrf(), "text": "Why <now>?"})
    assert "a question waits" in dana.http.get("/").text
    dana.http.post(f"{asked}/questions", data={"csrf": dana.csrf(), "text": "The old one drifts."})
    page = amir.http.get(asked).text
    assert "Why &lt;now&gt;?" in page
    assert "waits for decisions" in page


def test_what_somebody_wrote_is_text_and_no_markup(platform: Platform, asked: str) -> None:
    page = platform.surfer("amir").http.get(asked).text
    assert "&lt;b&gt;please&lt;/b&gt;" in page
    assert "<b>please" not in page


def test_words_signed_by_somebody_else_or_changed_are_refused_on_the_page(
    platform: Platform, asked: str
) -> None:
    text = sheet(platform.surfer("amir"), asked, verb="approve", role="approver")
    assert sign(platform, "amir", asked, text, by="bea").status_code == 422
    for member, value in (("environment", "dev"), ("tier", "low"), ("package", "f" * 64), ("number", 2)):
        changed = json.dumps({**json.loads(text), member: value})
        assert sign(platform, "amir", asked, changed).status_code == 422
    head = platform.world.follower.head(f"approval/{MODEL}/1/prod/{platform.world.person('amir')}")
    assert head is None or head.kind is not FactKind.APPROVAL


def test_a_contributor_is_told_why_there_is_nothing_to_sign(platform: Platform, asked: str) -> None:
    platform.world.grant_role("dana", "approver", by=("ada", "grace"))
    page = platform.surfer("dana").http.get(asked)
    assert "your approval would not count" in page.text
    assert platform.surfer("dana").http.get(f"{asked}/sheet").status_code == 403


@pytest.mark.parametrize("path", ["/questions", "/withdraw", "/sign", "/promote"])
def test_a_form_without_the_sessions_token_does_nothing(platform: Platform, asked: str, path: str) -> None:
    assert platform.surfer("ada").http.post(f"{asked}{path}", data={"text": "x"}).status_code == 403


@pytest.mark.threat("T-IAM-09")
@pytest.mark.parametrize(
    "sent", [{"origin": "https://localhost:9"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}], ids=str
)
def test_a_form_that_another_port_of_this_host_sends_decides_nothing(
    platform: Platform, asked: str, sent: dict[str, str]
) -> None:
    """Cookies know no ports: the session and its token are there, and only who sent the form is not us."""
    text = sheet(platform.surfer("amir"), asked, verb="approve", role="approver")
    size = platform.world.follower.size
    assert sign(platform, "amir", asked, text, sent=sent).status_code == 403
    assert platform.world.follower.size == size
    assert sign(platform, "amir", asked, text).status_code == 303


@pytest.mark.threat("T-IAM-09")
def test_a_session_of_another_listener_of_this_host_is_none_here(platform: Platform) -> None:
    surfer = platform.surfer("amir")
    (ours,) = surfer.http.cookies
    for name in ("__Host-assay-identity", ours.lower(), ours.removeprefix("__Host-")):
        cookie = f"{name}={surfer.http.cookies[ours]}"
        assert (
            httpx.get(surfer.origin, headers={"cookie": cookie}, verify=_trusting(platform)).status_code
            == 303
        )
    assert surfer.http.get("/").status_code == 200


def _trusting(platform: Platform) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=platform.authority.ca_pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the tests' authority has no key identifiers
    return context


def test_a_revocation_is_previewed_said_and_seen(platform: Platform, asked: str) -> None:
    fact = platform.desk.say("amir").digest
    if not platform.desk.registry.judged(MODEL, 1, PROD).verdict.passed:
        platform.desk.say("bea")
    platform.desk.promote()
    ada = platform.surfer("ada")
    size = platform.world.follower.size
    page = ada.http.get("/revoke", params={"revokes": fact, "what": "approval"}).text
    assert f"alias/prod/{MODEL}@champion" in page
    assert platform.world.follower.size == size
    said = {"csrf": ada.csrf(), "revokes": fact, "what": "approval", "reason": "signed in error"}
    done = ada.http.post("/revoke", data=said)
    assert "signed in error" in ada.http.get(done.headers["location"]).text
    assert platform.world.follower.revoked(fact)
    assert "It is revoked already." in ada.http.get("/revoke", params={"revokes": fact}).text


def test_who_may_not_revoke_does_not_see_the_page(platform: Platform, asked: str) -> None:
    platform.world.enrol_by("oli", "operator", by=("ada", "grace"))
    assert platform.surfer("oli").http.get("/revoke").status_code == 403
    assert platform.surfer("ada").http.get("/revoke").status_code == 200
    assert platform.surfer("ada").http.get("/revoke?revokes=zz").status_code == 404


@pytest.mark.parametrize("due", ["2020-01-01", "tomorrow", "9999-99-99"])
def test_a_date_that_cannot_be_is_refused(platform: Platform, asked: str, due: str) -> None:
    grace = platform.surfer("grace")
    data = {"csrf": grace.csrf(), "environment": "prod", "due": due}
    assert grace.http.post(ASK, data=data).status_code == 400
    assert "What to do" in grace.http.get("/requests/q-0").text


def test_a_role_is_handed_on_signed_and_taken_back_on_the_page(platform: Platform, asked: str) -> None:
    if "dora" not in platform.world.people:
        platform.world.enrol_by("dora", "operator", by=("ada", "grace"))
    platform.world.enrol_by("carl", "approver", by=("ada", "grace"))  # who has said nothing yet
    carl, dora = platform.surfer("carl"), platform.surfer("dora")
    until = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    said = {"role": "approver", "to": platform.world.person("dora"), "until": until}
    for terms in (said, {"role": "approver", "ended": "true"}):
        page = carl.http.get("/delegations/sheet", params=terms).text
        text = html.unescape(page.partition('name="statement" value="')[2].partition('"')[0])
        proof = platform.world.people["carl"].passkey.assert_(json.loads(text))
        fields = proof.model_dump(include={"credential_id", "authenticator_data", "client_data", "signature"})
        data = {"csrf": carl.csrf(), "statement": text, **fields}
        assert carl.http.post("/delegations/sign", data=data).headers["location"] == "/delegations"
        if terms is said:
            assert "I am back" in carl.http.get("/delegations").text
            assert asked in dora.http.get("/").text
            assert 'value="approver/p-carl"' in dora.http.get(asked).text
            for verb in ("approve", "withdraw"):
                words = sheet(dora, asked, verb=verb, role="approver")
                assert sign(platform, "dora", asked, words).status_code == 303
                assert "who is away" in dora.http.get(asked).text
                assert "who is away" in dora.http.get(f"/models/{MODEL}/1").text
    assert "Nobody decides for anybody." in dora.http.get("/delegations").text
    assert "In my role of" not in dora.http.get("/delegations").text
    assert dora.http.get("/delegations/sheet", params=said).status_code == 403
