"""A demonstration's identity service: real root, real admission, real certificates; the log is a list in memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from assay.contracts import (
    CredentialBound,
    Fact,
    FactKind,
    PersonId,
    Revocation,
    SignedFact,
    new_id,
    sha256_hex,
)
from assay.errors import HeadMoved
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, role_fact
from assay.identity.login import login
from assay.identity.person import PersonIdentity
from assay.identity.statements import administrators_needed, asserted
from assay.ledger import Record, Root, SignerEntry, keyid_of, root_payload
from assay.ledger.admission import admit
from assay.ledger.in_force import root_in_force
from assay.ledger.known import Known
from assay.ledger.root import root_document
from assay.ledger.tree import Tree, leaf_hash
from assay.telemetry import tracer
from assay.web.parts import Parts
from assay.web.settings import ServiceSettings
from assay_laptop.platform.addresses import free_ports
from services.identity.app import Identity
from services.identity.settings import IdentitySettings
from tests.integration.identity.lab import AllowListed, Lab
from tests.integration.identity.transit import TransitKey
from tests.support.journals import journaling
from tests.support.passkeys import Passkey
from tests.support.policy import Author
from tests.support.surfer import Surfer
from tests.unit.identity.authority import DOMAIN, Authority

RP, ORIGIN = "localhost", "https://localhost:8443"
PEOPLE = ("ada", "grace", "dana", "amir")
TIME = "2026-01-01T00:00:00Z"
EVERYTHING = (
    "identity/read-people",
    "identity/grant",
    "identity/enrol",
    "identity/bind-credential",
    "identity/change-role",
    "identity/activate-policy",
    "identity/read-policy",
    "identity/own-session",
    "identity/authorize",
    "identity/redeem-code",
    "identity/sign-proposal",
    "identity/revoke",
    "identity/draft-root",
    "identity/say-root",
)


def pem(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    """Return a public key's PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


