"""Facts about people: a credential is bound, a role is granted or ended, a policy is activated.

For genesis and identity. `assertions` are administrators' assertions over `statements.asserted(fact)`: build
the fact without any to learn what they have to sign, then again with them (the statement does not change).
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.contracts import (
    Assertion,
    CredentialBound,
    Fact,
    FactKind,
    PolicyActivated,
    RoleGranted,
    check_name,
    check_tenant,
)
from assay.identity.statements import credential_about, role_about


def credential_fact(
    *,
    person: str,
    credential_id: str,
    public_key: str,
    software: bool,
    tenant: str,
    time: str,
    previous: str | None = None,
    assertions: Sequence[Assertion] = (),
) -> Fact:
    """Return the fact that binds a credential (COSE public key, base64url) to a person."""
    body = CredentialBound(
        person=check_name(person, "person"),
        credential_id=credential_id,
        public_key=public_key,
        software=software,
        assertions=tuple(assertions),
    )
    about = credential_about(person, credential_id)
    return Fact(FactKind.CREDENTIAL, about, tenant, time, body.model_dump(mode="json"), previous=previous)


def role_fact(
    *,
    person: str,
    role: str,
    tenant: str,
    time: str,
    ended: bool = False,
    previous: str | None = None,
    assertions: Sequence[Assertion] = (),
) -> Fact:
    """Return the fact that grants a role to a person in a tenant, or ends it."""
    body = RoleGranted(
        person=check_name(person, "person"),
        role=check_name(role, "role"),
        ended=ended,
        assertions=tuple(assertions),
    )
    about = role_about(check_tenant(tenant), person, role)
    return Fact(FactKind.ROLE, about, tenant, time, body.model_dump(mode="json"), previous=previous)


def policy_fact(
    *,
    revision: str,
    bundle: str,
    preview: str,
    tenant: str,
    time: str,
    previous: str | None = None,
    assertions: Sequence[Assertion] = (),
) -> Fact:
    """Return the fact that puts a policy in force; see `PolicyActivated` for the three digests."""
    body = PolicyActivated(revision=revision, bundle=bundle, preview=preview, assertions=tuple(assertions))
    return Fact(FactKind.POLICY, "policy", tenant, time, body.model_dump(mode="json"), previous=previous)
