"""Logging in as a person of a demonstration: the software passkey in the home signs identity's challenge."""

from __future__ import annotations

from assay.client.platform import Platform
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.login import login
from assay.identity.person import PersonIdentity


def passkey_of(platform: Platform, name: str) -> SoftwareAuthenticator:
    """Return the software passkey `assay init` made for a person; raises NotFound when there is none."""
    return SoftwareAuthenticator.load(platform.person(name) / "authenticator.json")


def log_in(platform: Platform, name: str) -> PersonIdentity:
    """Trade a key made here for a one-hour certificate, and remember who logged in last."""
    identity = login(
        passkey_of(platform, name),
        login_url=platform.urls["login"],
        ca_path=platform.ca,
        trust_domain=platform.trust_domain,
        folder=platform.person(name),
    )
    (platform.home / "people" / "last").write_text(name)
    return identity
