"""What serving does: roll out, roll back, tell, and certify its predictors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assay.contracts import Alias, Environment, Fact, FactKind, Rollout, SpiffeId, Version, body_of
from assay.custody import Judgement
from assay.errors import BadRequest, ServiceError, Stale, Unavailable, refusal_from
from assay.ledger import Ledger, Record
from assay.policy import Policy
from assay.web.caller import Caller
from services.serving.domain import Endpoint, Place, Said
from services.serving.errors import (
    NothingBefore,
    NotThatPredictor,
    RolloutFailed,
    Superseded,
    UnknownEndpoint,
    UnknownVersion,
)
from services.serving.ports import ControlPlane, Judge, Predictors

TENANT = "demo"


class Facts(Protocol):
    """What serving reads of the ledger: its follower."""

    def head(self, about: str) -> Record | None:
        """Return the newest record about something."""

    def record(self, digest: str) -> Record | None:
        """Return a record."""

    def records(self, kind: FactKind | None = None, about_prefix: str = "") -> list[Record]:
        """Return records in log order."""

    def catch_up(self) -> int:
        """Read up to the newest checkpoint."""


@dataclass(frozen=True)
class Wanted:
    """Which version: a number, or an alias of the environment."""

    model: str
    number: int | None = None
    alias: str | None = None


@dataclass(frozen=True)
class Endpoints:
    """Every endpoint of the trust domain. `sign` gives a predictor its certificate; `now` is RFC 3339."""

    facts: Facts
    ledger: Ledger
    policy: Policy
    judge: Judge
    control: ControlPlane
    predictors: Predictors
    sign: Callable[[Place, str], str]
    now: Callable[[], str]
    tenant: str = TENANT

    def roll_out(self, place: Place, wanted: Wanted, reason: str, *, by: Caller) -> dict[str, Any]:
        """Have an endpoint answer with a version whose gate is met; returns when its predictor does."""
        self.facts.catch_up()  # what the caller just did elsewhere counts here
        version = self._version(place.environment, wanted)
        tier = body_of(version.fact, Version).tier
        known = {"model": wanted.model, "tier": tier, "tenant": version.fact.tenant}
        self.policy.require("serving/rollout", by, _resource(place, **known))
        return self._bring_about(place, self._say(place, version.digest, reason))

    def roll_back(self, place: Place, reason: str, *, by: Caller) -> dict[str, Any]:
        """Return an endpoint to the version before, judged anew."""
        self.policy.require("serving/rollback", by, _resource(place))
        self.facts.catch_up()
        endpoint = self.endpoint(place)
        return self._bring_about(place, self._say(place, endpoint.before().rollout.version, reason))

    def view(self, place: Place) -> dict[str, Any]:
        """Return what an endpoint should answer with, where, and whether it does."""
        return self._view(self.endpoint(place))

    def views(self) -> list[dict[str, Any]]:
        """Return every endpoint."""
        return [self._view(self.endpoint(place)) for place in self.places()]

    def certificate(self, csr_pem: str, *, by: SpiffeId) -> str:
        """Renew a predictor's certificate: the caller's own identity, of an endpoint that exists."""
        place = Place.of(by)
        if place is None or self.facts.head(place.about) is None:
            raise NotThatPredictor(f"{by} is no predictor of a rolled-out endpoint")
        return self.sign(place, csr_pem)

    def restore(self) -> None:
        """Have every endpoint's predictor run again after a restart."""
        for place in self.places():
            self.control.ensure(place)

    def places(self) -> list[Place]:
        """Return where anything was ever rolled out."""
        records = self.facts.records(FactKind.ROLLOUT, "endpoint/")
        return sorted({_place(r.fact) for r in records}, key=lambda place: place.about)

    def endpoint(self, place: Place) -> Endpoint:
        """Return an endpoint's history; raises UnknownEndpoint."""
        records = [r for r in self.facts.records(FactKind.ROLLOUT, place.about) if r.about == place.about]
        if not records:
            raise UnknownEndpoint(f"nothing was ever rolled out at {place.about}")
        return Endpoint(place, tuple(Said(r.digest, body_of(r.fact, Rollout)) for r in records))

    def _version(self, environment: Environment, wanted: Wanted) -> Record:
        if (wanted.number is None) is (wanted.alias is None):
            raise BadRequest("name a version by `number` or by `alias`, and not by both")
        if wanted.alias is not None:
            head = self.facts.head(f"alias/{environment.value}/{wanted.model}@{wanted.alias}")
            alias = body_of(head.fact, Alias) if head else None
            found = self.facts.record(alias.version) if alias and not alias.ended else None
        else:
            about = f"model/{self.tenant}/{wanted.model}"
            chain = [r for r in self.facts.records(FactKind.VERSION, about) if r.about == about]
            found = next((r for r in chain if body_of(r.fact, Version).number == wanted.number), None)
        if found is None:
            raise UnknownVersion(f"there is no {wanted.model} {wanted.number or '@' + str(wanted.alias)}")
        return found

    def _say(self, place: Place, version: str, reason: str) -> Said:
        """Append the rollout: the commit, before anything loads."""
        judgement = self.judge.judged(version, place)
        head = self.facts.head(place.about)
        rollout = _rollout(place, judgement, reason)
        record = self.ledger.append(
            Fact(
                kind=FactKind.ROLLOUT,
                about=place.about,
                tenant=self.tenant,
                time=self.now(),
                body=rollout.model_dump(mode="json"),
                subjects=((f"{rollout.model}/{rollout.number}", rollout.package),),
                environment=place.environment,
                previous=head.digest if head else None,
            )
        )
        self.facts.catch_up()
        return Said(record.digest, rollout)

    def _bring_about(self, place: Place, said: Said) -> dict[str, Any]:
        self.control.ensure(place)
        if refusal := self._refusal(place, said):
            raise self._put_back(place, said, refusal)
        return {"fact": said.digest, **self._view(self.endpoint(place))}

    def _refusal(self, place: Place, said: Said) -> ServiceError | None:
        """Return why the predictor did not take a rollout; raises Superseded when a newer one was said."""
        try:
            state = self.predictors.settled(place, said.digest)
        except Unavailable as refusal:
            return refusal
        if state["rollout"] == said.digest:
            return None
        if (head := self.facts.head(place.about)) and head.digest != said.digest:
            raise Superseded(f"{place.about} was rolled out to {head.digest[:12]} meanwhile")
        return refusal_from((state["failure"] or {}).get("problem") or state["reason"] or {})

    def _put_back(self, place: Place, failed: Said, refusal: ServiceError) -> RolloutFailed:
        """Follow a failed rollout by the next one: the version before, if there is one that stands."""
        name = f"{type(refusal).__name__}: {refusal.detail}"
        told: dict[str, Any] = {"problem": refusal.problem(), "fact": failed.digest}
        try:
            before = self.endpoint(place).before()
            back = self._say(place, before.rollout.version, f"{failed.digest[:12]} failed: {name}"[:300])
        except NothingBefore:
            return RolloutFailed(f"{name}; nothing was there before, the endpoint does not answer", **told)
        except ServiceError as error:
            return RolloutFailed(f"{name}; it could not be put back: {error.detail}", **told)
        self._refusal(place, back)
        return RolloutFailed(f"{name}; {place.about} is back at version {back.rollout.number}", **told)

    def _view(self, endpoint: Endpoint) -> dict[str, Any]:
        place, current = endpoint.place, endpoint.said[-1]
        state, predictor = self._state(place, current)
        return {
            "environment": place.environment.value,
            "endpoint": place.name,
            "url": self.control.url(place),
            "model": current.rollout.model,
            "number": current.rollout.number,
            "rollout": current.digest,
            "state": state,
            "predictor": predictor,
        }

    def _state(self, place: Place, current: Said) -> tuple[str, Mapping[str, Any] | None]:
        try:
            state = self.predictors.state(place)
        except Stale:
            return "stale", None
        except Unavailable:
            return "starting", None
        if state["rollout"] == current.digest:
            return "answering", state
        failure = state["failure"]
        if failure and failure["rollout"] == current.digest:
            return "failed", state
        return ("stopped" if state["state"] == "stopped" else "loading"), state


def _rollout(place: Place, judgement: Judgement, reason: str) -> Rollout:
    version = judgement.chain.body
    return Rollout(
        endpoint=place.name,
        model=version.model,
        number=version.number,
        version=judgement.chain.version.digest,
        package=version.package,
        approvals=tuple(approval.record.digest for approval in judgement.approvals),
        evidence=tuple(judgement.evidence),
        policy=judgement.verdict.revision,
        reason=reason,
    )


def _place(fact: Fact) -> Place:
    _, environment, name = fact.about.split("/")
    return Place(Environment(environment), name)


def _resource(place: Place, **more: str) -> dict[str, str]:
    return {"environment": place.environment.value, "endpoint": place.name, **more}
