"""Registry, serving and one predictor on one desk, without listeners: what an attacker wants is that it answers.

Version 1 is approved, the champion and answers; version 2 is registered and measured, and nobody approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from assay.contracts import FactKind
from assay.custody import PackageFiles, VerifiedPackage, package_digest
from assay.errors import ServiceError
from assay.ledger import Record
from services.predictor.adapters.custody import RegistryCustody
from services.predictor.endpoint import Endpoint
from services.predictor.rollouts import Rollouts
from services.serving.adapters.custody import CustodyJudge
from services.serving.domain import Place
from services.serving.usecases import Endpoints, Wanted
from tests.unit.custody.world import ENDPOINT, MODEL, World
from tests.unit.registry.desk import PROD, Desk

PLACE = Place(PROD, ENDPOINT)


@dataclass
class Loaded:
    """A model that was loaded: whatever bytes the loader was given."""

    files: PackageFiles
    inputs: tuple[()] = ()
    outputs: tuple[()] = ()

    @classmethod
    def of(cls, package: VerifiedPackage) -> Loaded:
        """Load what was verified."""
        return cls(package.files)

    def run(self, arrays: Mapping[str, Any]) -> tuple[()]:  # noqa: ARG002 - a `Model`
        """Answer nothing."""
        return ()


class Stand:
    """What is attacked. `allowed` are the packages that may answer."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(World(folder), folder)
        world, self.answers = self.desk.world, 0
        self.desk.trained()
        first = self.desk.register()
        self.desk.approved()
        self.desk.promote()
        self.allowed = {first.fact.body["package"]}
        self.http = httpx.Client(
            transport=httpx.MockTransport(self._answer), base_url="https://registry.test"
        )
        custody = RegistryCustody(self.http, world.follower, world.root, world.policy, now_ns=world.now_ns)
        self.endpoint = Endpoint("prod", ENDPOINT)
        self.rollouts = Rollouts(world.follower, custody, self.load, self.endpoint)
        judge = CustodyJudge(self.http, world.follower, world.root, world.policy, now_ns=world.now_ns)
        self.serving = Endpoints(
            facts=world.follower,
            ledger=world.log,
            policy=world.policy,
            judge=judge,
            control=self,
            predictors=self,
            sign=lambda _place, _csr: "",
            now=world.time,
        )
        self.roll_out(number=1)
        self.first = self.desk.world.log.head(PLACE.about)
        self.desk.trained(run="run-2")
        self.desk.register(run="run-2")

    def roll_out(self, *, number: int | None = None, alias: str | None = None, by: str = "ada") -> None:
        """Ask serving for it."""
        self.serving.roll_out(PLACE, Wanted(MODEL, number, alias), "a test", by=self.desk.person(by))

    def version(self, number: int) -> Record:
        """Return a version's fact, from the log."""
        found = self.desk.world.follower.records(FactKind.VERSION)
        return next(one for one in found if one.fact.body["number"] == number)

    def say_rollout(self, **changed: object) -> Record:
        """Say a rollout with serving's own key; `changed` members beside those of the first one."""
        body = {**self.standing.fact.body, **changed}
        return self.desk.world.say(FactKind.ROLLOUT, PLACE.about, body, environment=PROD)

    @property
    def standing(self) -> Record:
        """The rollout of version 1."""
        assert self.first is not None
        return self.first

    def names(self, number: int) -> dict[str, object]:
        """Return the members of a rollout that name a version and its evidence."""
        judged = self.desk.registry.judged(MODEL, number, PROD)
        return {
            "number": number,
            "version": judged.chain.version.digest,
            "package": judged.chain.body.package,
            "evidence": list(judged.evidence),
        }

    def load(self, package: VerifiedPackage) -> Loaded:
        """Load what was verified."""
        return Loaded.of(package)

    def answers_unapproved(self) -> bool:
        """Say whether the endpoint answers with bytes that may not; its predictor looks once more."""
        try:
            self.rollouts.step()
        except ServiceError:
            return False
        answering = self.endpoint.answering
        if answering is None:
            return False
        assert isinstance(answering.model, Loaded)
        return package_digest(answering.model.files) not in self.allowed

    # ---- serving's control plane and predictors: the one predictor, at once

    def ensure(self, place: Place) -> None:
        """See `ControlPlane`."""

    def url(self, place: Place) -> str | None:  # noqa: ARG002 - a `ControlPlane`
        """See `ControlPlane`."""
        return None

    def close(self) -> None:
        """See `ControlPlane`."""
        self.http.close()

    def state(self, place: Place) -> Mapping[str, Any]:  # noqa: ARG002 - `Predictors`
        """See `Predictors`."""
        return self.endpoint.state()

    def settled(self, place: Place, rollout: str) -> Mapping[str, Any]:  # noqa: ARG002 - `Predictors`
        """See `Predictors`."""
        self.rollouts.step()
        return self.endpoint.state()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as the registry's routes of packages do."""
        registry = self.desk.registry
        _, _, _, digest, *rest = request.url.path.split("/")
        try:
            if not rest:
                return httpx.Response(
                    200, json={"package": digest, "files": registry.packages.manifest(digest)}
                )
            if rest == ["signature"]:
                signature = registry.of_package(digest).signature
                return httpx.Response(200, content=registry.packages.signature(signature))
            return httpx.Response(200, content=registry.packages.file(digest, "/".join(rest[1:])))
        except ServiceError as refusal:
            return httpx.Response(refusal.status, json=refusal.problem())
