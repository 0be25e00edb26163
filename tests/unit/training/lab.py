"""Training's use cases on a real ledger, SQLite and objects; clusters and MLflow are records of what they were told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from assay.contracts import DatasetBatch, Fact, FactKind, FeatureSet, PersonId, SpiffeId, sha256_hex
from assay.custody import Content, PackageFiles, inspect
from assay.database import engine
from assay.errors import Unavailable
from assay.ledger import Follower, Ledger, Record, SignerEntry
from assay.objects import Objects
from assay.web.caller import Caller
from services.training.adapters.runs_table import SqlRuns
from services.training.adapters.spool import SealedSpool
from services.training.asked import Asked
from services.training.domain import Run
from services.training.finish import Finisher
from services.training.inputs import Inputs
from services.training.ports import Credentials
from services.training.shelf import Packages
from services.training.source import Source
from services.training.usecases import Training
from tests.support.ledger import DOMAIN, TIME, House, revocation
from tests.support.training import RecordedMlflow
from tests.unit.training.made import NAMES, graph

DIGEST: Final = "0" * 64
NOW: Final = "2026-01-02T03:05:05.000Z"


class LabHouse(House):
    """A house in which data, features and the evaluator speak as well."""

    def signers(self) -> list[SignerEntry]:
        """Return who may say what."""
        return [
            *super().signers(),
            self._entry(FactKind.BATCH, "/svc/core/ingestion", "fact-dataset-batch"),
            self._entry(FactKind.FEATURE_SET, "/svc/core/features", "fact-feature-set"),
            self._entry(FactKind.EVALUATION, "/svc/core/evaluator", "fact-evaluation"),
        ]


@dataclass
class RecordedClusters:
    """A `Clusters` that starts nothing."""

    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    broken: OSError | None = None

    def start(self, run: Run, source: Source, inputs: Inputs, credentials: Credentials) -> None:  # noqa: ARG002
        """See `ports.Clusters`."""
        if self.broken is not None:
            raise self.broken
        self.started.append(run.id)

    def stop(self, run: str) -> None:
        """See `ports.Clusters`."""
        self.stopped.append(run)


class Away:
    """A ledger that may be away for some tries, or lose its answer; otherwise the real one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.away = 0
        self.lost = 0

    def append(self, fact: Fact) -> Record:
        """See `Ledger.append`."""
        if self.away:
            self.away -= 1
            raise Unavailable("the ledger is away")
        record = self._ledger.append(fact)
        if self.lost:
            self.lost -= 1
            raise Unavailable("the answer was lost")
        return record

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the ledger's
        return getattr(self._ledger, name)


class Inspector:
    """The real look into packages, once for each graph: every look costs a process."""

    def __init__(self) -> None:
        self._seen: dict[bytes, Content] = {}

    def __call__(self, files: PackageFiles) -> Content:
        """See `assay.custody.inspect`."""
        key = files["model.onnx"]
        if key not in self._seen:
            self._seen[key] = inspect(files)
        return self._seen[key]


INSPECTOR: Final = Inspector()


@dataclass
class Lab:
    """Training, dana, and one feature set of one batch."""

    folder: Path
    ground: Ground
    ledger: Away
    batch: str
    feature_set: str
    clusters: RecordedClusters = field(default_factory=RecordedClusters)
    mlflow: RecordedMlflow = field(default_factory=RecordedMlflow)
    pauses: list[float] = field(default_factory=list)

    @property
    def follower(self) -> Follower:
        """What training follows."""
        return self.ground.follower

    @property
    def objects(self) -> Objects:
        """Training's objects."""
        return Objects(f"file://{self.folder}/objects")

    def training(self, database: str = "training.db") -> Training:
        """Join training, as after a start."""
        runs = SqlRuns(engine(f"sqlite:///{self.folder}/{database}"))
        self.ground.relay.replay(runs)
        packages = Packages(self.objects)
        return Training(
            facts=self.follower,
            runs=runs,
            clusters=self.clusters,
            experiments=self.mlflow,
            checkpoints=SealedSpool(self.folder / "spool"),
            objects=self.objects,
            packages=packages,
            finisher=Finisher(
                facts=self.follower,
                ledger=self.ledger,
                objects=self.objects,
                packages=packages,
                builder=f"spiffe://{DOMAIN}/svc/core/training",
                environment=lambda: {"python": "3.11", "distributions": DIGEST},
                pause=self.pauses.append,
                inspect=INSPECTOR,
            ),
            credentials=lambda _run, _set: Credentials("key", "chain", "order"),
            now=lambda: NOW,
            now_ms=lambda: 1,
            max_running=2,
        )

    def asked(self, **changes: Any) -> Asked:  # noqa: ANN401 - what is asked for
        """Return what dana asks for."""
        told: dict[str, Any] = {
            "experiment": "credit",
            "model": "credit-default",
            "source": Source.checked({"train.py": "def train(run): ..."}, "train.py"),
            "feature_set": self.feature_set,
            "parameters": {"seed": 7},
            "workers": 2,
            "most_workers": 4,
        }
        return Asked.checked(**told | changes)

    def started(self, training: Training) -> str:
        """Start a run as dana; return its id."""
        return training.start(self.asked(), by=dana()).id

    def offered(
        self, training: Training, model: bytes | None = None, claims: dict[str, float] | None = None
    ) -> str:
        """Start a run that offers one candidate; return its id."""
        run = self.started(training)
        offer(training, run, model=model, claims=claims or {"validation_auc": 0.7})
        return run


