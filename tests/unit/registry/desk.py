"""The registry's use cases over real parts: tables in a folder, objects in a folder, the rules, a log in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.contracts import Assertion, Environment, Fact, PersonId, SpiffeId
from assay.custody import inspect, package_digest
from assay.custody.content import admitted
from assay.custody.onnx_worker import judge
from assay.database import engine
from assay.errors import NotFound
from assay.identity.statements import APPROVAL
from assay.ledger import Record
from assay.objects import Objects
from assay.web.caller import Caller
from services.registry.adapters.cyclonedx import CycloneDxBoms
from services.registry.adapters.drafts_table import SqlDrafts
from services.registry.adapters.tables import SqlShelf
from services.registry.asking import Asking
from services.registry.believing import Believed
from services.registry.deciding import Deciding
from services.registry.evidence.stating import Stating
from services.registry.packages import Packages
from services.registry.registering import Registering
from services.registry.usecases import Registry
from tests.unit.custody.graphs import package
from tests.unit.custody.world import DOMAIN, MODEL, TENANT, World

PROD = Environment.PROD


class Shelves:
    """What training hands out: (run, checkpoint) -> files."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], dict[str, bytes]] = {}
        self.asked = 0

    def package(self, run: str, checkpoint: str) -> dict[str, bytes]:
        """See `ports.Runs.package`."""
        self.asked += 1
        try:
            return self.given[run, checkpoint]
        except KeyError as error:
            raise NotFound(f"no {run} {checkpoint}") from error


class Raced:
    """The log, where another replica is a moment earlier than our first append."""

    def __init__(self, world: World, earlier: Callable[[], object]) -> None:
        self._world, self._earlier = world, earlier
        self._raced = False

    def append(self, fact: Fact) -> Record:
        """Let the other replica go first, once."""
        if not self._raced:
            self._raced = True
            self._earlier()
        return self._world.log.append(fact)


class Desk:
    """A registry on its own folder, over a world's log."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.runs = Shelves()
        self.objects = Objects(f"file://{folder}/objects")
        self.open()

    def open(self) -> None:
        """Open the tables as at a start: they catch up with the log."""
        self.database = engine(f"sqlite:///{self.folder}/registry.db")
        shelf = SqlShelf(self.database, TENANT)
        self.world.follower.subscribe(shelf)
        world = self.world
        self.registry = Registry(
            tenant=TENANT,
            root=world.root,
            ledger=world.log,
            log=world.follower,
            policy=world.policy,
            packages=Packages(self.objects, world.vault, TENANT),
            believed=Believed(shelf, world.follower, TENANT),
            now=world.time,
            now_ns=world.now_ns,
        )
        self.registering = Registering(
            self.registry,
            self.runs,
            world.vault,
            lambda files: inspect(files, parse=lambda path, data: admitted(path, judge(data))),
        )
        self.stating = Stating(self.registry, CycloneDxBoms())
        self.deciding = Deciding(self.registry, 30)
        self.asking = Asking(self.registry, SqlDrafts(self.database), lambda: world.now_ns() / 1e9)

    def raced_by(self, earlier: Callable[[], object]) -> Registry:
        """Return the registry as a replica that comes second: `earlier` happens before its first append."""
        return replace(self.registry, ledger=Raced(self.world, earlier))  # type: ignore[arg-type]

    def person(self, name: str) -> Caller:
        """Return a person as the edge would, by their own certificate."""
        person = self.world.person(name)
        identity = SpiffeId.parse(f"spiffe://{DOMAIN}/people/{person}")
        roles = self.world.follower.roles(person, TENANT)
        return Caller(identity, PersonId(person), roles, tenant=TENANT, platform=True, signed_in=time.time())

    def service(self, name: str) -> Caller:
        """Return a service without a grant."""
        return Caller(
            SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/{name}"),
            None,
            frozenset(),
            tenant=TENANT,
            platform=True,
        )

    def trained(self, *checkpoints: str, run: str = "run-1", evaluated: bool = True, **said: Any) -> Record:  # noqa: ANN401
        """Have a run make a package for each checkpoint, and the evaluator measure them."""
        world = self.world
        features = world.feature_set(world.batch(), name=f"fs-{run}")
        made = {}
        for name in checkpoints or ("epoch-3",):
            files = package(datasets=(features.digest,), README_md=f"{run} {name}".encode())
            self.runs.given[run, name] = files
            made[name] = package_digest(files)
        record = world.run(features, made, run=run, **said)
        for digest in made.values() if evaluated else ():
            world.evaluation(record, digest, features)
        return record

    def register(
        self, checkpoint: str = "epoch-3", *, run: str = "run-1", by: str = "dana", model: str = MODEL
    ) -> Record:
        """Register a checkpoint."""
        return self.registering.register(
            model, run=run, checkpoint=checkpoint, tier="limited", by=self.person(by)
        )

    def signed(
        self, name: str, number: int = 1, verb: str = "approve", *, changed: dict[str, object] | None = None
    ) -> Assertion:
        """Have a person sign what the registry shows them; `changed` members are theirs."""
        statement = self.deciding.statement(
            MODEL, number, PROD, verb=verb, role="approver", by=self.person(name)
        )
        assert statement["type"] == APPROVAL
        return self.world.people[name].passkey.assert_({**statement, **(changed or {})})

    def say(self, name: str, number: int = 1, verb: str = "approve") -> Record:
        """Sign and hand in."""
        return self.deciding.hand_in(self.signed(name, number, verb), by=self.person(name))

    def approved(self, number: int = 1) -> None:
        """Have both approvers approve."""
        for name in ("amir", "bea"):
            self.say(name, number)

    def promote(self, number: int = 1, alias: str = "champion", **more: Any) -> Record:  # noqa: ANN401
        """Move an alias of prod as ada."""
        return self.registry.promote(
            MODEL, alias, number=number, environment=PROD, by=self.person("ada"), **more
        )

    def execute(self, statement: str) -> None:
        """Change the tables behind the registry's back."""
        with self.database.begin() as connection:
            assert connection.exec_driver_sql(statement).rowcount > 0
