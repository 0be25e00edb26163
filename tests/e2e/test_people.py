"""Somebody new on the whole platform: invited, signed in with a passkey, logged in through the browser, gone again."""

from __future__ import annotations

import threading
import time
from urllib.parse import urljoin

import httpx
import pytest

from assay.client import Platform, Session, connect
from assay.client.sign_in import log_in, log_in_with_browser, passkey_of
from assay.errors import Forbidden
from assay_laptop.platform.addresses import url
from tests.conftest import Running
from tests.support.passkeys import Passkey
from tests.support.surfer import Surfer


def enrolled(ada: Session, name: str) -> tuple[Surfer, Passkey]:
    """Invite somebody, make their passkey, and have both founders sign it."""
    platform = ada.platform
    invited = ada.people.invite(name)
    surfer = Surfer(platform.urls["people"], platform.ca.read_text())
    passkey = Passkey(invited["person"], platform.urls["people"])
    token = {"token": invited["link"].partition("=")[2]}
    challenge = surfer.http.post("/enrol/options", data=token).json()["challenge"]
    assert surfer.http.post("/enrol", data=passkey.registers(challenge) | token).status_code == 200
    assert surfer.sign_in(passkey).status_code == 401
    (waiting,) = [one for one in ada.people.pending() if one["statement"]["person"] == passkey.person]
    founders = [passkey_of(platform, each) for each in ("ada", "grace")]
    assert ada.people.sign(waiting["proposal"], founders)["fact"]
    assert surfer.sign_in(passkey).status_code == 303
    return surfer, passkey


def registry_pages(running: Running) -> str:
    """Return where the registry shows its pages."""
    return url(running.platform.ports, "registry-pages")


def seen(surfer: Surfer, address: str) -> httpx.Response:
    """Go on wherever each answer sends the browser, through identity and back."""
    for _ in range(6):
        answer = surfer.http.get(address)
        if answer.status_code != 303:
            return answer
        address = urljoin(address, answer.headers["location"])
    raise AssertionError(f"the pages send a browser around in circles: {address}")


def until_allowed(surfer: Surfer, address: str) -> httpx.Response:
    """Ask again until the registry, too, has heard of a new role."""
    for _ in range(100):
        answer = seen(surfer, address)
        if answer.status_code != 403:
            break
        time.sleep(0.1)
    return answer


def test_somebody_new_is_enrolled_logs_in_through_a_browser_and_leaves(running: Running) -> None:
    home, mlflow = running.platform.home.path, url(running.platform.ports, "tracking-pages")
    log_in(Platform.load(home), "ada")  # roles take somebody who signed in lately
    with connect(home, as_="ada") as ada:
        surfer, passkey = enrolled(ada, "eve")
        assert "eve" in surfer.http.get("/").text
        founders = [passkey_of(ada.platform, each) for each in ("ada", "grace")]

        def browse(address: str) -> None:
            answer = surfer.http.post(address, data={"csrf": surfer.csrf(), "verdict": "allow"})
            threading.Thread(target=httpx.get, args=(answer.headers["location"],)).start()

        last = home / "people" / "last"
        before = last.read_text()
        identity = log_in_with_browser(ada.platform, browse)
        last.write_text(before)  # who logged in last is the other tests' own
        assert identity.person == passkey.person
        with connect(home, as_=passkey.person) as eve:
            with pytest.raises(Forbidden):
                eve.models.version("credit-default", 1)
            ada.people.change_role(passkey.person, "data-scientist", founders)
            assert eve.people.all()
        shown = until_allowed(surfer, f"{registry_pages(running)}/models/credit-default/1")
        assert all(words in shown.text for words in ("Evidence", "ROC curve", "Lineage"))
        until_allowed(surfer, f"{mlflow}/tracking/")
        read = surfer.http.get(f"{mlflow}/tracking/ajax-api/2.0/mlflow/registered-models/search").json()
        assert "credit-default" in [model["name"] for model in read["registered_models"]]
        # Names are no facts: a test that deleted identity's database may have lost them.
        ada.service("identity").put(f"/v1/people/{ada.identity.person}", {"name": "ada"})
        administrator, own = enrolled(ada, "ada")
        page = f"/people/{passkey.person}"
        assert administrator.http.get(page).status_code == 200
        gone = administrator.http.post(f"{page}/leave", data={"csrf": administrator.csrf()})
        assert (gone.status_code, own.person) == (303, ada.identity.person)
        assert surfer.http.get("/").status_code == 303
        with connect(home, as_=passkey.person) as eve, pytest.raises(Forbidden):
            eve.people.all()
        for each in (surfer, administrator):
            each.close()
