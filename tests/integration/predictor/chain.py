"""A real chain of custody with a real model in its packages, and a registry that hands its bytes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from assay.contracts import Environment, canonical
from assay.custody import Judgement, VerifiedPackage, manifest, package_digest
from assay.errors import ServiceError
from assay.ledger import Record
from assay.web.problems import MEDIA_TYPE
from services.predictor.adapters.custody import RegistryCustody
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.endpoint import Endpoint
from services.predictor.rollouts import Rollouts
from tests.integration.predictor.models import logistic
from tests.unit.custody.examples import example_files
from tests.unit.custody.world import World

Tamper = Callable[[str, bytes], bytes]


@dataclass
class Registered:
    """A version whose gate wants nothing but approvals."""

    package: str
    files: dict[str, bytes]
    record: Record
    signature: bytes


@dataclass
class Registry:
    """What the registry answers over HTTP; `tamper(path, body)` changes answers, `down` ends them.

    `refuses` is what it answers instead, as a service of ours renders it.
    """

    held: dict[str, Registered] = field(default_factory=dict)
    down: bool = False
    refuses: ServiceError | None = None
    tamper: Tamper = field(default=lambda _path, body: body)
    asked: list[str] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """Return a client of it."""
        return httpx.Client(transport=httpx.MockTransport(self._answer), base_url="https://registry.test")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if self.down:
            raise httpx.ConnectError("down", request=request)
        if self.refuses:
            body = canonical(self.refuses.problem())
            return httpx.Response(self.refuses.status, content=body, headers={"content-type": MEDIA_TYPE})
        _, _, _, digest, *rest = path.split("/")
        one = self.held[digest]
        match rest:
            case []:
                body = httpx.Response(200, json={"package": digest, "files": manifest(one.files)}).content
            case ["signature"]:
                body = one.signature
            case ["files", name]:
                body = one.files[name]
            case _:
                return httpx.Response(404)
        return httpx.Response(200, content=self.tamper(path, body))


def registered(world: World, features: Record, model: bytes) -> Registered:
    """Register and evaluate a version of its own run; nobody has approved it."""
    files = example_files((features.digest,), weights=model)
    package = package_digest(files)
    run = world.run(features, {"last": package}, run=f"run-{package[:8]}")
    world.evaluation(run, package, features)
    record, signature = world.version(run, "last", files)
    return Registered(package, files, record, signature)


class Chain:
    """One world, its registry and one endpoint's predictor without a listener."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.registry = Registry()
        self.http = self.registry.client()
        world = self.world
        self.features = world.feature_set(world.batch("2005-04"), world.batch("2005-05"))
        self.endpoint = Endpoint("prod", "credit")
        self.custody = RegistryCustody(
            self.http, world.follower, world.root, world.policy, now_ns=world.now_ns
        )
        self.judged = 0
        self.breaks = False
        self.rollouts = Rollouts(world.follower, self, OnnxModel, self.endpoint, retry_seconds=0.05)
        world.follower.subscribe(self.rollouts)

    def verified(self, rollout: Record) -> VerifiedPackage:
        """See `ports.Custody`."""
        return self.custody.verified(rollout)

    def recheck(self, package: VerifiedPackage) -> Judgement:
        """See `ports.Custody`; counted, and broken when the test says so."""
        self.judged += 1
        if self.breaks:
            raise RuntimeError("a bug")
        return self.custody.recheck(package)

    def version(
        self, weights: tuple[float, ...] = (0.5, -1.0, 2.0), *, model: bytes | None = None
    ) -> Registered:
        """Register and evaluate a version of its own run; nobody has approved it."""
        version = registered(self.world, self.features, model or logistic(weights))
        self.registry.held[version.package] = version
        return version

    def approve(self, version: Registered) -> list[Record]:
        """Have both approvers approve a version for prod."""
        judged = self.world.judge(version.record, version.files, Environment.PROD)
        return [self.world.approve(judged, name) for name in ("amir", "bea")]

    def roll_out(self, version: Registered, **changed: object) -> Record:
        """Say a rollout of it, whatever the gate says."""
        judged = self.world.judge(version.record, version.files, Environment.PROD)
        return self.world.rollout(judged, **changed)

    def approved(self, weights: tuple[float, ...] = (0.5, -1.0, 2.0)) -> Registered:
        """Return a version that both approvers approved."""
        version = self.version(weights)
        self.approve(version)
        return version

    def close(self) -> None:
        """Close the connection."""
        self.http.close()