def offer(
    training: Training, run: str, *, model: bytes | None = None, claims: dict[str, float], name: str = "final"
) -> None:
    """Offer a candidate, as a run's worker does."""
    made = graph() if model is None else model
    training.take(run, f"candidates/{name}.onnx", made)
    told = {"graph": sha256_hex(made), "claims": claims, "threshold": 0.5}
    training.take(run, f"candidates/{name}.json", json.dumps(told).encode())


def dana(*, handed: str | None = "a grant") -> Caller:
    """Return dana's own call, with the grant she hands over."""
    identity = SpiffeId.parse(f"spiffe://{DOMAIN}/people/p-dana")
    return Caller(identity, PersonId("p-dana"), frozenset({"data-scientist"}), handed=handed)


class Relay:
    """One projection of a follower that many short-lived ones stand behind."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._next = 0
        self._behind: list[SqlRuns] = []
        follower.subscribe(self)

    def applied(self) -> int:
        """See `assay.ledger.Projection`."""
        return self._next

    def apply(self, record: Record) -> None:
        """See `assay.ledger.Projection`."""
        self._next = record.index + 1
        for each in self._behind:
            each.apply(record)

    def replay(self, runs: SqlRuns) -> None:
        """Apply what there is and what is to come, as `Follower.subscribe` does."""
        for record in self._follower.records():
            if record.index >= runs.applied():
                runs.apply(record)
        self._behind.append(runs)

    def forget(self) -> None:
        """Leave everybody behind."""
        self._behind.clear()


@dataclass
class Ground:
    """A ledger, and labs on it that share nothing else."""

    say: Callable[[Fact], Record]
    ledger: Ledger
    evaluators: Ledger
    follower: Follower
    following: Follower
    relay: Relay
    labs: int = 0

    def lab(self, folder: Path) -> Lab:
        """Return a lab with a feature set and a batch of its own."""
        self.labs += 1
        self.relay.forget()
        batch = self.append(batch_fact(self.labs)).digest
        feature_set = self.append(feature_set_fact(batch, self.labs)).digest
        return Lab(folder, self, Away(self.ledger), batch, feature_set)

    def append(self, fact: Fact) -> Record:
        """Append a fact as whoever may say it, and have both followers know it."""
        record = self.say(fact)
        for follower in (self.follower, self.following):
            while follower.record(record.digest) is None:
                follower.catch_up()
        return record


@contextmanager
def opened(folder: Path) -> Iterator[Ground]:
    """Open a ledger."""
    house = LabHouse(folder)
    with ExitStack() as undo:
        log = undo.enter_context(house.open(lease_seconds=60))
        house.found(log)
        ledger, evaluators = (
            undo.enter_context(house.client(log, f"/svc/core/{name}")) for name in ("training", "evaluator")
        )
        follower, following = (Follower(each, house.root, lease_seconds=60) for each in (ledger, evaluators))
        undo.callback(follower.close)
        undo.callback(following.close)
        follower.catch_up()

        def say(fact: Fact) -> Record:
            return log.append(house.signer.sign(fact))

        yield Ground(say, ledger, evaluators, follower, following, Relay(follower))


def batch_fact(number: int) -> Fact:
    """Return a batch somebody pushed."""
    body = DatasetBatch(
        dataset=f"clients-{number}",
        batch="2005-10",
        media_type="text/csv",
        rows=1,
        quarantined=0,
        columns={},
        tags={},
        suite=DIGEST,
        result=DIGEST,
        success=True,
        source="test",
        key="batch-demo-clients-1",
        openlineage=DIGEST,
        contributors=("p-batch-pusher",),
    )
    return Fact(FactKind.BATCH, f"dataset/demo/clients-{number}", "demo", TIME, body.model_dump(mode="json"))


def feature_set_fact(batch: str, number: int) -> Fact:
    """Return a feature set somebody built of it."""
    body = FeatureSet(
        view="credit",
        definition=DIGEST,
        features=NAMES,
        splits={"train": "1" * 64, "test": "2" * 64},
        rows={"train": 8, "test": 2},
        as_of=("2005-10-01",),
        facts=(batch,),
        key="features-demo-1",
        tags={},
        contributors=("p-feature-author",),
    )
    return Fact(
        FactKind.FEATURE_SET, f"feature-set/demo/set-{number}", "demo", TIME, body.model_dump(mode="json")
    )


def revoke(lab: Lab, digest: str) -> None:
    """Revoke a fact."""
    lab.ground.append(revocation(digest))
