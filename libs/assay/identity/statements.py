"""What people sign: one builder per statement, so that signer and verifier cannot differ by a member.

A statement is a JSON object whose RFC 8785 SHA-256 is the passkey's challenge. `type` names it and its
version; times are seconds since 1970; `previous` is the digest of the fact before it about the same thing
(None for the first), so that no statement can be said again after the state has moved on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from assay.contracts import (
    CredentialBound,
    Delegation,
    Environment,
    Fact,
    FactKind,
    PolicyActivated,
    RoleGranted,
    body_of,
    sha256_hex,
)
from assay.errors import BadRequest

LOGIN: Final = "assay-login/v1"
SIGN_IN: Final = "assay-sign-in/v1"
CREDENTIAL: Final = "assay-credential/v1"
ROLE: Final = "assay-role/v1"
POLICY: Final = "assay-policy/v1"
APPROVAL: Final = "assay-approval/v1"
DELEGATION: Final = "assay-delegation/v1"
ADMINISTRATOR: Final = "administrator"
FOUNDER: Final = "founder"  # of the root: may appoint in every tenant; nobody is granted it
PRIVILEGED: Final = frozenset({"administrator", "approver", "risk"})  # may approve for prod, or make who may

DECIDERS: Final = frozenset(
    {"approver", "risk"}
)  # decide about versions, and may be handed on for an absence
LONGEST_DELEGATION: Final = 92 * 86_400  # seconds: an absence, not a change of who decides


def credential_about(person: str, credential_id: str) -> str:
    """Return the head of a person's credential."""
    return f"credential/{person}/{sha256_hex(credential_id.encode())[:16]}"


def role_about(tenant: str, person: str, role: str) -> str:
    """Return the head of a role of a person in a tenant."""
    return f"role/{tenant}/{person}/{role}"


def delegation_about(tenant: str, person: str, role: str) -> str:
    """Return the head of what a person says about who decides for them in a role."""
    return f"delegation/{tenant}/{person}/{role}"


def login_statement(
    *, trust_domain: str, person: str, key: str, nonce: str, not_before: int, expiry: int
) -> dict[str, Any]:
    """Ask for a certificate over one key: `key` is SHA-256 of its SubjectPublicKeyInfo (DER), hex."""
    return {
        "type": LOGIN,
        "version": 1,
        "trust_domain": trust_domain,
        "person": person,
        "key": key,
        "nonce": nonce,
        "not_before": not_before,
        "expiry": expiry,
    }


def sign_in_statement(
    *, trust_domain: str, origin: str, nonce: str, not_before: int, expiry: int
) -> dict[str, Any]:
    """Sign in at the pages of one origin; whose passkey says it is who signs in."""
    return {
        "type": SIGN_IN,
        "version": 1,
        "trust_domain": trust_domain,
        "origin": origin,
        "nonce": nonce,
        "not_before": not_before,
        "expiry": expiry,
    }


def credential_statement(
    *,
    trust_domain: str,
    person: str,
    credential_id: str,
    public_key: str,
    software: bool,
    previous: str | None,
) -> dict[str, Any]:
    """Bind a credential to a person (an administrator says it)."""
    return {
        "type": CREDENTIAL,
        "version": 1,
        "trust_domain": trust_domain,
        "person": person,
        "credential_id": credential_id,
        "public_key": public_key,
        "software": software,
        "previous": previous,
    }


def role_statement(
    *, trust_domain: str, tenant: str, person: str, role: str, ended: bool, previous: str | None
) -> dict[str, Any]:
    """Grant or end a role of a person in a tenant (an administrator says it)."""
    return {
        "type": ROLE,
        "version": 1,
        "trust_domain": trust_domain,
        "tenant": tenant,
        "person": person,
        "role": role,
        "ended": ended,
        "previous": previous,
    }


def policy_statement(
    *, trust_domain: str, revision: str, bundle: str, preview: str, previous: str | None
) -> dict[str, Any]:
    """Activate a policy, having seen what it would stop and change (an administrator says it)."""
    return {
        "type": POLICY,
        "version": 1,
        "trust_domain": trust_domain,
        "revision": revision,
        "bundle": bundle,
        "preview": preview,
        "previous": previous,
    }