class MemoryLog:
    """The ledger and its follower in one: facts are signed, admitted by the real rules, and known at once."""

    def __init__(self, root: Root, key: ec.EllipticCurvePrivateKey) -> None:
        self.known = Known(root)
        self.kept: list[Record] = []
        self._key = key
        self._tree = Tree([leaf_hash(b"root")])

    def append(self, fact: Fact) -> Record:
        """Sign, admit and take a fact after its head."""
        if self.known.heads.get(fact.about) != fact.previous:
            raise HeadMoved(f"{fact.about} has moved")
        signature = self._key.sign(SignedFact.pae(fact.payload()), ec.ECDSA(hashes.SHA256()))
        signed = SignedFact(fact, keyid_of(pem(self._key.public_key())), signature)
        record = Record(len(self.kept) + 1, signed)
        admit(self.known, signed, record.index, self._tree.root)
        self._tree.extend([leaf_hash(signed.to_bytes())])
        self.known.apply(record)
        self.kept.append(record)
        return record

    def fresh(self) -> None:
        """Be within the lease, always."""

    def catch_up(self) -> int:
        """Know everything, always."""
        return len(self.kept)

    @property
    def root(self) -> Root:
        """See `Follower`."""
        return self.known.root

    @property
    def tenant(self) -> str:
        """See `Follower`."""
        return self.known.tenant or "demo"

    def owner(self, name: str) -> str | None:
        """See `Follower`."""
        return self.known.owner(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """See `Follower`."""
        return self.known.roles(person, tenant)

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """See `Follower`."""
        return self.known.credential(person, credential_id)

    def revoked(self, digest: str) -> Revocation | None:
        """See `Follower`."""
        return self.known.revoked(digest)

    def policy_revision(self) -> str:
        """See `Follower`."""
        return self.known.policy_revision()

    def record(self, digest: str) -> Record | None:
        """See `Follower`."""
        return next((record for record in self.kept if record.digest == digest), None)

    def head(self, about: str) -> Record | None:
        """See `Follower`."""
        return next((record for record in reversed(self.kept) if record.about == about), None)

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """See `Follower`."""
        return [r for r in self.kept if r.kind is kind and r.about.startswith(about_prefix)]


@dataclass
class PeoplesVault:
    """The two calls identity makes of Vault: certify people, sign grants."""

    authority: Authority
    transit: TransitKey

    def sign_csr(self, role: str, csr_pem: str, *, uri: str, ttl_seconds: int, loopback: bool = True) -> str:
        """Certify as the PKI role `people` does."""
        assert (role, loopback) == ("people", False)
        return self.authority.issue(csr_pem, [uri], seconds=ttl_seconds, loopback=False)

    def ca_pem(self) -> str:
        """The authority."""
        return self.authority.ca_pem

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign a grant."""
        return self.transit.sign(key, data, jws=jws)


@dataclass
class World:
    """The people with their passkeys, and the service with its two listeners."""

    lab: Lab
    folder: Path
    registry_pages: str = "https://localhost:8444"
    tracking_pages: str = "https://localhost:8445"
    people: dict[str, SoftwareAuthenticator] = field(default_factory=dict)
    author: Author = field(default_factory=Author)
    policy: AllowListed = field(default_factory=lambda: AllowListed(*EVERYTHING))

    def __post_init__(self) -> None:
        self.people = {
            name: SoftwareAuthenticator.create(new_id("p"), RP, ORIGIN, self.folder / f"{name}.passkey")
            for name in PEOPLE
        }
        (self.people_port,) = free_ports(1)
        self.people_origin = f"https://localhost:{self.people_port}"
        self.browser_passkeys: dict[str, Passkey] = {}
        self.transit = TransitKey()
        key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._root(key)
        self.log = MemoryLog(self.root, key)
        self.bind("dana")
        self.settings = self._settings()
        parts = self._parts()
        self.identity = Identity(parts, self.settings)
        self.url = self.lab.serve(self.identity.service(), parts.identity)
        self.login_url = self.lab.serve(self.identity.login().app, parts.identity, client_certificate=False)
        self.ca = self.folder / "ca.pem"
        self.ca.write_text(self.lab.authority.ca_pem)

    def bind(self, name: str) -> None:
        """Bind somebody's passkey, said by both administrators."""
        terms = self.credential_terms(name)
        bare = credential_fact(**terms, tenant="demo", time=TIME)
        self.log.append(credential_fact(**terms, tenant="demo", time=TIME, assertions=self.said(bare)))

    def credential_terms(self, name: str) -> dict[str, Any]:
        """Return what binds somebody's passkey."""
        passkey = self.people[name]
        return {"person": passkey.person, **passkey.credential._asdict(), "software": True}

    def serve_people(self) -> str:
        """Serve the people listener; return its origin."""
        listener = self.identity.people()
        workload = self.identity.parts.identity
        self.lab.serve(listener.app, workload, port=self.people_port, client_certificate=False)
        return self.people_origin

    def surfer(self) -> Surfer:
        """Return somebody's browser, without a screen; the caller closes it."""
        return Surfer(self.people_origin, self.lab.authority.ca_pem)

    def browser_passkey(self, name: str) -> Passkey:
        """Return a passkey that somebody's browser holds, bound by both administrators."""
        if name not in self.browser_passkeys:
            passkey = Passkey(self.people[name].person, self.people_origin)
            terms = passkey.bound().model_dump(exclude={"assertions"})
            bare = credential_fact(**terms, tenant="demo", time=TIME)
            self.log.append(credential_fact(**terms, tenant="demo", time=TIME, assertions=self.said(bare)))
            self.identity.names.put(PersonId(passkey.person), name)
            self.browser_passkeys[name] = passkey
        return self.browser_passkeys[name]

    def grant_role(self, name: str, role: str) -> Record:
        """Grant a role, said by as many administrators as it takes."""
        terms: dict[str, Any] = {
            "person": self.people[name].person,
            "role": role,
            "tenant": "demo",
            "time": TIME,
        }
        return self.log.append(role_fact(**terms, assertions=self.said(role_fact(**terms))))

    def said(self, fact: Fact) -> list[Any]:
        """Have the administrators say a fact."""
        statement = asserted(fact, DOMAIN)
        speakers = ("ada", "grace")[: administrators_needed(fact)]
        return [self.people[name].assert_(statement) for name in speakers]

    def revoke(self, what: str) -> None:
        """Make a revocation known (the registry appends it)."""
        digest = sha256_hex(what.encode())
        self.log.known._revoked[digest] = Revocation(revokes=digest, what=what, reason="", by="")

    def log_in(self, name: str) -> PersonIdentity:
        """Log in as the command does."""
        return login(
            self.people[name],
            login_url=self.login_url,
            ca_path=self.ca,
            trust_domain=DOMAIN,
            folder=self.folder / "people" / name,
        )

    def _root(self, key: ec.EllipticCurvePrivateKey) -> Root:
        said = (FactKind.ROOT, FactKind.CREDENTIAL, FactKind.ROLE, FactKind.POLICY, FactKind.REVOCATION)
        public, by = pem(key.public_key()), f"spiffe://{DOMAIN}/svc/core/identity"
        payload = root_payload(
            trust_domain=DOMAIN,
            demonstration=True,
            rp_id=RP,
            origins=[ORIGIN, self.people_origin],
            threshold=2,
            expires=datetime.now(UTC) + timedelta(days=1),
            admins=[
                CredentialBound(**self.credential_terms(name), assertions=()) for name in ("ada", "grace")
            ],
            signers=[SignerEntry(kind, None, by, keyid_of(public), public) for kind in said],
            log_origin="assay.test/log",
            log_public_key=pem(ed25519.Ed25519PrivateKey.generate().public_key()),
            services={"grant": self.transit.public_pem, "policy": self.author.public_pem},
        )
        founders = [self.people[name].assert_(payload) for name in ("ada", "grace")]
        return Root.parse(root_document(payload, founders))

    def _settings(self) -> IdentitySettings:
        given: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1")
        given |= {"service": "identity", "trust_domain": DOMAIN, "host": "127.0.0.1", "login_port": 1}
        given |= {"people_port": self.people_port, "people_origin": self.people_origin}
        given |= {"registry_pages_origin": self.registry_pages, "tracking_pages_origin": self.tracking_pages}
        given |= {"database_url": f"sqlite:///{self.folder}/identity.db", "database_role": ""}
        given |= {"policy_bundles": self.folder / "policy"}
        return IdentitySettings(**given)

    def _parts(self) -> Parts:
        held: dict[str, Any] = {
            "settings": self.settings,
            "identity": self.lab.workload("/svc/core/identity"),
            "vault": PeoplesVault(self.lab.authority, self.transit),
            "root": root_in_force(lambda: self.log.root),
            "tracer": tracer("identity", None),
            "resources": ExitStack(),
            "ledger": self.log,
            "follower": self.log,
            "policy": self.policy,
            "journaling": journaling(self.folder, self.lab.identity.spiffe_id),
        }
        return Parts(**held)
