"""People as the facts know them: roles, passkeys, and whether they no longer count."""

from __future__ import annotations

from dataclasses import dataclass

from assay.contracts import CredentialBound, FactKind, PersonId, Revocation, body_of
from assay.custody.chain import revoked_person
from services.registry.usecases import Registry


@dataclass(frozen=True)
class ShownPasskey:
    """A passkey; `counts` is False once it, or its person, was revoked. `since` is None for one the root names."""

    credential: CredentialBound
    since: str | None
    counts: bool


@dataclass(frozen=True)
class ShownPerson:
    """A person: an id, roles held now, every passkey there was, and how often they decided."""

    person: PersonId
    roles: tuple[str, ...]
    passkeys: tuple[ShownPasskey, ...]
    decided: int
    revoked: Revocation | None


def people_shown(registry: Registry) -> list[ShownPerson]:
    """Return everybody who was ever bound to a passkey, by id."""
    bound: dict[tuple[str, str], tuple[CredentialBound, str | None]] = {
        (one.person, one.credential_id): (one, None) for one in registry.root.founders
    }
    for record in registry.log.records(FactKind.CREDENTIAL):
        body = body_of(record.fact, CredentialBound)
        bound[body.person, body.credential_id] = (body, record.fact.time)
    people = sorted({person for person, _ in bound})
    return [_shown(registry, person, bound) for person in people]


def _shown(
    registry: Registry, person: str, bound: dict[tuple[str, str], tuple[CredentialBound, str | None]]
) -> ShownPerson:
    log = registry.log
    passkeys = tuple(
        ShownPasskey(body, since, log.credential(person, credential) is not None)
        for (whose, credential), (body, since) in sorted(bound.items())
        if whose == person
    )
    decided = sum(
        record.fact.tenant == registry.tenant and record.about.endswith(f"/{person}")
        for kind in (FactKind.APPROVAL, FactKind.REJECTION, FactKind.WITHDRAWAL)
        for record in log.records(kind)
    )
    roles = tuple(sorted(log.roles(person, registry.tenant)))
    return ShownPerson(PersonId(person), roles, passkeys, decided, log.revoked(revoked_person(person)))
