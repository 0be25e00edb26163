"""Letting applications in: the command by redirect and by device code, a service by redirect."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from assay.contracts import PersonId, strict_json
from assay.errors import Unauthenticated
from assay.identity import base64url
from assay.identity.browser import Exchange, LoginDenied, by_device, by_redirect
from assay.identity.certificates import Certified, key_digest, new_key, request_for
from assay.identity.holder import anonymous_client
from assay.web.client import call
from services.identity.authorizing import TO_COLLECT_SECONDS, TO_DECIDE_SECONDS
from services.identity.codes import LIFETIME_SECONDS, Codes, Granted, Wish
from services.identity.devices import Devices
from services.identity.errors import OneTimeCodeRefused
from tests.integration.identity.world import World
from tests.support.people import peopled, surfer
from tests.support.surfer import COOKIE, Surfer
from tests.unit.identity.authority import DOMAIN

__all__ = ["peopled", "surfer"]

REGISTRY = "https://localhost:8444/signed-in"
HERE = "http://127.0.0.1:5000/signed-in"


@dataclass
class Client:
    """What an application keeps to itself while a person decides."""

    name: str = "command"
    redirect: str = HERE
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    key: str = field(default_factory=new_key)

    @property
    def csr(self) -> str:
        """The request for its key."""
        return request_for(self.key)

    def asked(self, **changed: str) -> dict[str, str]:
        """Return what it asks for."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        plain = {
            "client": self.name,
            "redirect_uri": self.redirect,
            "code_challenge": base64url.encode(digest),
            "code_challenge_method": "S256",
            "state": "a state",
            "host": "a laptop",
        }
        return plain | ({"key": key_digest(self.csr)} if self.name == "command" else {}) | changed


@pytest.fixture
def exchange(peopled: World) -> Exchange:
    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        ca = peopled.lab.authority.ca_pem
        with anonymous_client(peopled.login_url, ca_pem=ca, trust_domain=DOMAIN, expect="identity") as http:
            answer: dict[str, Any] = strict_json(call(http.post(path, json=body)).content)
            return answer

    return post


def granted(surfer: Surfer, client: Client) -> str:
    """Allow what a client asks for; return the code it gets."""
    form = {"csrf": surfer.csrf(), "verdict": "allow"}
    answer = surfer.http.post("/authorize", params=client.asked(), data=form)
    assert answer.status_code == 303, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == client.redirect
    assert parse_qs(back.query)["state"] == ["a state"]
    return parse_qs(back.query)["code"][0]


def redeemed(client: Client, issued: str, **changed: str) -> dict[str, str]:
    """Return what a client redeems a code with."""
    plain = {"code": issued, "verifier": client.verifier, "redirect_uri": client.redirect, "csr": client.csr}
    return plain | changed


def test_the_command_gets_a_certificate_for_the_key_it_named(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    shown: list[str] = []

    def browse(address: str) -> None:
        shown.append(surfer.http.get(address).text)
        answer = surfer.http.post(address, data={"csrf": surfer.csrf(), "verdict": "allow"})
        threading.Thread(target=httpx.get, args=(answer.headers["location"],)).start()

    key, certificate = by_redirect(peopled.people_origin, exchange, browse)
    assert Certified.read(key, certificate).spiffe_id.person == peopled.people["dana"].person
    assert "Log in the command?" in shown[0]


def test_the_command_gets_nothing_when_the_person_refuses(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))

    def browse(address: str) -> None:
        answer = surfer.http.post(address, data={"csrf": surfer.csrf(), "verdict": "refuse"})
        threading.Thread(target=httpx.get, args=(answer.headers["location"],)).start()

    with pytest.raises(LoginDenied):
        by_redirect(peopled.people_origin, exchange, browse)


