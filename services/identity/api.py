"""Identity's routes: the login exchange (no certificate yet), and everything else (with one)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Assertion
from assay.identity.enrol import credential_fact, policy_fact, role_fact
from assay.identity.statements import credential_about, role_about
from assay.pages import Attempts
from assay.policy.bundle import LARGEST
from assay.web.caller import Caller, calling
from assay.web.routes import PUBLIC, Routes
from services.identity.authorizing import Authorizing
from services.identity.devices import LIFETIME_SECONDS, POLL_SECONDS
from services.identity.domain import Certificate, GrantWish
from services.identity.next_root import Standing, Successions
from services.identity.policies import Policies
from services.identity.proposals import Enrolment, Proposals, Waiting
from services.identity.usecases import Administration, Granting, People, SigningIn

DIGEST = r"^[0-9a-f]{64}$"
LARGEST_ROOT = 256 * 1024  # bytes: a root names some fifty keys
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


class NextRootBody(Body):
    """What founders are asked to say: the payload of a root.json."""

    statement: dict[str, Any]


class CodeBody(Body):
    """A one-time code, and what proves that whoever redeems it asked for it."""

    code: str = Field(max_length=100)
    verifier: str = Field(min_length=43, max_length=128)
    redirect_uri: str = Field(max_length=200)


class CodeLoginBody(CodeBody):
    """A code for a certificate over the key that was named when asking."""

    csr: str


class DeviceBody(Body):
    """A machine that asks to be confirmed: SHA-256 of its public key, and what it says it is called."""

    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    host: str = Field(max_length=80, pattern=r"^[ -~]*$")


class DeviceLoginBody(Body):
    """A confirmed machine's code and the request for its key."""

    device: str = Field(max_length=100)
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


class SignatureBody(Body):
    """An administrator's assertion under a proposal's statement."""

    assertion: Assertion


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


class BundleBody(Body):
    """A policy bundle that was handed in, by SHA-256 of its archive."""

    bundle: str = Field(pattern=DIGEST)


class PolicyBody(BundleBody):
    """A policy to put in force over a preview; `assertions` are empty when asking what to sign."""

    preview: str = Field(pattern=DIGEST)
    assertions: list[Assertion] = []


def login_routes(signing_in: SigningIn, authorizing: Authorizing, attempts: Attempts, pages: str) -> Routes:
    """Return the login exchange: the only routes that need no client certificate, because they give one.

    `pages` is the people listener's origin; `attempts` limits the machines that ask, by address.
    """
    routes = Routes("/v1")

    @routes.post("/login/challenge", permission=PUBLIC, body_limit=SMALL)
    def challenge(body: ChallengeBody) -> dict[str, Any]:
        return {"statement": signing_in.challenge(person=body.person, name=body.name, key=body.key)}

    @routes.post("/login", permission=PUBLIC, body_limit=SMALL)
    def log_in(body: LoginBody) -> dict[str, Any]:
        return _certificate(signing_in.log_in(body.assertion, body.csr))

    @routes.post("/login/code", permission=PUBLIC, body_limit=SMALL)
    def redeem(body: CodeLoginBody) -> dict[str, Any]:
        return _certificate(
            authorizing.certificate_for_code(body.code, body.verifier, body.redirect_uri, body.csr)
        )

    @routes.post("/login/device", permission=PUBLIC, body_limit=SMALL)
    def device(request: Request, body: DeviceBody) -> dict[str, Any]:
        address = request.client.host if request.client else "unknown"
        attempts.count(address)
        code, asking = authorizing.devices.ask(body.key, body.host, address)
        return {
            "device": code,
            "code": asking.words,
            "address": f"{pages}/device?code={asking.words}",
            "interval": POLL_SECONDS,
            "seconds": LIFETIME_SECONDS,
        }

    @routes.post("/login/device/certificate", permission=PUBLIC, body_limit=SMALL)
    def collect(body: DeviceLoginBody) -> dict[str, Any]:
        return _certificate(authorizing.certificate_for_device(body.device, body.csr))

    return routes


