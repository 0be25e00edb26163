"""The shape of root.json: what founders assert, read strictly.

A member we do not know, a key that is not of its kind or an id that is not its key's is a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pydantic import ConfigDict, Field, ValidationError, model_validator

from assay.contracts import Assertion, Environment, FactKind, canonical, strict_json
from assay.contracts.bodies import Body, Digest
from assay.errors import BadRequest

IDENTITY = r"^spiffe://[a-z0-9.-]{1,255}(/[a-z0-9-]{1,63}){1,4}(/\*)?$"


class Member(Body):
    """One object inside root.json; types are what they are in JSON, never converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Founder(Member):
    """A founding administrator and the credential they assert with."""

    person: str
    credential_id: str
    public_key: str
    software: bool


class Signer(Member):
    """One identity (or one segment below a prefix, `…/*`) that may say a kind of fact with a key."""

    kind: FactKind
    environments: tuple[Environment, ...] | None
    identity: Annotated[str, Field(pattern=IDENTITY)]
    keyid: Digest
    public_key: str
    from_index: Annotated[int, Field(alias="from", ge=0)]
    until: int | None

    @model_validator(mode="after")
    def _is_p256(self) -> Self:
        check_keyid(self.keyid, self.public_key, EllipticCurvePublicKey)
        return self


class LogKey(Member):
    """The log's name and the key of its checkpoints."""

    origin: Annotated[str, Field(pattern=r"^[a-z0-9./-]{1,255}$")]
    keyid: Digest
    public_key: str

    @model_validator(mode="after")
    def _is_ed25519(self) -> Self:
        check_keyid(self.keyid, self.public_key, Ed25519PublicKey)
        return self


class WitnessKey(Member):
    """Whose cosignature says that the tree and both maps were recomputed."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9./-]{1,255}$")]
    keyid: Digest
    public_key: str

    @model_validator(mode="after")
    def _is_ed25519(self) -> Self:
        check_keyid(self.keyid, self.public_key, Ed25519PublicKey)
        return self


class Payload(Member):
    """What the founders assert: the statement itself."""

    type: Literal["assay-root/v1"]
    version: Annotated[int, Field(ge=1)]
    previous: Digest | None  # the root before it: SHA-256 of its payload
    trust_domain: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,255}$")]
    demonstration: bool
    rp_id: str
    origins: Annotated[tuple[str, ...], Field(min_length=1)]
    threshold: Annotated[int, Field(ge=1)]
    expires: str
    admins: tuple[Founder, ...]
    signers: tuple[Signer, ...]
    log: LogKey
    witnesses: tuple[WitnessKey, ...]
    quorum: Annotated[int, Field(ge=0)]
    services: dict[str, str]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        people = [one.person for one in self.admins]
        if len(set(people)) != len(people) or len(people) < self.threshold:
            raise ValueError("founders repeat, or are fewer than the threshold")
        self._check_witnesses()
        if (self.version == 1) is not (self.previous is None):
            raise ValueError("version 1 follows no root, and every later version one")
        prefix = f"spiffe://{self.trust_domain}/"
        if any(not one.identity.startswith(prefix) for one in self.signers):
            raise ValueError("a signer is of another trust domain")
        if datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError("`expires` has no time zone")
        return self

    def _check_witnesses(self) -> None:
        """A witness is one name and one key, neither of them the log's."""
        names = [self.log.origin, *(one.name for one in self.witnesses)]
        keys = [self.log.keyid, *(one.keyid for one in self.witnesses)]
        if len(set(names)) != len(names) or len(set(keys)) != len(keys):
            raise ValueError("a witness's name or key is there twice, or is the log's")
        if self.quorum > len(self.witnesses):
            raise ValueError("the quorum is larger than the number of witnesses")
        if not (self.quorum or self.demonstration):
            raise ValueError("only a demonstration may do without witnesses")


class Document(Member):
    """root.json."""

    payload: Payload
    assertions: tuple[Assertion, ...]


def read_document(data: bytes) -> tuple[Document, dict[str, Any]]:
    """Return a root.json and its payload as the very JSON that was asserted; raises BadRequest."""
    raw = strict_json(data)
    try:
        document = Document.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        raise BadRequest(f"not a root: {where}: {first['msg']}") from error
    if canonical(payload_json(document.payload)) != canonical(raw["payload"]):
        raise BadRequest("not a root: a value is spelled otherwise than ours")
    return document, raw["payload"]


def payload_json(payload: Payload) -> dict[str, Any]:
    """Return a payload as JSON."""
    return payload.model_dump(mode="json", by_alias=True)


def document_bytes(payload: dict[str, Any], assertions: Iterable[Assertion]) -> bytes:
    """Return the bytes of root.json."""
    return canonical({"payload": payload, "assertions": [one.model_dump(mode="json") for one in assertions]})


def key_digest(public_key_pem: str) -> str:
    """Return SHA-256 of the DER SubjectPublicKeyInfo, hex: a key's id everywhere; raises ValueError."""
    key = load_pem_public_key(public_key_pem.encode())
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def check_keyid(keyid: str, public_key_pem: str, of: type[EllipticCurvePublicKey | Ed25519PublicKey]) -> None:
    """Raise ValueError unless the id is this key's and the key is of that kind."""
    key = load_pem_public_key(public_key_pem.encode())
    if not isinstance(key, of) or (isinstance(key, EllipticCurvePublicKey) and key.curve.name != "secp256r1"):
        raise ValueError(f"key {keyid[:12]} is not of the kind it is listed for")
    if key_digest(public_key_pem) != keyid:
        raise ValueError(f"{keyid[:12]} is not the id of its key")
