"""Identity's routes: the login exchange (no certificate yet), and everything else (with one)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Assertion, Fact
from assay.identity.enrol import credential_fact, policy_fact, role_fact
from assay.identity.statements import credential_about, role_about
from assay.web.caller import Caller, calling
from assay.web.routes import PUBLIC, Routes
from services.identity.domain import GrantWish
from services.identity.usecases import Administration, Granting, People, SigningIn

SMALL = 64 * 1024  # bytes: what the login exchange and administration may send


class Body(BaseModel):
    """A request's body; unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChallengeBody(Body):
    """Who logs in, and SHA-256 of the public key to certify."""

    person: str | None = None
    name: str | None = None
    key: str = Field(pattern=r"^[0-9a-f]{64}$")


class LoginBody(Body):
    """The signed challenge and the request for that key."""

    assertion: Assertion
    csr: str


class GrantBody(Body):
    """The service that may act, where, doing what, for how long."""

    act: str
    audience: list[str]
    actions: list[str]
    seconds: int


class NameBody(Body):
    """A display name."""

    name: str


class RoleBody(Body):
    """A role of a person; `assertions` are empty when asking what to sign."""

    person: str
    role: str
    ended: bool = False
    assertions: list[Assertion] = []


class CredentialBody(Body):
    """A credential of a person; `assertions` are empty when asking what to sign."""

    person: str
    credential_id: str
    public_key: str
    software: bool = False
    assertions: list[Assertion] = []


class PolicyBody(Body):
    """A policy to put in force; `assertions` are empty when asking what to sign."""

    revision: str
    wasm: str
    assertions: list[Assertion] = []


def login_routes(signing_in: SigningIn) -> Routes:
    """Return the login exchange: the only routes that need no client certificate, because they give one."""
    routes = Routes("/v1")

    @routes.post("/login/challenge", permission=PUBLIC, body_limit=SMALL)
    def challenge(body: ChallengeBody) -> dict[str, Any]:
        return {"statement": signing_in.challenge(person=body.person, name=body.name, key=body.key)}

    @routes.post("/login", permission=PUBLIC, body_limit=SMALL)
    def log_in(body: LoginBody) -> dict[str, Any]:
        issued = signing_in.log_in(body.assertion, body.csr)
        return {"certificate": issued.chain_pem, "ca": issued.ca_pem}

    return routes


def people_routes(people: People, granting: Granting, *, trust_domain: str, longest: int) -> Routes:
    """Return the routes about people and what they let services do."""
    routes = Routes("/v1")

    @routes.get("/people", permission="identity/read-people")
    def everybody(caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        return {
            "people": [
                {"person": each.person, "name": each.name, "roles": sorted(each.roles)}
                for each in people.all(caller.tenant)
            ]
        }

    @routes.post("/people", permission="identity/enrol", body_limit=SMALL, status_code=201)
    def enrol(body: NameBody) -> dict[str, Any]:
        return {"person": people.enrol(body.name)}

    @routes.put("/people/{person}", permission="identity/enrol", body_limit=SMALL)
    def rename(person: str, body: NameBody) -> dict[str, Any]:
        people.rename(person, body.name)
        return {"person": person, "name": body.name}

    @routes.delete("/people/{person}/name", permission="identity/enrol")
    def forget(person: str) -> dict[str, Any]:
        people.forget(person)
        return {"person": person, "name": None}

    @routes.post("/grants", permission="identity/grant", body_limit=SMALL, status_code=201)
    def grant(body: GrantBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        wish = GrantWish.of(
            body.act, body.audience, body.actions, body.seconds, trust_domain=trust_domain, most=longest
        )
        return {"grant": granting.grant(wish, by=caller)}

    return routes


def administration_routes(administration: Administration, tenant: str) -> Routes:
    """Return the routes for what administrators say; without assertions they answer what there is to sign.

    A role is of the tenant the request acts in; credentials and policy are of `tenant`, the platform's own.
    """
    routes = Routes("/v1")

    def said(fact: Fact, assertions: list[Assertion]) -> dict[str, Any]:
        if not assertions:
            return administration.to_sign(fact)
        return {"fact": administration.append(fact, assertions).digest}

    @routes.post("/roles", permission="identity/change-role", body_limit=SMALL)
    def roles(body: RoleBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        terms = body.model_dump(exclude={"assertions"}) | _now(caller.tenant)
        terms["previous"] = administration.previous(role_about(caller.tenant, body.person, body.role))
        return said(role_fact(**terms, assertions=body.assertions), body.assertions)

    @routes.post("/credentials", permission="identity/bind-credential", body_limit=SMALL)
    def credentials(body: CredentialBody) -> dict[str, Any]:
        terms = body.model_dump(exclude={"assertions"}) | _now(tenant)
        terms["previous"] = administration.previous(credential_about(body.person, body.credential_id))
        return said(credential_fact(**terms, assertions=body.assertions), body.assertions)

    @routes.post("/policy", permission="identity/activate-policy", body_limit=SMALL)
    def policy(body: PolicyBody) -> dict[str, Any]:
        terms = body.model_dump(exclude={"assertions"}) | _now(tenant)
        terms["previous"] = administration.previous("policy")
        return said(policy_fact(**terms, assertions=body.assertions), body.assertions)

    return routes


def _now(tenant: str) -> dict[str, str]:
    return {"tenant": tenant, "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