def redeeming_routes(authorizing: Authorizing) -> Routes:
    """Return the route by which a service with pages of its own learns who signed in here."""
    routes = Routes("/v1")

    @routes.post("/codes/redeem", permission="identity/redeem-code", body_limit=SMALL)
    def redeem(body: CodeBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        client = caller.identity.service or ""
        return authorizing.person_for_code(body.code, body.verifier, body.redirect_uri, client=client)

    return routes


def enrolment_routes(enrolment: Enrolment, proposals: Proposals) -> Routes:
    """Return links and proposals for the command, as the people listener has them for browsers."""
    routes = Routes("/v1")

    @routes.post("/invitations", permission="identity/enrol", body_limit=SMALL, status_code=201)
    def invite(body: NameBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        person, link = enrolment.invite(body.name, by=str(caller.person))
        return {"person": person, "link": link}

    @routes.get("/proposals", permission="identity/sign-proposal")
    def waiting() -> dict[str, Any]:
        return {"proposals": [_waiting(each) for each in proposals.all()]}

    @routes.get("/proposals/{proposal}", permission="identity/sign-proposal")
    def one(proposal: str) -> dict[str, Any]:
        return _waiting(proposals.find(proposal))

    @routes.post("/proposals/{proposal}/signatures", permission="identity/sign-proposal", body_limit=SMALL)
    def sign(proposal: str, body: SignatureBody) -> dict[str, Any]:
        record = proposals.sign(proposal, body.assertion)
        return {"fact": record.digest if record else None}

    return routes


def next_root_routes(successions: Successions) -> Routes:
    """Return the routes of the next root: drafted by an administrator, said by founders, in force by its fact."""
    routes = Routes("/v1/next-root")

    @routes.post("", permission="identity/draft-root", body_limit=LARGEST_ROOT, status_code=201)
    def draft(body: NextRootBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        return _standing(successions.open(body.statement, by=str(caller.person)))

    @routes.get("", permission="identity/say-root")
    def standing() -> dict[str, Any]:
        return _standing(successions.standing())

    @routes.post("/signatures", permission="identity/say-root", body_limit=LARGEST_ROOT)
    def sign(body: SignatureBody) -> dict[str, Any]:
        record = successions.sign(body.assertion)
        return {"fact": record.digest if record else None}

    @routes.delete("", permission="identity/draft-root")
    def withdraw() -> dict[str, Any]:
        successions.withdraw()
        return {"withdrawn": True}

    return routes


def _standing(standing: Standing) -> dict[str, Any]:
    draft = standing.draft
    return {
        "statement": dict(draft.statement),
        "opened_by": draft.opened_by,
        "opened": draft.opened,
        "stale": standing.next is None,
        "assertions": [one.model_dump(mode="json") for one in draft.assertions],
    }


def _waiting(waiting: Waiting) -> dict[str, Any]:
    proposal = waiting.proposal
    return {
        "proposal": proposal.id,
        "kind": proposal.kind,
        "fingerprint": proposal.fingerprint,
        "statement": waiting.statement,
        "signed_by": list(waiting.signed_by),
        "needed": waiting.needed,
    }


def _certificate(issued: Certificate) -> dict[str, Any]:
    return {"certificate": issued.chain_pem, "ca": issued.ca_pem}


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


def policy_routes(policies: Policies, administration: Administration, tenant: str) -> Routes:
    """Return the routes of policy: bundles, what one would change, and its activation over exactly that."""
    routes = Routes("/v1/policy")

    @routes.get("", permission="identity/read-policy")
    def in_force() -> dict[str, Any]:
        return policies.in_force()

    @routes.post("/bundles", permission="identity/activate-policy", body_limit=LARGEST, status_code=201)
    async def take(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(policies.take, await request.body())

    @routes.get("/bundles/{digest}", permission="identity/read-policy")
    def bundle(digest: str) -> Response:
        return Response(policies.bundle(digest), media_type="application/gzip")

    @routes.post("/previews", permission="identity/activate-policy", body_limit=SMALL)
    def preview(body: BundleBody) -> dict[str, Any]:
        return policies.preview(body.bundle)

    @routes.post("", permission="identity/activate-policy", body_limit=SMALL)
    def activate(body: PolicyBody) -> dict[str, Any]:
        with policies.turn:
            policies.require_preview(body.bundle, body.preview)
            terms = body.model_dump(exclude={"assertions"}) | _now(tenant)
            terms |= {
                "revision": policies.revision(body.bundle),
                "previous": administration.previous("policy"),
            }
            return administration.said(policy_fact(**terms, assertions=body.assertions), body.assertions)

    return routes


def administration_routes(administration: Administration, tenant: str) -> Routes:
    """Return the routes for what administrators say; without assertions they answer what there is to sign.

    A role is of the tenant the request acts in; credentials and policy are of `tenant`, the platform's own.
    """
    routes = Routes("/v1")

    @routes.post("/roles", permission="identity/change-role", body_limit=SMALL)
    def roles(body: RoleBody, caller: Annotated[Caller, Depends(calling)]) -> dict[str, Any]:
        terms = body.model_dump(exclude={"assertions"}) | _now(caller.tenant)
        terms["previous"] = administration.previous(role_about(caller.tenant, body.person, body.role))
        return administration.said(role_fact(**terms, assertions=body.assertions), body.assertions)

    @routes.post("/credentials", permission="identity/bind-credential", body_limit=SMALL)
    def credentials(body: CredentialBody) -> dict[str, Any]:
        terms = body.model_dump(exclude={"assertions"}) | _now(tenant)
        terms["previous"] = administration.previous(credential_about(body.person, body.credential_id))
        return administration.said(credential_fact(**terms, assertions=body.assertions), body.assertions)

    return routes


def _now(tenant: str) -> dict[str, str]:
    return {"tenant": tenant, "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
