"""Logging in: with the software passkey of a demonstration's person, or through a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assay.client.platform import Platform
from assay.contracts import strict_json
from assay.errors import Forbidden, SignatureInvalid
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.browser import Exchange, by_device, by_redirect
from assay.identity.certificates import Certified
from assay.identity.holder import anonymous_client
from assay.identity.login import login
from assay.identity.person import PersonIdentity
from assay.ledger import Root
from assay.web.client import call


def passkey_of(platform: Platform, name: str) -> SoftwareAuthenticator:
    """Return the software passkey `assay init` made for a person; raises NotFound when there is none."""
    return SoftwareAuthenticator.load(platform.person(name) / "authenticator.json")


def log_in(platform: Platform, name: str) -> PersonIdentity:
    """Trade a key made here for a one-hour certificate, and remember who logged in last.

    Raises:
        Forbidden: the root is no demonstration: people log in through a browser.
    """
    passkey = passkey_of(platform, name)
    if not Root.load(platform.root).demonstration:
        raise Forbidden("--as is for demonstrations only", fix="run `assay login`: it opens a browser")
    identity = login(
        passkey,
        login_url=platform.urls["login"],
        ca_path=platform.ca,
        trust_domain=platform.trust_domain,
        folder=platform.person(name),
    )
    _remember(platform, name)
    return identity


def log_in_with_browser(platform: Platform, show: Callable[[str], None]) -> PersonIdentity:
    """Have the browser on this machine grant a certificate; `show(address)` opens the page."""
    with _exchange(platform) as exchange:
        return _written(platform, *by_redirect(platform.urls["people"], exchange, show))


def log_in_with_device(platform: Platform, show: Callable[[str, str], None]) -> PersonIdentity:
    """Have a browser anywhere confirm this machine; `show(address, code)` tells the person where and what."""
    with _exchange(platform) as exchange:
        return _written(platform, *by_device(exchange, show))


@contextmanager
def _exchange(platform: Platform) -> Iterator[Exchange]:
    ca_pem = platform.ca.read_text(encoding="utf-8")
    domain, url = platform.trust_domain, platform.urls["login"]
    with anonymous_client(url, ca_pem=ca_pem, trust_domain=domain, expect="identity") as http:

        def exchange(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = strict_json(call(http.post(path, json=body)).content)
            return answer

        yield exchange


def _written(platform: Platform, key: str, certificate: str) -> PersonIdentity:
    """Keep a certificate under the person's opaque id: who came back is known by it alone."""
    person = Certified.read(key, certificate).spiffe_id.person
    if person is None:
        raise SignatureInvalid("identity certified no person")
    ca_pem = platform.ca.read_text(encoding="utf-8")
    identity = PersonIdentity.write(platform.person(person), key, certificate, ca_pem)
    _remember(platform, person)
    return identity


def _remember(platform: Platform, name: str) -> None:
    (platform.home / "people").mkdir(mode=0o700, exist_ok=True)
    (platform.home / "people" / "last").write_text(name)
