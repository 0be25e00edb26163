"""A caller put together by hand, for questions that no request asks: what a policy would say of whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import PersonId, SpiffeId
from assay.errors import BadRequest
from assay.policy.subject import subject_document

DOMAIN: Final = "preview.assay"


@dataclass(frozen=True)
class Granting:
    """A grant, as rules see one."""

    actions: tuple[str, ...]


@dataclass(frozen=True)
class Asking:
    """A caller as rules see one: see `assay.policy.Subject`."""

    identity: SpiffeId
    person: PersonId | None = None
    roles: frozenset[str] = frozenset()
    grant: Granting | None = None
    tenant: str = "demo"
    platform: bool = True
    signed_in: float | None = 0.0

    @classmethod
    def at(
        cls, path: str, *, person: str | None = None, role: str = "", grants: str = "", domain: str = DOMAIN
    ) -> Asking:
        """Return a caller of the path's identity; `grants` is the one action of a grant."""
        return cls(
            SpiffeId(domain, path),
            PersonId(person) if person else None,
            frozenset({role} - {""}),
            Granting((grants,)) if grants else None,
        )


def asking(
    subject: str,
    *,
    trust_domain: str,
    person_of: Callable[[str], str],
    roles: Callable[[str, str], frozenset[str]],
    tenant: str,
    own_tenant: str,
    acts_for: str | None,
    action: str,
) -> Asking:
    """Return whom a command line names: a person by name or id, or an identity by path or SPIFFE id.

    `person_of` finds a person's id, `roles` what they hold in a tenant; the request acts in `tenant`, and `own_tenant`
    is the platform's. A service may act for a person by a grant of `action`; a person has signed in just now.
    """
    path = subject.removeprefix(f"spiffe://{trust_domain}")
    if "/" not in path:
        path = f"/people/{person_of(path)}"
    identity = SpiffeId.parse(f"spiffe://{trust_domain}{path}")
    person = identity.person if identity.person is not None else (person_of(acts_for) if acts_for else None)
    if identity.person is not None and acts_for:
        raise BadRequest("a person acts for nobody: only services carry grants")
    held = roles(person, tenant) if person is not None else frozenset()
    grant = Granting((action,)) if acts_for else None
    return Asking(
        identity,
        PersonId(person) if person is not None else None,
        held,
        grant,
        tenant=tenant,
        platform=tenant == own_tenant,
        signed_in=time.time() if identity.person is not None else None,
    )


def question_of(
    caller: Asking, action: str, resource: Sequence[str], *, person_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return the question a command line asks; `resource` are KEY=VALUE, and an owner may be a person's name."""
    members: dict[str, Any] = {"path": {}}
    for each in resource:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise BadRequest(f"{each[:80]!r} is not KEY=VALUE")
        members[name] = person_of(value) if name == "owner" and "/" not in value else value
    return {
        "subject": subject_document(caller),
        "action": action,
        "resource": members,
        "context": {"time_ns": time.time_ns()},
    }
