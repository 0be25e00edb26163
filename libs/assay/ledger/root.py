"""The trust root: who may say what with which key, whom to believe among people, and the log's own key.

`root.json` is a statement asserted by the founding administrators. A `Root` exists only verified: `load` and
`parse` check the founders' assertions against the threshold. Its expiry stops new appends, never old proofs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.contracts import (
    Assertion,
    CredentialBound,
    Environment,
    Fact,
    FactKind,
    SignedFact,
    SpiffeId,
    canonical,
    sha256_hex,
)
from assay.errors import BadRequest, NotFound, SignatureInvalid
from assay.identity.webauthn import verify_assertion
from assay.ledger.cosignature import Authority, Witness
from assay.ledger.errors import KeyReplaced, RootExpired
from assay.ledger.root_json import (
    Founder,
    Payload,
    Signer,
    WitnessKey,
    document_bytes,
    key_digest,
    payload_json,
    read_document,
)


@dataclass(frozen=True)
class SignerEntry:
    """Who may say a kind of fact with which key, in the log interval from `from_index` to before `until`.

    `environments` None means any; `identity` may end in `/*`, which stands for exactly one segment.
    """

    kind: FactKind
    environments: tuple[Environment, ...] | None
    identity: str
    keyid: str
    public_key: str
    from_index: int = 0
    until: int | None = None

    def is_by(self, identity: SpiffeId) -> bool:
        """Say whether a certificate's identity is the one listed."""
        text = str(identity)
        if self.identity.endswith("/*"):
            return text.rpartition("/")[0] == self.identity[:-2]
        return text == self.identity

    def counts_for(self, fact: Fact, trust_domain: str) -> bool:
        """Say whether the entry speaks of this fact's kind, environment and, for a journal, its owner."""
        if fact.kind is not self.kind:
            return False
        if self.environments is not None and fact.environment not in self.environments:
            return False
        return fact.kind is not FactKind.JOURNAL or self._owns(fact.about, trust_domain)

    def counts_at(self, index: int | None) -> bool:
        """Say whether the key counts at a place in the log; without a place, anywhere."""
        return index is None or (self.from_index <= index and (self.until is None or index < self.until))

    def _owns(self, about: str, trust_domain: str) -> bool:
        try:
            return self.is_by(SpiffeId.parse(f"spiffe://{trust_domain}/{about.removeprefix('journal/')}"))
        except BadRequest:
            return False


@dataclass(frozen=True)
class RetiredKey:
    """A key of a service that a next root replaced: it counts for what stands before entry `until`."""

    name: str
    public_key: str
    until: int


@dataclass(frozen=True)
class VerifiedFact(SignedFact):
    """An envelope whose signature was verified by `public_key` (PEM); only `Root.verified` makes one."""

    public_key: str