def approval_statement(
    *,
    trust_domain: str,
    tenant: str,
    model: str,
    number: int,
    verb: str,
    environment: Environment,
    tier: str,
    package: str,
    evidence: Sequence[str],
    policy: str,
    conditions: Mapping[str, Any],
    nonce: str,
    not_before: int,
    expiry: int,
    person: str,
    role: str,
    log_size: int,
    log_root: str,
    reason: str = "",
    delegation: str = "",
) -> dict[str, Any]:
    """Approve, reject or withdraw one version for one environment, as shown at one log position.

    `verb` is "approve", "reject" or "withdraw"; `evidence` are fact digests (sorted here); `policy` is the
    revision as seen; `log_root` is the tree's root at `log_size`, hex. A `reason` is a member only where one is
    given; it stands in the ledger for good. So is `delegation`, the digest of the fact by which another's role is used.
    """
    given = {"reason": reason} if reason else {}
    given |= {"delegation": delegation} if delegation else {}
    return {
        **given,
        "type": APPROVAL,
        "version": 1,
        "trust_domain": trust_domain,
        "tenant": tenant,
        "model": model,
        "number": number,
        "verb": verb,
        "environment": environment.value,
        "tier": tier,
        "package": package,
        "evidence": sorted(evidence),
        "policy": policy,
        "conditions": dict(conditions),
        "nonce": nonce,
        "not_before": not_before,
        "expiry": expiry,
        "person": person,
        "role": role,
        "log_size": log_size,
        "log_root": log_root,
    }


def delegation_statement(
    *,
    trust_domain: str,
    tenant: str,
    person: str,
    to: str,
    role: str,
    not_before: int,
    until: int,
    ended: bool,
    previous: str | None,
) -> dict[str, Any]:
    """Let another person decide in a role of one's own for a while, or end that (the person says it)."""
    return {
        "type": DELEGATION,
        "version": 1,
        "trust_domain": trust_domain,
        "tenant": tenant,
        "person": person,
        "to": to,
        "role": role,
        "not_before": not_before,
        "until": until,
        "ended": ended,
        "previous": previous,
    }


def delegated(fact: Fact, trust_domain: str) -> dict[str, Any]:
    """Return what the assertion in a delegation must say, from the fact itself; raises BadRequest."""
    body = body_of(fact, Delegation)
    _is_about(fact, delegation_about(fact.tenant, body.person, body.role))
    said = body.model_dump(exclude={"assertion"})
    return delegation_statement(trust_domain=trust_domain, tenant=fact.tenant, previous=fact.previous, **said)


def asserted(fact: Fact, trust_domain: str) -> dict[str, Any]:
    """Return what every assertion in a credential, role or policy fact must say, from the fact itself.

    Raises:
        BadRequest: the fact is of another kind, malformed, or not about what its body says.
    """
    if fact.kind is FactKind.CREDENTIAL:
        bound = body_of(fact, CredentialBound)
        _is_about(fact, credential_about(bound.person, bound.credential_id))
        said = bound.model_dump(include={"person", "credential_id", "public_key", "software"})
        return credential_statement(trust_domain=trust_domain, previous=fact.previous, **said)
    if fact.kind is FactKind.ROLE:
        granted = body_of(fact, RoleGranted)
        _is_about(fact, role_about(fact.tenant, granted.person, granted.role))
        said = granted.model_dump(include={"person", "role", "ended"})
        return role_statement(trust_domain=trust_domain, tenant=fact.tenant, previous=fact.previous, **said)
    if fact.kind is FactKind.POLICY:
        _is_about(fact, "policy")
        said = body_of(fact, PolicyActivated).model_dump(include={"revision", "bundle", "preview"})
        return policy_statement(trust_domain=trust_domain, previous=fact.previous, **said)
    raise BadRequest(f"a {fact.kind} fact carries no administrators' assertions")


def administrators_needed(fact: Fact) -> int:
    """Return how many different administrators must say a credential, role or policy fact.

    Two wherever one alone could make themselves an approver: credentials, privileged roles, policy.
    """
    if fact.kind is FactKind.ROLE:
        granted = body_of(fact, RoleGranted)
        return 2 if granted.role in PRIVILEGED else 1
    return 2


def may_say(fact: Fact) -> frozenset[str]:
    """Return the roles, in the fact's tenant, whose holders may say a credential, role or policy fact.

    Nobody may say who is a founder: the root says it.
    """
    if fact.kind is not FactKind.ROLE:
        return frozenset({ADMINISTRATOR})
    if body_of(fact, RoleGranted).role == FOUNDER:
        return frozenset()
    return frozenset({ADMINISTRATOR, FOUNDER})


def _is_about(fact: Fact, about: str) -> None:
    if fact.about != about:
        raise BadRequest(f"a fact about {fact.about} says something about {about}")
