"""The registry on a loopback port over mutual TLS: the real edge, the real rules, an authority of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from playwright.sync_api import Browser

from assay.contracts import PersonId, SpiffeId
from assay.errors import NotFound, Unavailable
from assay.identity.workload import WorkloadIdentity
from assay.pages import Site
from assay.pages.relying import Relying
from assay.telemetry import tracer
from assay.web.parts import Parts
from assay.web.server import Listener, listening_server
from assay.web.settings import ServiceSettings
from assay_laptop.platform.addresses import free_ports
from services.registry.app import RegistryService
from services.registry.ports import Place
from services.registry.settings import RegistrySettings
from tests.support.browser import Visitor
from tests.support.journals import journaling
from tests.support.passkeys import Passkey
from tests.support.surfer import Surfer
from tests.unit.custody.world import DOMAIN, ORIGIN, World
from tests.unit.identity.authority import Authority
from tests.unit.registry.desk import Desk


class FirstNames:
    """What identity would say people are called: the names of the world's people, as first names are written."""

    def __init__(self, world: World) -> None:
        self._world = world

    def all(self) -> dict[str, str]:
        """See `ports.Names.all`."""
        return {each.person: name.capitalize() for name, each in self._world.people.items()}


class SeenPlaces:
    """What serving would say: the endpoints and receipts the test puts here."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], Place] = {}
        self.receipts: dict[str, dict[str, Any]] = {}
        self.silent = False

    def all(self) -> dict[tuple[str, str], Place]:
        """See `ports.Places.all`."""
        if self.silent:
            raise Unavailable("serving does not answer")
        return self.seen

    def receipt(self, environment: str, endpoint: str, receipt: str) -> dict[str, Any]:
        """See `ports.Places.receipt`."""
        assert (environment, endpoint) in self.seen
        if receipt not in self.receipts:
            raise NotFound(f"there is no receipt {receipt}")
        return self.receipts[receipt]


class Platform:
    """A desk whose registry also listens: to services at `url`, to people at `origin`.

    Facts are said in the world; training's packages lie on its shelves. `settings` are the registry's own.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:  # noqa: ANN401 - any setting
        self.folder = folder
        self._settings = settings
        self.authority = Authority()
        self._resources = ExitStack()
        self.undo: list[Callable[[], object]] = [self._resources.close]
        self.passkeys: dict[str, Passkey] = {}
        (port,) = free_ports(1)
        self.origin = f"https://localhost:{port}"
        self.world = World(folder, origins=(ORIGIN, self.origin))
        self.desk = Desk(self.world, folder)
        self.ca = folder / "ca.pem"
        self.ca.write_text(self.authority.ca_pem)
        identity = self.workload("/svc/core/registry")
        self.service = self._joined(identity)
        self.url = self._serve(self.service.service(), identity.server_context())
        self.places = SeenPlaces()
        relying = Relying(ORIGIN, lambda _body: {})
        self.pages = self.service.pages(FirstNames(self.world), relying, self.places)
        self._serve(self.pages, identity.server_context(client_certificate=False), port)

    def workload(self, path: str, authority: Authority | None = None) -> WorkloadIdentity:
        """Return a certificate of this platform, or of a stranger's authority."""
        spiffe = SpiffeId.parse(f"spiffe://{DOMAIN}{path}")
        identity = WorkloadIdentity.obtain(
            (authority or self.authority).issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=self.authority.ca_pem,
            run_dir=self.folder / f"{path[1:].replace('/', '-')}-{len(self.undo)}",
            renew=False,
        )
        self.undo.append(identity.close)
        return identity

    def person(self, name: str) -> WorkloadIdentity:
        """Return a person's certificate."""
        return self.workload(f"/people/{self.world.person(name)}")

    def client(self, identity: WorkloadIdentity) -> httpx.Client:
        """Return a client that demands the registry's identity."""
        client = identity.client(self.url, expect="registry")
        self.undo.append(client.close)
        return client

    def session(self, name: str) -> tuple[str, str]:
        """Begin a session of a person, as signing in at identity would; return its cookie's name and value."""
        site: Site = self.pages.state.site
        each = self.world.people[name]
        token, _ = site.sessions.begin(PersonId(each.person), each.credential.credential_id)
        return site.cookie, token

    def surfer(self, name: str) -> Surfer:
        """Return a person's browser without a screen, signed in."""
        surfer = Surfer(self.origin, self.authority.ca_pem)
        cookie, token = self.session(name)
        surfer.http.cookies.set(cookie, token)
        self.undo.append(surfer.close)
        return surfer

    def passkey(self, name: str) -> Passkey:
        """Return a person's passkey for a browser: administrators bind it when it is first asked for."""
        if name not in self.passkeys:
            self.passkeys[name] = Passkey(self.world.person(name), self.origin)
            self.world.bind(self.passkeys[name].bound(), by=("ada", "grace"))
        return self.passkeys[name]

    def visitor(self, browser: Browser, name: str, **options: Any) -> Visitor:  # noqa: ANN401 - Playwright's
        """Return a person's window of a real browser, signed in; the caller closes it."""
        visitor = Visitor.of(browser, **options)
        cookie, token = self.session(name)
        one: Any = {"name": cookie, "value": token, "url": self.origin, "secure": True}
        visitor.page.context.add_cookies([one])
        return visitor

    def close(self) -> None:
        """End the server, the clients and the certificates."""
        for undo in reversed(self.undo):
            undo()

    def _joined(self, identity: WorkloadIdentity) -> RegistryService:
        given: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1")
        given |= {"service": "registry", "trust_domain": DOMAIN, "port": 1, "telemetry_dir": None}
        given |= {"pages_port": 1, "registry_pages_origin": self.origin, "people_origin": ORIGIN}
        given |= {
            "database_url": f"sqlite:///{self.folder}/served.db",
            "objects_url": f"file://{self.folder}/objects",
        }
        settings = RegistrySettings(**given | self._settings)
        parts = Parts(
            settings=settings,
            identity=identity,
            vault=self.world.vault,  # type: ignore[arg-type]  # the two calls a registry makes
            root=self.world.root,
            tracer=tracer("registry", None),
            resources=self._resources,
            ledger=self.world.log,
            follower=self.world.follower,
            policy=self.world.policy,
            journaling=journaling(self.folder, identity.spiffe_id),
        )
        return RegistryService(parts, settings, self.desk.runs)

    def _serve(self, app: FastAPI, context: ssl.SSLContext, port: int = 0) -> str:
        bound = socket.create_server(("127.0.0.1", port))
        port = bound.getsockname()[1]
        listens = threading.Event()
        listener = Listener("registry", app, port, context)
        server = listening_server(listener, "127.0.0.1", lambda _: listens.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        self.undo.append(thread.join)
        self.undo.append(lambda: setattr(server, "should_exit", True))
        assert listens.wait(20)
        return f"https://localhost:{port}"
