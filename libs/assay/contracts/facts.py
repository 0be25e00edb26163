"""A fact: an in-toto statement in a DSSE envelope, about one thing, after one previous fact.

The header stands in the predicate under `assay` (in-toto lets predicates be extended): a SLSA verifier can
read a run and ours its head. A fact's digest is SHA-256 of its payload, never of the randomised envelope.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self

from assay.contracts.canonical import canonical, sha256_hex, strict_json
from assay.contracts.names import Environment
from assay.errors import BadRequest

FACT_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
_ENVELOPE: Final = (  # RFC 8785 of `to_json()`: its members are in this order
    b'{"payload":"%b","payloadType":"' + FACT_TYPE.encode() + b'","signatures":[{"keyid":%b,"sig":"%b"}]}'
)
SLSA: Final = "https://slsa.dev/provenance/v1"


class FactKind(StrEnum):
    """What a fact says; `root.json` lists who may say it with which key."""

    ROOT = "root"
    CREDENTIAL = "credential"
    ROLE = "role"
    POLICY = "policy"
    BATCH = "dataset-batch"
    FEATURE_SET = "feature-set"
    RUN = "run"
    EVALUATION = "evaluation"
    EVIDENCE = "evidence"
    VERSION = "version"
    APPROVAL = "approval"
    REJECTION = "rejection"
    WITHDRAWAL = "withdrawal"
    DELEGATION = "delegation"
    ALIAS = "alias"
    ROLLOUT = "rollout"
    JOURNAL = "journal"
    REVOCATION = "revocation"

    @property
    def predicate_type(self) -> str:
        """The in-toto predicate type of this kind."""
        return SLSA if self is FactKind.RUN else f"urn:assay:fact:{self.value}:v1"


@dataclass(frozen=True)
class Fact:
    """One statement. `about` names its head; `previous` is the digest of the fact before it there, or None.

    `subjects` are (name, SHA-256 hex) of the bytes it speaks of; `time` is RFC 3339 in UTC, informative only:
    order comes from the log. `body` is the rest of the predicate (see `assay.contracts.bodies`).
    """

    kind: FactKind
    about: str
    tenant: str
    time: str
    body: Mapping[str, Any]
    subjects: tuple[tuple[str, str], ...] = ()
    environment: Environment | None = None
    previous: str | None = None
    _payload: bytes | None = field(default=None, repr=False, compare=False)

    def payload(self) -> bytes:
        """Return the canonical statement; for a parsed fact, the very bytes that were parsed."""
        return self._payload if self._payload is not None else canonical(self._statement())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the payload, 64 hex digits: the fact's name everywhere."""
        return sha256_hex(self.payload())

    def _statement(self) -> dict[str, Any]:
        header = {
            "kind": self.kind.value,
            "about": self.about,
            "environment": self.environment.value if self.environment else None,
            "tenant": self.tenant,
            "previous": self.previous,
            "time": self.time,
        }
        return {
            "_type": STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in self.subjects],
            "predicateType": self.kind.predicate_type,
            "predicate": {**self.body, "assay": header},
        }

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a canonical statement back; raises BadRequest on anything else, bytes not canonical too."""
        statement = strict_json(payload)
        try:
            fact = cls._from(statement, payload)
            again = canonical(fact._statement())  # noqa: SLF001 - our own class
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise BadRequest(f"not a fact: {error!r}") from error
        if again != payload:
            raise BadRequest("not a fact: the payload is not canonical, or has members we do not know")
        return fact

    @classmethod
    def _from(cls, statement: dict[str, Any], payload: bytes) -> Self:
        predicate = dict(statement["predicate"])
        header = predicate.pop("assay")
        kind = FactKind(header["kind"])
        return cls(
            kind=kind,
            about=_text(header["about"]),
            tenant=_text(header["tenant"]),
            time=_text(header["time"]),
            body=predicate,
            subjects=tuple((_text(s["name"]), _text(s["digest"]["sha256"])) for s in statement["subject"]),
            environment=Environment(header["environment"]) if header["environment"] else None,
            previous=None if header["previous"] is None else _text(header["previous"]),
            _payload=payload,
        )


@dataclass(frozen=True)
class SignedFact:
    """A fact in its DSSE envelope with exactly one signature: (keyid, DER ECDSA P-256 over the PAE)."""

    fact: Fact
    keyid: str
    signature: bytes

    @staticmethod
    def pae(payload: bytes) -> bytes:
        """Return DSSE's pre-authentication encoding of a payload: the bytes that are signed."""
        kind = FACT_TYPE.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)

    def to_json(self) -> dict[str, Any]:
        """Return the DSSE envelope as JSON."""
        return {
            "payloadType": FACT_TYPE,
            "payload": base64.b64encode(self.fact.payload()).decode(),
            "signatures": [{"keyid": self.keyid, "sig": base64.b64encode(self.signature).decode()}],
        }

    def to_bytes(self) -> bytes:
        """Return the canonical envelope: the ledger's entry, whose RFC 9162 leaf hash stands in the tree."""
        sig = base64.b64encode(self.signature)
        return _ENVELOPE % (base64.b64encode(self.fact.payload()), canonical(self.keyid), sig)

    @classmethod
    def from_json(cls, envelope: Mapping[str, Any]) -> Self:
        """Read an envelope back without verifying it; raises BadRequest when it is not one of ours."""
        try:
            if (
                set(envelope) != {"payloadType", "payload", "signatures"}
                or envelope["payloadType"] != FACT_TYPE
            ):
                raise BadRequest("not a DSSE envelope of an in-toto statement")
            (signature,) = envelope["signatures"]
            payload = base64.b64decode(envelope["payload"], validate=True)
            sig = base64.b64decode(signature["sig"], validate=True)
            return cls(Fact.parse(payload), _text(signature["keyid"]), sig)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise BadRequest(f"not a DSSE envelope: {error!r}") from error

    @classmethod
    def from_bytes(cls, entry: bytes) -> Self:
        """Read a ledger entry back; raises BadRequest unless the bytes are the canonical envelope."""
        signed = cls.from_json(strict_json(entry))
        if signed.to_bytes() != entry:
            raise BadRequest("the entry is not the canonical envelope")
        return signed


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value
