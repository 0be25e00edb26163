"""Training and the evaluator on real parts, with runs in real Ray clusters.

Real: Vault's development server, the ledger, policy as Wasm, features' own release of keys and rows, TLS on
loopback where a run connects. A feature set is sealed and stated without Feast; MLflow is a record of what it
was told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import polars as pl
from fastapi import FastAPI

from assay.contracts import DatasetBatch, Fact, FactKind, FeatureSet, SpiffeId
from assay.errors import Unavailable
from assay.identity.certificates import new_key, request_for
from assay.identity.grants import mint
from assay.identity.person import PersonIdentity
from assay.identity.workload import WorkloadIdentity
from assay.objects import Objects
from assay.sealed import SealedTables
from assay.web.app import build_app
from assay.web.client import call
from assay.web.server import Listener, ListeningServer, listening_server
from assay_laptop.platform.addresses import free_ports
from services.features.app import build as build_features
from services.features.settings import FeatureSettings
from services.training.api import people_routes, run_routes
from services.training.app import joined
from services.training.domain import Run
from services.training.evaluator.api import routes as evaluator_routes
from services.training.evaluator.app import joined as joined_evaluator
from services.training.evaluator.settings import EvaluatorSettings
from services.training.inputs import Inputs
from services.training.settings import TrainingSettings
from services.training.usecases import Training
from tests.support.data import DANA, DataWorld, InProcess, RunningVault
from tests.support.ledger import DOMAIN, TIME

TRAINING_ACTS: Final = ("tracking/read", "tracking/write", "tracking/own-run")
FINAL: Final = ("succeeded", "failed")
DIGEST: Final = "0" * 64


@dataclass
class RecordedMlflow:
    """An `Experiments` that remembers what it was told."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: bool = False

    def begin(self, run: Run, inputs: Inputs, grant: str) -> str:
        """See `ports.Experiments`."""
        self._answer()
        name = f"mlflow-{run.id}"
        self.runs[name] = {
            "run": run,
            "inputs": inputs,
            "grant": grant,
            "steps": [],
            "files": {},
            "end": None,
        }
        return name

    def log(self, mlflow_run: str, step: int, metrics: Mapping[str, float], at_ms: int) -> None:  # noqa: ARG002
        """See `ports.Experiments`."""
        self._answer()
        self.runs[mlflow_run]["steps"].append((step, dict(metrics)))

    def attach(self, mlflow_run: str, name: str, files: Mapping[str, bytes]) -> None:
        """See `ports.Experiments`."""
        self._answer()
        self.runs[mlflow_run]["files"][name] = dict(files)

    def end(self, mlflow_run: str, *, succeeded: bool, tags: Mapping[str, str]) -> None:
        """See `ports.Experiments`."""
        self._answer()
        self.runs[mlflow_run]["end"] = (succeeded, dict(tags))

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("MLflow is down")


class NoViews:
    """Features without Feast: this world seals its feature sets itself."""