@dataclass(frozen=True)
class Root:
    """A root.json whose founders' assertions were verified. `services` maps names like `grant` to PEM keys.

    `founders` hold the credentials of the founding administrators (`assertions` empty: the root's own count).
    """

    document: Mapping[str, Any] = field(repr=False)
    trust_domain: str
    demonstration: bool
    rp_id: str
    origins: tuple[str, ...]
    threshold: int
    expires: datetime
    founders: tuple[CredentialBound, ...] = field(repr=False)
    signers: tuple[SignerEntry, ...] = field(repr=False)
    authority: Authority = field(repr=False)
    services: Mapping[str, str] = field(repr=False)
    fingerprint: str
    version: int = 1
    previous: str | None = None  # the fingerprint of the root before it
    retired: tuple[RetiredKey, ...] = field(default=(), repr=False)  # the oldest first

    @property
    def log_origin(self) -> str:
        """The log's name."""
        return self.authority.origin

    @property
    def log_key_pem(self) -> str:
        """The key of the log's own signature on its checkpoints."""
        return self.authority.log_key_pem

    def authority_at(self, size: int) -> Authority:  # noqa: ARG002 - a root alone is one for the whole log
        """Return whose signatures make a checkpoint of this size count."""
        return self.authority

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and verify root.json; raises NotFound, BadRequest or SignatureInvalid."""
        try:
            return cls.parse(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(
                f"there is no trust root at {path}", fix="name one with --trust-root, or run `assay init`"
            ) from error

    @classmethod
    def parse(cls, data: bytes, *, before: Root | None = None) -> Self:
        """Verify the bytes of a root.json; with a root `before` it, that one's founders must say it too.

        Raises:
            BadRequest: it is not one.
            SignatureInvalid: fewer founders than the threshold say it.
        """
        document, raw = read_document(data)
        root = cls._unsaid(document.payload, raw, json.loads(data))
        root.require_founders(document.assertions, canonical(raw), others=before)
        if before is not None:
            before.require_founders(document.assertions, canonical(raw), others=root)
        return root

    @classmethod
    def unsaid(cls, statement: Mapping[str, Any]) -> Self:
        """Read what founders are asked to say. Nobody has to believe it: only `parse` gives a root that counts.

        Raises:
            BadRequest: it is none, or a value is spelled otherwise than ours.
        """
        data = document_bytes(dict(statement), ())
        document, raw = read_document(data)
        return cls._unsaid(document.payload, raw, json.loads(data))

    @classmethod
    def _unsaid(cls, payload: Payload, raw: Mapping[str, Any], document: Mapping[str, Any]) -> Self:
        return cls(
            document=document,
            trust_domain=payload.trust_domain,
            demonstration=payload.demonstration,
            rp_id=payload.rp_id,
            origins=payload.origins,
            threshold=payload.threshold,
            expires=datetime.fromisoformat(payload.expires),
            founders=tuple(CredentialBound(**vars(one), assertions=()) for one in payload.admins),
            signers=tuple(SignerEntry(**vars(one)) for one in payload.signers),
            authority=_authority(payload),
            services=payload.services,
            fingerprint=sha256_hex(canonical(raw)),
            version=payload.version,
            previous=payload.previous,
        )

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a founder's credential."""
        return next(
            (f for f in self.founders if (f.person, f.credential_id) == (person, credential_id)), None
        )

    def verify_person(self, assertion: Assertion, credential: CredentialBound) -> None:
        """Return when the holder said the statement, as this root admits; raises SignatureInvalid."""
        verify_assertion(
            assertion,
            credential,
            rp_id=self.rp_id,
            origins=self.origins,
            demonstration=self.demonstration,
        )

    @cached_property
    def _counting(self) -> frozenset[str]:
        """The ids of the keys that count for what comes next."""
        listed = {one.keyid for one in self.signers if one.until is None}
        others = (*self.services.values(), self.log_key_pem)
        return frozenset(listed | {keyid_of(pem) for pem in others})

    def counts_now(self, public_key_pem: str) -> bool:
        """Say whether a key counts for anything that comes next."""
        return keyid_of(public_key_pem) in self._counting

    def service_key(self, name: str, index: int) -> str:
        """Return the key (PEM) of that name that counts for what entry `index` speaks of."""
        replaced = (one.public_key for one in self.retired if one.name == name and index < one.until)
        return next(replaced, self.services[name])

    def signer_for(self, fact: Fact, keyid: str, index: int | None = None) -> SignerEntry:
        """Return the entry under which a key counts for a fact (at a place in the log, when given).

        Raises:
            SignatureInvalid: the root does not list the key for this kind, environment or owner; KeyReplaced: it
                does, and not for this place.
        """
        listed = [
            one for one in self.signers if one.keyid == keyid and one.counts_for(fact, self.trust_domain)
        ]
        for entry in listed:
            if entry.counts_at(index):
                return entry
        where = f" in {fact.environment}" if fact.environment else ""
        refusal = f"the root does not let key {keyid[:12]} say {fact.kind}{where} about {fact.about}"
        if listed:
            raise KeyReplaced(f"{refusal} at entry {index}")
        raise SignatureInvalid(
            refusal, fix="sign with the key the root lists for this kind of fact, environment and identity"
        )

    def verify(self, signed: SignedFact, index: int | None = None) -> SignerEntry:
        """Return the entry under which an envelope's signature counts; raises SignatureInvalid."""
        entry = self.signer_for(signed.fact, signed.keyid, index)
        if isinstance(signed, VerifiedFact) and signed.public_key == entry.public_key:
            return entry  # the same key over the same bytes: only its place was left to judge
        try:
            _p256(entry.public_key).verify(
                signed.signature, SignedFact.pae(signed.fact.payload()), ec.ECDSA(hashes.SHA256())
            )
        except InvalidSignature as error:
            raise SignatureInvalid(
                f"the envelope of {signed.fact.digest[:12]} is not signed by its key"
            ) from error
        return entry

    def verified(self, signed: SignedFact) -> VerifiedFact:
        """Return an envelope whose signature counts somewhere in the log; raises SignatureInvalid."""
        entry = self.verify(signed)
        return VerifiedFact(signed.fact, signed.keyid, signed.signature, entry.public_key)

    def require_current(self, now: datetime) -> None:
        """Return while new facts may be appended under this root; raises RootExpired."""
        if now >= self.expires:
            raise RootExpired(f"the root of {self.trust_domain} expired {self.expires.isoformat()}")

    def require_founders(
        self, assertions: Iterable[Assertion], payload: bytes, *, others: Root | None
    ) -> None:
        """Demand the threshold of our founders; what only the `others` say is for them to verify."""
        said = set()
        for assertion in assertions:
            credential = self.credential(assertion.person, assertion.credential_id)
            if credential is None and others and others.credential(assertion.person, assertion.credential_id):
                continue
            if credential is None or canonical(assertion.statement) != payload:
                raise SignatureInvalid(
                    f"{assertion.person} does not assert this root with a founder's credential"
                )
            self.verify_person(assertion, credential)
            said.add(assertion.person)
        if len(said) < self.threshold:
            raise SignatureInvalid(f"{len(said)} founders assert this root and {self.threshold} must")


