"""Joining identity's parts: the service's application, and the login listener's."""

from __future__ import annotations

import time

from fastapi import FastAPI

from assay.policy.shelf import Shelf, policy_key
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.server import Listener
from services.identity.adapters.people import SqlNames
from services.identity.api import administration_routes, login_routes, people_routes, policy_routes
from services.identity.challenges import Challenges
from services.identity.policies import Policies
from services.identity.settings import IdentitySettings
from services.identity.usecases import Administration, Granting, People, SigningIn


def build(parts: Parts, settings: IdentitySettings) -> FastAPI:
    """Return the service's application: people, grants, administration."""
    names = SqlNames(parts.database())
    administration = Administration(parts.root, parts.follower, parts.ledger)
    shelf = Shelf(settings.policy_bundles, policy_key(parts.root.services))
    policies = Policies(parts.root, parts.follower, shelf)
    return build_app(
        parts,
        people_routes(
            People(parts.follower, names),
            Granting(parts.vault, parts.identity.spiffe_id, time.time),
            trust_domain=settings.trust_domain,
            longest=settings.longest_grant_seconds,
        ),
        administration_routes(administration, parts.follower.tenant),
        policy_routes(policies, administration, parts.follower.tenant),
        title="Assay identity",
    )


def login_listener(parts: Parts, settings: IdentitySettings) -> Listener:
    """Return the listener without client certificates, on which nothing but the login exchange stands."""
    signing_in = SigningIn(
        root=parts.root,
        followed=parts.follower,
        names=SqlNames(parts.database()),
        vault=parts.vault,
        challenges=Challenges(settings.trust_domain, time.time),
        certificate_seconds=settings.person_certificate_seconds,
    )
    app = build_app(parts, login_routes(signing_in), title="Assay login", shows_journal=False)
    return Listener(
        "login", app, settings.login_port, parts.identity.server_context(client_certificate=False)
    )
