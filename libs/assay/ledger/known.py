"""What the entries so far say: heads, standing revocations, roles, credentials and the policy in force.

Takes verified records in log order (`admission` verifies); the ledger itself and every follower keep one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from assay.contracts import (
    Approval,
    Assertion,
    CredentialBound,
    Delegation,
    FactKind,
    PolicyActivated,
    Revocation,
    RoleGranted,
    body_of,
    canonical,
    sha256_hex,
)
from assay.identity.statements import ADMINISTRATOR, FOUNDER
from assay.ledger.abouts import owned_name
from assay.ledger.maps import MerkleMap
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.succession import succeeded

DECISIONS = frozenset({FactKind.APPROVAL, FactKind.REJECTION, FactKind.WITHDRAWAL})
INERT = frozenset(  # their bodies change nothing here, whatever they say
    {
        FactKind.BATCH,
        FactKind.FEATURE_SET,
        FactKind.RUN,
        FactKind.EVALUATION,
        FactKind.VERSION,
        FactKind.ALIAS,
        FactKind.ROLLOUT,
        FactKind.JOURNAL,
    }
)


@dataclass(frozen=True)
class _Said:
    """A fact's digest beside what it says."""

    digest: str
    bound: CredentialBound | None = None
    ended: bool = False


@dataclass
class Known:
    """The state of a log under a root. Not safe for threads: its owner guards it."""

    root: Root
    heads: dict[str, str] = field(default_factory=dict)  # about -> digest
    tenant: str = ""  # the platform's own: that of the first fact after the root
    successions: list[int] = field(default_factory=list)  # where the next roots stand
    _owners: dict[str, str] = field(default_factory=dict)  # name -> the tenant that used it first
    _revoked: dict[str, Revocation] = field(default_factory=dict)
    _roles: dict[tuple[str, str], dict[str, _Said]] = field(default_factory=dict)  # (tenant, person)
    _credentials: dict[tuple[str, str], _Said] = field(default_factory=dict)
    _policy: tuple[Record, str] | None = None  # the newest policy fact, and the revision it names
    _spent: set[str] = field(default_factory=set)
    _delegations: dict[str, tuple[str, Delegation]] = field(default_factory=dict)  # digest -> about, body

    def apply(self, record: Record) -> None:
        """Take the next record; it has been verified."""
        fact = record.fact
        self.pass_by(record.kind, record.about, fact.tenant, record.digest)
        match record.kind:
            case FactKind.ROOT if record.index:
                self.root = succeeded(self.root, fact, record.index)
                self.successions.append(record.index)
            case FactKind.REVOCATION:
                self._revoke(body_of(fact, Revocation))
            case FactKind.ROLE:
                granted = body_of(fact, RoleGranted)
                held = self._roles.setdefault((fact.tenant, granted.person), {})
                held[granted.role] = _Said(record.digest, ended=granted.ended)
            case FactKind.CREDENTIAL:
                bound = body_of(fact, CredentialBound)
                self._credentials[bound.person, bound.credential_id] = _Said(record.digest, bound)
            case FactKind.POLICY:
                self._policy = (record, body_of(fact, PolicyActivated).revision)
            case FactKind.DELEGATION:
                self._delegations[record.digest] = (record.about, body_of(fact, Delegation))
            case kind if kind in DECISIONS:
                self._spent.add(spending(body_of(fact, Approval).assertion))

    def pass_by(self, kind: FactKind, about: str, tenant: str, digest: str) -> None:
        """Take of the next record what its header says: all there is to take of a kind in `INERT`."""
        self.heads[about] = digest
        self.tenant = self.tenant or tenant
        if (name := owned_name(kind, about)) is not None:
            self._owners.setdefault(name, tenant)

    def revoked(self, key: str) -> Revocation | None:
        """Return the standing revocation of a digest."""
        return self._revoked.get(key)

    def owner(self, name: str) -> str | None:
        """Return the tenant a name belongs to (see `abouts.owned_name`); None while nobody used it."""
        return self._owners.get(name)

    def roles(self, person: str, tenant: str) -> frozenset[str]:
        """Return the roles a person holds in a tenant.

        Founders are administrators of the platform's own tenant until a fact says otherwise; as long as they
        are, they are founders in every other: they may appoint there, and nothing else.
        """
        if self.revoked(sha256_hex(f"person/{person}".encode())):
            return frozenset()
        said = self._roles.get((tenant, person), {})
        held = {role for role, one in said.items() if not (one.ended or self.revoked(one.digest))}
        if any(person == one.person for one in self.root.founders):
            if tenant == (self.tenant or tenant):
                held |= {ADMINISTRATOR} if ADMINISTRATOR not in said else set()
            elif ADMINISTRATOR in self.roles(person, self.tenant):
                held.add(FOUNDER)
        return frozenset(held)

    def credential(self, person: str, credential_id: str) -> CredentialBound | None:
        """Return a person's bound credential, unless it or the person is revoked."""
        if self.revoked(sha256_hex(f"person/{person}".encode())):
            return None
        said = self._credentials.get((person, credential_id))
        if said is None:
            return self.root.credential(person, credential_id)
        return None if self.revoked(said.digest) else said.bound

    def delegation(self, digest: str, tenant: str) -> Delegation | None:
        """Return a delegation in a tenant that stands: the newest, not ended or revoked, by who holds the role."""
        about, said = self._delegations.get(digest, ("", None))
        if said is None or said.ended or self.heads.get(about) != digest or self.revoked(digest):
            return None
        held = self.roles(said.person, tenant)
        return said if about.split("/")[1] == tenant and said.role in held else None

    def policy_revision(self) -> str:
        """Return the revision of the policy in force: "" before any, and when the newest is revoked."""
        return "" if self._policy is None or self.revoked(self._policy[0].digest) else self._policy[1]

    def policy_fact(self) -> Record | None:
        """Return the fact of the policy in force: None before any, and when the newest is revoked."""
        return None if self._policy is None or self.revoked(self._policy[0].digest) else self._policy[0]

    @property
    def revocations(self) -> int:
        """How many revocations stand."""
        return len(self._revoked)

    def is_spent(self, assertion: Assertion) -> bool:
        """Say whether a decision already carried this assertion: one is said once."""
        return spending(assertion) in self._spent

    def _revoke(self, said: Revocation) -> None:
        if said.ended:
            self._revoked.pop(said.revokes, None)
        else:
            self._revoked[said.revokes] = said


