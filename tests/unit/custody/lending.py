"""The words with which somebody lends their voice for a day."""

from __future__ import annotations

from typing import Any

from assay.identity.statements import delegation_statement
from assay.ledger import Record
from assay_laptop.genesis.people import Speaker

_DAY, _SECOND = 86_400, 1_000_000_000


def lent(person: str, to: str, role: str, now_ns: int, head: Record | None) -> dict[str, Any]:
    """Return the statement to sign, after the one that stands, in the world's domain and tenant."""
    now = now_ns // _SECOND
    return delegation_statement(
        trust_domain="assay.demo",
        tenant="demo",
        person=person,
        to=to,
        role=role,
        not_before=now - 600,
        until=now + 2 * _DAY,
        ended=False,
        previous=head.digest if head else None,
    )


def delegated(said: dict[str, Any], passkey: Speaker) -> dict[str, Any]:
    """Return the fact's body: what was said, and the passkey's word for it."""
    taken = {member: said[member] for member in ("person", "to", "role", "not_before", "until", "ended")}
    return {**taken, "assertion": passkey.assert_(said).model_dump(mode="json")}