@lru_cache(maxsize=1024)
def keyid_of(public_key_pem: str) -> str:
    """Return SHA-256 of the DER SubjectPublicKeyInfo, hex."""
    return key_digest(public_key_pem)


def root_payload(
    *,
    trust_domain: str,
    demonstration: bool,
    rp_id: str,
    origins: Iterable[str],
    threshold: int,
    expires: datetime,
    admins: Iterable[CredentialBound],
    signers: Iterable[SignerEntry],
    log_origin: str,
    log_public_key: str,
    services: Mapping[str, str],
    witnesses: Iterable[Witness] = (),
    quorum: int = 0,
    version: int = 1,
    previous: str | None = None,
) -> dict[str, Any]:
    """Return the payload of a root: the statement its founders assert; `previous` is a fingerprint."""
    watching = [
        WitnessKey(name=w.name, keyid=keyid_of(w.public_key), public_key=w.public_key) for w in witnesses
    ]
    founders = [Founder(**one.model_dump(exclude={"assertions"})) for one in admins]
    log = {"origin": log_origin, "keyid": keyid_of(log_public_key), "public_key": log_public_key}
    return payload_json(
        Payload.model_validate(
            {
                "type": "assay-root/v1",
                "version": version,
                "previous": previous,
                "trust_domain": trust_domain,
                "demonstration": demonstration,
                "rp_id": rp_id,
                "origins": tuple(origins),
                "threshold": threshold,
                "expires": expires.isoformat(),
                "admins": founders,
                "signers": [Signer(**vars(one)) for one in signers],
                "log": log,
                "witnesses": watching,
                "quorum": quorum,
                "services": dict(services),
            }
        )
    )


def root_document(payload: Mapping[str, Any], assertions: Iterable[Assertion]) -> bytes:
    """Return the bytes of root.json; `Root.parse` says whether they hold."""
    return document_bytes(dict(payload), assertions)


def root_fact(root: Root, *, time: str) -> Fact:
    """Return entry 0 of a log under this root; `time` is RFC 3339."""
    return Fact(kind=FactKind.ROOT, about="root", tenant="", time=time, body=root.document)


def _authority(payload: Payload) -> Authority:
    witnesses = tuple(Witness(one.name, one.public_key) for one in payload.witnesses)
    return Authority(payload.log.origin, payload.log.public_key, witnesses, payload.quorum)


@lru_cache(maxsize=256)
def _p256(pem: str) -> ec.EllipticCurvePublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureInvalid("the key is not on P-256")
    return key