@dataclass(frozen=True)
class Maps:
    """A checkpoint's two maps, as values: heads by SHA-256 of `about`, revocations by what they revoke."""

    heads: MerkleMap = field(default_factory=MerkleMap)
    revocations: MerkleMap = field(default_factory=MerkleMap)

    def after(self, records: Sequence[Record]) -> Maps:
        """Return the maps after these records."""
        heads = {head_key(record.about): bytes.fromhex(record.digest) for record in records}
        return Maps(self.heads.changed(heads), self.revocations.changed(dict(revocations_of(records))))


def revocations_of(records: Sequence[Record]) -> list[tuple[bytes, bytes | None]]:
    """Return what records revoke, in order, with the revoking fact's digest; None where a revocation ends."""
    said = [(one, body_of(one.fact, Revocation)) for one in records if one.kind is FactKind.REVOCATION]
    return [
        (bytes.fromhex(body.revokes), None if body.ended else bytes.fromhex(one.digest)) for one, body in said
    ]


def head_key(about: str) -> bytes:
    """Return the key of a head in the heads map."""
    return sha256(about.encode()).digest()


def spending(assertion: Assertion) -> str:
    """Return what makes an assertion the same again: who said what."""
    return sha256_hex(canonical([assertion.person, assertion.statement]))