class TrainingWorld(DataWorld):
    """A data world with features and training on sockets, the evaluator, and dana, who starts runs."""

    def __init__(self, folder: Path, vault: RunningVault, **limits: Any) -> None:  # noqa: ANN401 - TrainingSettings
        super().__init__(folder, vault)
        self.mlflow = RecordedMlflow()
        self.ports = dict(zip(("features", "training"), free_ports(2), strict=True))
        self._features()
        self.training = self._training(limits)
        self._evaluator()
        self.dana = self._person(DANA)

    # ---- people

    def ask(self, method: str, path: str, *, service: str = "training", **sent: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask a service as dana, over its socket where it has one; raises its refusals."""
        if service not in self.ports:
            with self.reach(f"/people/{DANA}", service) as http:
                return call(http.request(method, path, **sent)).json()
        with self.dana.client(self.url(service), expect=service) as http:
            return call(http.request(method, path, **sent)).json()

    def grant(self) -> str:
        """Let training write to MLflow for dana."""
        identity = self.vault.login("identity")
        try:
            return mint(
                identity,
                issuer=_spiffe("/svc/core/identity"),
                person=DANA,  # type: ignore[arg-type]
                tenant="demo",
                service=_spiffe("/svc/core/training"),
                audience=["tracking"],
                actions=list(TRAINING_ACTS),
                now=int(time.time()),
                seconds=600,
            )
        finally:
            identity.close()

    def start(self, source: str | Mapping[str, str], feature_set: str, **changes: Any) -> str:  # noqa: ANN401 - JSON
        """Start a run as dana; returns its id."""
        files = {"train.py": source} if isinstance(source, str) else dict(source)
        body = {
            "experiment": "credit",
            "model": "credit-default",
            "source": files,
            "feature_set": feature_set,
        } | changes
        headers = {"Assay-Grant": self.grant()}
        return str(self.ask("POST", "/v1/runs", json=body, headers=headers)["run"])

    def ended(self, run: str, seconds: float = 240) -> dict[str, Any]:
        """Wait for a run's end and return it; the limit is against hanging alone."""
        until = time.monotonic() + seconds
        while True:
            seen: dict[str, Any] = self.ask("GET", f"/v1/runs/{run}")
            if seen["state"] in FINAL:
                return seen
            if time.monotonic() > until:
                raise TimeoutError(f"{run} is still {seen['state']}: {seen['progress']}")
            time.sleep(0.1)

    # ---- data

    def feature_set(self, train: pl.DataFrame, test: pl.DataFrame, names: tuple[str, ...]) -> str:
        """Seal rows (`names`, `label`) as a feature set of one batch, state both, return the set's fact."""
        batch = self.append(_batch("clients")).digest
        vault = self.vault.login("features")
        key = f"features-demo-{train.height}"
        vault.create_key(key, "aes256-gcm96")
        sealed = SealedTables(Objects(self._objects("features")), vault)
        parts = {"train": train, "test": test}
        splits = {name: sealed.seal(part.to_arrow(), key, name) for name, part in parts.items()}
        vault.close()
        body = FeatureSet(
            view="credit",
            definition=DIGEST,
            features=names,
            splits=splits,
            rows={name: part.height for name, part in parts.items()},
            as_of=("2005-10-01",),
            facts=(batch,),
            key=key,
            tags={},
            contributors=("p-feature-author",),
        )
        return self.append(
            Fact(
                kind=FactKind.FEATURE_SET,
                about=f"feature-set/demo/set-{train.height}",
                tenant="demo",
                time=TIME,
                body=body.model_dump(mode="json"),
                subjects=tuple(splits.items()),
            )
        ).digest

    # ---- services

    def url(self, service: str) -> str:
        """Return the address of a service that listens."""
        return f"https://127.0.0.1:{self.ports[service]}"

    def _objects(self, service: str) -> str:
        return f"file://{self.folder}/{service}-objects"

    def _given(self, service: str) -> dict[str, Any]:
        urls = {f"{name}_url": self.url(name) for name in self.ports}
        return self.settings(service).model_dump() | urls | {"run_dir": self.folder / "run" / service}

    def _features(self) -> None:
        parts = self.parts("features")
        app = build_features(parts, FeatureSettings(**self._given("features")), lambda _tenant: NoViews())  # type: ignore[arg-type, return-value]
        self._listen("features", app, self._identity("features"))

    def _training(self, limits: Mapping[str, Any]) -> Training:
        settings = TrainingSettings(**self._given("training") | dict(limits))
        parts = self.parts("training")
        identity = self._identity("training")
        parts = InProcess(**vars(parts) | {"identity": identity})
        training = joined(parts, settings, self.mlflow)
        self._undo.callback(parts.resources.close)
        routes = (people_routes(training, settings.max_workers), run_routes(training))
        self._listen("training", build_app(parts, *routes, title="training"), identity)
        return training

    def _evaluator(self) -> None:
        parts = self.parts("evaluator")
        evaluator = joined_evaluator(parts, EvaluatorSettings(**self._given("evaluator")))
        self._undo.callback(parts.resources.close)
        self.serve("evaluator", build_app(parts, evaluator_routes(evaluator), title="evaluator"))

    def _listen(self, service: str, app: FastAPI, identity: WorkloadIdentity) -> None:
        listener = Listener(service, app, self.ports[service], identity.server_context())
        listening = threading.Event()
        server = listening_server(listener, "127.0.0.1", lambda _server: listening.set())
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        listening.wait(30)
        self._undo.callback(_end, server, thread)
        self.serve(service, app)

    def _identity(self, service: str) -> WorkloadIdentity:
        vault = self.vault.login(service)
        self._undo.callback(vault.close)
        spiffe = _spiffe(f"/svc/core/{service}")
        identity = WorkloadIdentity.obtain(
            lambda csr: vault.sign_csr(service, csr, uri=str(spiffe), ttl_seconds=3600),
            spiffe=spiffe,
            ca_pem=vault.ca_pem(),
            run_dir=self.folder / "identity" / service,
        )
        self._undo.callback(identity.close)
        return identity

    def _person(self, person: str) -> PersonIdentity:
        vault = self.vault.login("identity")
        key = new_key()
        uri = str(_spiffe(f"/people/{person}"))
        chain = vault.sign_csr("people", request_for(key), uri=uri, ttl_seconds=3600, loopback=False)
        folder = self.folder / "people" / person
        identity = PersonIdentity.write(folder, key, chain, vault.ca_pem())
        vault.close()
        return identity


def _end(server: ListeningServer, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(15)


def _spiffe(path: str) -> SpiffeId:
    return SpiffeId.parse(f"spiffe://{DOMAIN}{path}")


def _batch(dataset: str) -> Fact:
    body = DatasetBatch(
        dataset=dataset,
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
    return Fact(
        kind=FactKind.BATCH,
        about=f"dataset/demo/{dataset}",
        tenant="demo",
        time=TIME,
        body=body.model_dump(mode="json"),
        subjects=(("snapshot", DIGEST),),
    )


def problem_of(answer: httpx.Response) -> str:
    """Return the name of a refusal."""
    return str(answer.json()["title"])
