"""The real ledger in process: a demonstration root with software passkeys, keys as Vault would hold them, a log.

house = House(tmp_path)              founders "p-ada" and "p-grace" are administrators
with house.open() as log:            genesis is written on the first opening
    house.found(log)          (with `witnesses` only a `watched(log)` log publishes checkpoints)
    registry = house.client(log, "/svc/core/registry")       a LedgerClient over the real application
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from assay.contracts import Assertion, CredentialBound, Environment, Fact, FactKind, SpiffeId
from assay.database import engine
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, policy_fact, role_fact
from assay.identity.statements import asserted
from assay.ledger import (
    CheckpointMemory,
    FactSigner,
    LedgerClient,
    Root,
    SignerEntry,
    keyid_of,
    root_fact,
    root_payload,
)
from assay.ledger.cosignature import Witness
from assay.ledger.root import root_document
from assay.policy import OpaWasm, revision_of
from assay.telemetry import tracer
from assay.web.app import build_app
from services.ledger.adapters.search_index import SqlIndex
from services.ledger.api import routes, search_routes
from services.ledger.log import Log
from services.ledger.policy import RootDecidesAppends
from services.ledger.searching import Searching
from services.ledger.store import open_store
from services.ledger.usecases import LedgerUses
from services.witness.adapters.folder import Folder as WitnessFolder
from services.witness.adapters.ledger import LedgerHttp
from services.witness.usecases import Following
from services.witness.witnessing import Witnessing
from tests.support.asgi import As, Edge, Named, Through
from tests.support.policy import Author

DOMAIN: Final = "assay.demo"
ORIGIN: Final = "https://localhost:8443"
TIME: Final = "2026-01-02T03:04:05Z"
WASM: Final = Path(__file__).parents[2] / "infra" / "opa" / "policy.wasm"
SAYS: Final = {
    "ledger": ("root",),
    "identity": ("credential", "role", "policy"),
    "registry": ("version", "evidence", "approval", "rejection", "withdrawal", "delegation", "revocation"),
    "training": ("run",),
}


class Keys:
    """Transit keys: `log` is Ed25519, every other one ECDSA P-256, made when first asked for."""

    def __init__(self) -> None:
        self._keys: dict[str, ec.EllipticCurvePrivateKey | Ed25519PrivateKey] = {}

    def public_key(self, key: str) -> str:
        """Return the public half, PEM."""
        public = self._key(key).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, key: str, data: bytes) -> bytes:
        """Sign: DER for P-256, 64 raw bytes for Ed25519."""
        private = self._key(key)
        if isinstance(private, Ed25519PrivateKey):
            return private.sign(data)
        return private.sign(data, ec.ECDSA(hashes.SHA256()))

    def rotate(self, key: str) -> None:
        """Make a new version."""
        del self._keys[key]

    def _key(self, key: str) -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
        if key not in self._keys:
            made = Ed25519PrivateKey.generate() if key == "log" else ec.generate_private_key(ec.SECP256R1())
            self._keys[key] = made
        return self._keys[key]


class House:
    """A root, its people and its keys; the store is `ledger.db` in the folder, unless its address is given."""

    def __init__(
        self,
        folder: Path,
        *,
        keys: Keys | None = None,
        expires: datetime | None = None,
        url: str | None = None,
        witnesses: int = 0,
        quorum: int | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.witnesses = [WitnessFolder.make(folder / f"witness-{n}") for n in range(witnesses)]
        self.quorum = witnesses if quorum is None else quorum
        self.url = url or f"sqlite:///{folder / 'ledger.db'}"
        self.keys = keys or Keys()
        self.signer = FactSigner(self.keys)
        self.author = Author()
        self.people: dict[str, SoftwareAuthenticator] = {}
        for person in ("p-ada", "p-grace", "p-amir", "p-bea"):
            self.enrol(person)
        self.expires = expires or datetime.now(UTC) + timedelta(days=1)
        self.root = Root.parse(self.root_json(("p-ada", "p-grace")))

    def enrol(self, person: str) -> None:
        """Make a software passkey; nobody knows of it yet."""
        path = self.folder / f"{person}.json"
        self.people[person] = SoftwareAuthenticator.create(person, "localhost", ORIGIN, path)

    def root_json(self, said_by: Sequence[str], **changes: Any) -> bytes:  # noqa: ANN401 - JSON members
        """Return a root.json asserted by these people."""
        payload = {**self.payload(), **changes}
        return root_document(payload, [self.people[person].assert_(payload) for person in said_by])

    def payload(self) -> dict[str, Any]:
        """Return what the founders assert."""
        return root_payload(
            trust_domain=DOMAIN,
            demonstration=True,
            rp_id="localhost",
            origins=[ORIGIN],
            threshold=2,
            expires=self.expires,
            admins=[self.credential("p-ada"), self.credential("p-grace")],
            signers=self.signers(),
            log_origin=f"{DOMAIN}/ledger",
            log_public_key=self.keys.public_key("log"),
            services={"grant": self.keys.public_key("grant"), "policy": self.author.public_pem},
            witnesses=[Witness(f"witness-{n}", one.public_key()) for n, one in enumerate(self.witnesses)],
            quorum=self.quorum,
        )

    def signers(self) -> list[SignerEntry]:
        """Return who may say what."""
        listed = [
            self._entry(FactKind(kind), f"/svc/core/{service}", f"fact-{kind}")
            for service, kinds in SAYS.items()
            for kind in kinds
        ]
        for environment in (Environment.DEV, Environment.PROD):
            one = (environment,)
            listed += [
                self._entry(FactKind.ALIAS, "/svc/core/registry", f"fact-alias-{environment}", one),
                self._entry(FactKind.ROLLOUT, "/svc/core/serving", f"fact-rollout-{environment}", one),
                self._entry(
                    FactKind.JOURNAL, f"/svc/{environment}/predictor/*", f"fact-journal-{environment}", one
                ),
            ]
        listed.append(self._entry(FactKind.JOURNAL, "/svc/core/registry", "fact-journal-core"))
        return listed

    def credential(self, person: str) -> CredentialBound:
        """Return a person's passkey as the root lists it."""
        return CredentialBound(
            person=person, software=True, assertions=(), **self.people[person].credential._asdict()
        )

    def said_by(self, fact: Fact, *people: str) -> list[Assertion]:
        """Have people assert what a credential, role or policy fact says."""
        return [self.people[person].assert_(asserted(fact, DOMAIN)) for person in people]

    def credential_fact(self, person: str, *said_by: str, previous: str | None = None) -> Fact:
        """Bind a person's passkey."""
        return self._administered(
            lambda said: credential_fact(
                person=person,
                software=True,
                tenant="demo",
                time=TIME,
                previous=previous,
                assertions=said,
                **self.people[person].credential._asdict(),
            ),
            said_by,
        )

    def role_fact(
        self,
        person: str,
        role: str,
        *said_by: str,
        ended: bool = False,
        previous: str | None = None,
        tenant: str = "demo",
    ) -> Fact:
        """Grant or end a role in a tenant."""
        return self._administered(
            lambda said: role_fact(
                person=person,
                role=role,
                ended=ended,
                tenant=tenant,
                time=TIME,
                previous=previous,
                assertions=said,
            ),
            said_by,
        )

    def policy_fact(self, *said_by: str) -> Fact:
        """Activate the policy that is checked in."""
        return self._administered(
            lambda said: policy_fact(
                revision=revision_of(WASM),
                bundle=self.author.signed().digest,
                preview="0" * 64,
                tenant="demo",
                time=TIME,
                assertions=said,
            ),
            said_by,
        )

    def open(self, **options: Any) -> Log:  # noqa: ANN401 - `open_store`'s
        """Open the store."""
        return open_store(self.url, self.root, lambda data: self.keys.sign("log", data), **options)

    def opening_facts(self) -> list[Fact]:
        """Return entry 0 and the facts about people and policy that follow it."""
        both = ("p-ada", "p-grace")
        return [
            root_fact(self.root, time=TIME),
            *(self.credential_fact(person, *both) for person in self.people),
            *(self.role_fact(person, "administrator", *both) for person in both),
            *(self.role_fact(person, "approver", *both) for person in ("p-amir", "p-bea")),
            self.policy_fact(*both),
        ]

    def found(self, log: Log) -> None:
        """Write the opening facts."""
        for fact in self.opening_facts():
            log.append(self.signer.sign(fact))

    def app(self, log: Log) -> ASGIApp:
        """Return the real application over a log."""
        edge = Edge(
            Named(SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/ledger")),
            self.root,
            log,
            RootDecidesAppends(OpaWasm(WASM, expected=log.policy_revision)),
            tracer("ledger", None),
        )
        return build_app(
            edge,
            routes(LedgerUses(log)),
            search_routes(Searching(log, SqlIndex(engine(f"sqlite:///{self.folder}/search.db")))),
            title="ledger",
        )

    @contextmanager
    def http(self, log: Log, path: str) -> Iterator[httpx.Client]:
        """Connect as a peer of this identity."""
        peer = As(self.app(log), SpiffeId.parse(f"spiffe://{DOMAIN}{path}"))
        with (
            TestClient(peer) as client,
            httpx.Client(transport=Through(client), base_url="https://ledger", trust_env=False) as http,
        ):
            yield http

    @contextmanager
    def client(self, log: Log, path: str, memory: CheckpointMemory | None = None) -> Iterator[LedgerClient]:
        """Be a client of the ledger with this identity."""
        with self.http(log, path) as http:
            yield LedgerClient(http, self.root, memory or CheckpointMemory(), self.signer)

    @contextmanager
    def witness(self, log: Log, n: int = 0, **options: Any) -> Iterator[Witnessing]:  # noqa: ANN401 - its own
        """Be the real witness number n of a log; it looks when its `step` is called."""
        with self.http(log, "/svc/core/witness") as http:
            kept, ledger = WitnessFolder(self.folder / f"witness-{n}"), LedgerHttp(http)
            yield Witnessing(f"witness-{n}", self.root, kept, ledger, **{"lease_seconds": 60.0, **options})

    @contextmanager
    def watched(self, log: Log, *numbers: int) -> Iterator[list[Following]]:
        """Let witnesses (all, or those numbered) follow a log in threads of their own."""
        with ExitStack() as stack:
            found = []
            for n in numbers or range(len(self.witnesses)):
                following = Following(stack.enter_context(self.witness(log, n)), lambda *_: None)
                stack.callback(following.close)
                following.start()
                found.append(following)
            yield found

    def _administered(self, made: Callable[[Sequence[Assertion]], Fact], said_by: Sequence[str]) -> Fact:
        return made(self.said_by(made(()), *said_by))

    def _entry(
        self,
        kind: FactKind,
        path: str,
        key: str,
        environments: tuple[Environment, ...] | None = None,
        until: int | None = None,
    ) -> SignerEntry:
        pem = self.keys.public_key(key)
        identity = f"spiffe://{DOMAIN}{path}"
        return SignerEntry(kind, environments, identity, keyid_of(pem), pem, until=until)


def revocation(key: str, *, ended: bool = False, previous: str | None = None) -> Fact:
    """Return the fact that revokes a digest, or ends that."""
    return Fact(
        kind=FactKind.REVOCATION,
        about=f"revocation/{key}",
        tenant="demo",
        time=TIME,
        body={"revokes": key, "what": "fact", "reason": "a drill", "by": "p-ada", "ended": ended},
        previous=previous,
    )


def run(name: str, *, time: str = TIME, previous: str | None = None) -> Fact:
    """Return a small fact about a run."""
    return Fact(
        kind=FactKind.RUN, about=f"run/{name}", tenant="demo", time=time, body={"n": 1}, previous=previous
    )


def journal(identity: str, environment: Environment | None) -> Fact:
    """Return a journal batch of an identity, such as `/svc/prod/predictor/credit`."""
    return Fact(
        kind=FactKind.JOURNAL,
        about=f"journal{identity}",
        tenant="demo",
        time=TIME,
        environment=environment,
        body={"identity": f"spiffe://{DOMAIN}{identity}", "sequence": 0, "count": 1, "root": "0" * 64},
    )