def test_a_machine_is_logged_in_when_a_person_confirms_its_code(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    codes: list[str] = []

    def confirm(_: float) -> None:
        page = surfer.http.get("/device", params={"code": codes[0]})
        assert codes[0] in page.text
        assert "127.0.0.1" in page.text
        form = {"csrf": surfer.csrf(), "code": codes[0], "verdict": "allow"}
        assert surfer.http.post("/device", data=form).status_code == 200

    key, certificate = by_device(exchange, lambda _, code: codes.append(code), pause=confirm)
    assert Certified.read(key, certificate).spiffe_id.person == peopled.people["dana"].person


def test_a_machine_that_is_refused_gets_nothing(peopled: World, surfer: Surfer, exchange: Exchange) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    codes: list[str] = []

    def refuse(_: float) -> None:
        form = {"csrf": surfer.csrf(), "code": codes[0], "verdict": "refuse"}
        surfer.http.post("/device", data=form)

    with pytest.raises(OneTimeCodeRefused):
        by_device(exchange, lambda _, code: codes.append(code), pause=refuse)


def test_a_confirmed_machine_collects_once_and_only_for_the_key_that_was_shown(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client, thief = Client(), Client()
    given = exchange("/v1/login/device", {"key": key_digest(client.csr), "host": ""})
    form = {"csrf": surfer.csrf(), "code": given["code"], "verdict": "allow"}
    surfer.http.post("/device", data=form)
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/device/certificate", {"device": given["device"], "csr": thief.csr})
    assert exchange("/v1/login/device/certificate", {"device": given["device"], "csr": client.csr})
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/device/certificate", {"device": given["device"], "csr": client.csr})
    assert surfer.http.post("/device", data=form).status_code == 401, "and its code is spent"


@pytest.mark.parametrize(
    "changed",
    [
        {"verifier": "v" * 43},
        {"redirect_uri": "http://127.0.0.1:5001/signed-in"},
        {"csr": request_for(new_key())},
        {"code": "_" * 43},
    ],
    ids=["wrong verifier", "wrong redirect", "another key", "another code"],
)
def test_a_code_is_refused_to_whoever_cannot_prove_they_asked(
    peopled: World,
    surfer: Surfer,
    exchange: Exchange,
    changed: dict[str, str],
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client = Client()
    code = granted(surfer, client)
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/code", redeemed(client, code, **changed))
    honest = Client()
    assert exchange("/v1/login/code", redeemed(honest, granted(surfer, honest)))["certificate"]


def test_a_code_works_once(peopled: World, surfer: Surfer, exchange: Exchange) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client = Client()
    code = granted(surfer, client)
    exchange("/v1/login/code", redeemed(client, code))
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/code", redeemed(client, code))


def test_a_code_is_spent_by_a_failed_try_too(peopled: World, surfer: Surfer, exchange: Exchange) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client = Client()
    code = granted(surfer, client)
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/code", redeemed(client, code, verifier="v" * 43))
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/code", redeemed(client, code))


def test_codes_end_after_a_minute() -> None:
    now = [0.0]
    codes = Codes(lambda: now[0])
    wish = Wish.of(method="S256", redirects={}, **_terms(Client().asked()))
    session = World.__new__(World)  # never looked at: any session will do
    code, late = codes.give(wish, session), codes.give(wish, session)  # type: ignore[arg-type]
    terms = {"client": "command", "redirect": HERE}

    def redeem(code: str) -> Granted:
        return codes.redeem(code, verifier="v", **terms)

    now[0] = LIFETIME_SECONDS
    for each in (code, late):
        with pytest.raises(OneTimeCodeRefused):
            redeem(each)


def test_device_codes_end_after_ten_minutes() -> None:
    now = [0.0]
    devices = Devices(lambda: now[0])
    _, asking = devices.ask("0" * 64, "", "")
    assert devices.shown(asking.words.lower()) == asking
    now[0] = 600
    with pytest.raises(OneTimeCodeRefused):
        devices.shown(asking.words)


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/signed-in"},
        {"redirect_uri": "http://127.0.0.1:5000/elsewhere"},
        {"redirect_uri": "http://127.0.0.1:5000@evil.example/signed-in"},
        {"redirect_uri": "http://localhost:5000/signed-in"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"key": ""},
        {"client": "registry"},
        {"client": "ledger", "key": "", "redirect_uri": REGISTRY},
        {"state": ""},
    ],
    ids=str,
)
def test_what_is_asked_wrongly_is_shown_and_never_sent_anywhere(
    peopled: World, surfer: Surfer, changed: dict[str, str]
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    answer = surfer.http.get("/authorize", params=Client().asked(**changed))
    assert answer.status_code in {400, 422}
    assert "location" not in answer.headers
    assert surfer.http.get("/authorize", params=Client().asked()).status_code == 200


def test_a_form_of_another_session_grants_nothing(peopled: World, surfer: Surfer) -> None:
    """Nobody is made to let somebody else's machine in: the page's token belongs to one session."""
    surfer.sign_in(peopled.browser_passkey("dana"))
    other = peopled.surfer()
    other.sign_in(peopled.browser_passkey("amir"))
    form = {"csrf": other.csrf(), "verdict": "allow"}
    assert surfer.http.post("/authorize", params=Client().asked(), data=form).status_code == 403
    other.close()


def test_a_passkey_revoked_in_between_gets_nothing(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client = Client()
    code = granted(surfer, client)
    peopled.revoke(f"person/{peopled.people['dana'].person}")
    with pytest.raises(OneTimeCodeRefused):
        exchange("/v1/login/code", redeemed(client, code))


def aged(peopled: World, surfer: Surfer, seconds: float) -> None:
    """Put a session of dana's into a browser, whose passkey was used some seconds ago."""
    passkey = peopled.browser_passkey("dana")
    sessions = peopled.identity.site.sessions
    at = time.time() - seconds
    token, _ = sessions.begin(PersonId(passkey.person), passkey.credential_id, authenticated_at=at)
    surfer.http.cookies.set(COOKIE, token)


@pytest.mark.parametrize("page", ["/authorize", "/device"])
def test_who_signed_in_a_while_ago_signs_in_again_before_a_certificate(
    peopled: World, surfer: Surfer, page: str
) -> None:
    """A certificate's beginning is taken for the sign-in: a session that is hours old must not make a new one."""
    aged(peopled, surfer, TO_DECIDE_SECONDS + 1)
    asked = Client().asked() if page == "/authorize" else {}
    answer = surfer.http.get(page, params=asked)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    form = {"csrf": surfer.csrf(), "code": "XXXX-XXXX", "verdict": "allow"}
    assert surfer.http.post(page, params=asked, data=form).status_code == 401
    refused = surfer.http.post("/authorize", params=Client().asked(), data=form | {"verdict": "refuse"})
    assert "error=access_denied" in refused.headers["location"]


def test_a_service_is_told_when_the_passkey_was_used_however_long_ago(peopled: World, surfer: Surfer) -> None:
    aged(peopled, surfer, TO_DECIDE_SECONDS + 1)
    answer = surfer.http.get("/authorize", params=Client("registry", REGISTRY).asked())
    assert answer.headers["location"].startswith(f"{REGISTRY}?code=")


def test_a_machine_that_was_confirmed_collects_soon_or_never(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    client = Client()
    given = exchange("/v1/login/device", {"key": key_digest(client.csr), "host": ""})
    form = {"csrf": surfer.csrf(), "code": given["code"], "verdict": "allow"}
    assert surfer.http.post("/device", data=form).status_code == 200
    authorizing = peopled.identity.authorizing
    late = replace(authorizing, clock=lambda: time.time() + TO_COLLECT_SECONDS + 1)
    with pytest.raises(OneTimeCodeRefused):
        late.certificate_for_device(given["device"], client.csr)


def test_a_service_learns_who_signed_in_and_only_the_service_that_asked(
    peopled: World, surfer: Surfer, exchange: Exchange
) -> None:
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    client = Client("registry", REGISTRY)

    def code() -> str:
        answer = surfer.http.get("/authorize", params=client.asked())
        assert answer.headers["location"].startswith(f"{REGISTRY}?")
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def redeem(service: str, code: str) -> httpx.Response:
        workload = peopled.lab.workload(f"/svc/core/{service}")
        body = {name: value for name, value in redeemed(client, code).items() if name != "csr"}
        with workload.client(peopled.url, expect="identity") as http:
            return http.post("/v1/codes/redeem", json=body)

    said = redeem("registry", code()).json()
    assert (said["person"], said["credential_id"]) == (passkey.person, passkey.credential_id)
    assert redeem("serving", code()).status_code == 401
    with pytest.raises(Unauthenticated):
        exchange("/v1/login/code", redeemed(client, code()))
    again = code()
    assert [redeem("registry", again).status_code for _ in range(2)] == [200, 401]


def _terms(asked: dict[str, str]) -> dict[str, str]:
    renamed = {"redirect_uri": "redirect", "code_challenge": "challenge"}
    return {renamed.get(k, k): v for k, v in asked.items() if k != "code_challenge_method"}
