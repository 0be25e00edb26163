"""Joining identity's parts once, for its three listeners: services, the login exchange, people."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from fastapi import FastAPI

from assay.pages import Attempts, Entry, PageRoutes, Sessions, Site, build_pages
from assay.pages.signing import sign_out_pages
from assay.policy.shelf import Shelf, policy_author
from assay.web.app import build_app
from assay.web.parts import Parts
from assay.web.server import Listener
from services.identity.adapters.drafts import SqlDrafts
from services.identity.adapters.people import SqlNames
from services.identity.api import (
    administration_routes,
    enrolment_routes,
    login_routes,
    next_root_routes,
    people_routes,
    policy_routes,
    redeeming_routes,
)
from services.identity.authorizing import Authorizing
from services.identity.challenges import Challenges
from services.identity.codes import Codes
from services.identity.devices import Devices
from services.identity.leaving import Leaving
from services.identity.lending import Lending
from services.identity.next_root import Successions
from services.identity.passkeys import Passkeys
from services.identity.policies import Policies
from services.identity.proposals import Enrolment, Proposals
from services.identity.settings import IdentitySettings
from services.identity.signing_in import SignInPage
from services.identity.ui.authorizing import authorizing_pages
from services.identity.ui.enrolling import enrolling_pages
from services.identity.ui.next_root import next_root_pages
from services.identity.ui.oneself import own_pages
from services.identity.ui.pending import pending_pages
from services.identity.ui.people import Desk, people_pages
from services.identity.ui.signing_in import sign_in_pages
from services.identity.usecases import Administration, Granting, People, SigningIn

ADMINISTRATORS = frozenset({"administrator"})
NAVIGATION = (
    Entry("/", "You"),
    Entry("/sessions", "Sessions"),
    Entry("/people", "People", ADMINISTRATORS),
    Entry("/pending", "Pending", ADMINISTRATORS),
    Entry("/next-root", "Root", ADMINISTRATORS),
)
SIGN_INS_A_MINUTE = 30  # from one address: challenges and attempts
MACHINES_A_MINUTE = 10  # that ask to be confirmed, from one address
CODES_A_MINUTE = 10  # of machines, typed by one person


class Identity:
    """The service: what its listeners share is made here once."""

    def __init__(self, parts: Parts, settings: IdentitySettings) -> None:
        self.parts = parts
        self.settings = settings
        database = parts.database()
        self.names = SqlNames(database)
        self.everybody = People(parts.follower, self.names)
        self.passkeys = Passkeys(parts.root, parts.follower)
        self.administration = Administration(parts.root, parts.follower, parts.ledger)
        self.signing_in = SigningIn(
            trust_domain=settings.trust_domain,
            passkeys=self.passkeys,
            names=self.names,
            vault=parts.vault,
            challenges=Challenges.to_log_in(settings.trust_domain, time.time),
            certificate_seconds=settings.person_certificate_seconds,
        )
        drafts = SqlDrafts(database)
        self.proposals = Proposals(self.administration, drafts, time.time)
        self.enrolment = Enrolment(
            self.everybody,
            self.names,
            self.passkeys,
            drafts,
            self.proposals,
            settings.people_origin,
            time.time,
        )
        self.successions = Successions(parts.follower, parts.ledger, drafts, time.time, threading.Lock())
        self.leaving = Leaving(parts.root, parts.follower, parts.ledger, time.time)
        self.authorizing = Authorizing(
            codes=Codes(time.monotonic),
            devices=Devices(time.monotonic),
            signing_in=self.signing_in,
            followed=parts.follower,
            redirects={
                "registry": f"{settings.registry_pages_origin}/signed-in",
                "tracking": f"{settings.tracking_pages_origin}/signed-in",
            },
            clock=time.time,
            lending=Lending(
                parts.vault,
                parts.identity.spiffe_id,
                parts.follower,
                settings.session_longest_seconds,
                time.time,
            ),
        )
        self.site = Site(
            service="identity",
            title="People",
            origin=settings.people_origin,
            templates=Path(__file__).parent / "templates",
            sessions=Sessions(
                idle_seconds=settings.session_idle_seconds, longest_seconds=settings.session_longest_seconds
            ),
            navigation=NAVIGATION,
        )

    def service(self) -> FastAPI:
        """Return the service's application: people, grants, administration; callers have certificates."""
        granting = Granting(self.parts.vault, self.parts.identity.spiffe_id, time.time)
        shelf = Shelf(self.settings.policy_bundles, policy_author(self.parts.root))
        policies = Policies(self.parts.root, self.parts.follower, shelf, self.successions.turn)
        return build_app(
            self.parts,
            people_routes(
                self.everybody,
                granting,
                trust_domain=self.settings.trust_domain,
                longest=self.settings.longest_grant_seconds,
            ),
            administration_routes(self.administration, self.parts.follower.tenant),
            policy_routes(policies, self.administration, self.parts.follower.tenant),
            redeeming_routes(self.authorizing),
            enrolment_routes(self.enrolment, self.proposals),
            next_root_routes(self.successions),
            title="Assay identity",
        )

    def login(self) -> Listener:
        """Return the listener without client certificates, on which nothing but the login exchange stands."""
        asking = Attempts(MACHINES_A_MINUTE, 60)
        routes = login_routes(self.signing_in, self.authorizing, asking, self.site.origin)
        app = build_app(self.parts, routes, title="Assay login", shows_journal=False)
        return self._without_certificates("login", app, self.settings.login_port)

    def people(self) -> Listener:
        """Return the people listener: pages only, for who signed in with a passkey."""
        app = build_pages(self.parts, self.site, sign_out_pages(), *self._pages())
        return self._without_certificates("people", app, self.settings.people_port)

    def _pages(self) -> list[PageRoutes]:
        challenges = Challenges.to_sign_in(self.settings.trust_domain, self.site.origin, time.time)
        entering = SignInPage(self.passkeys, self.names, challenges, self.site.origin)
        desk = Desk(self.everybody, self.passkeys, self.enrolment, self.proposals, self.leaving, self.site)
        return [
            sign_in_pages(
                entering,
                Attempts(SIGN_INS_A_MINUTE, 60),
                self.parts.root.rp_id,
                tuple(self.authorizing.redirects.values()),
            ),
            own_pages(self.passkeys, self.names),
            authorizing_pages(self.authorizing, Attempts(CODES_A_MINUTE, 60)),
            enrolling_pages(self.enrolment, Attempts(SIGN_INS_A_MINUTE, 60)),
            people_pages(desk),
            pending_pages(self.proposals, self.passkeys, self.names),
            next_root_pages(self.successions, self.names, self.parts.root.rp_id),
        ]

    def _without_certificates(self, name: str, app: FastAPI, port: int) -> Listener:
        return Listener(name, app, port, self.parts.identity.server_context(client_certificate=False))


class Joining:
    """Joins the service when its parts are there, and hands out its listeners."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._joined: Identity | None = None

    def service(self, parts: Parts) -> FastAPI:
        """Return the service's application."""
        return self._of(parts).service()

    def others(self, parts: Parts) -> list[Listener]:
        """Return the listeners without client certificates."""
        return [self._of(parts).login(), self._of(parts).people()]

    def _of(self, parts: Parts) -> Identity:
        if self._joined is None:
            self._joined = Identity(parts, self._settings)
        return self._joined
