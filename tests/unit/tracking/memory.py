"""MLflow in memory: runs, logged models and artifacts, as far as the front looks at them; it keeps what it is asked.

`check` is what the front relies on. It holds of this and of the real server.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote

import httpx
import pytest

from services.tracking.errors import TrackingDown, UnknownEntity
from services.tracking.ports import JSON, OCTETS, Answer, Mlflow

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
ABSENT = Answer(404, JSON, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}')


@dataclass(frozen=True)
class Asked:
    """A request as it arrives on MLflow's socket, decoded once as its server does."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None


@dataclass
class MemoryMlflow:
    """See `services.tracking.ports.Mlflow`."""

    asked: list[Asked] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    graphql: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    _ids: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Answer:
        """Answer what makes and shows runs and logged models; everything else is only noted."""
        heard = self._heard(method, path, tuple(query or ()), body)
        match (heard.method, heard.path.removeprefix(API)):
            case ("POST", "/runs/create"):
                return _json({"run": self._kept(self.runs, f"{self._ids():032x}", "data", body)})
            case ("POST", "/logged-models"):
                return _json({"model": self._kept(self.models, f"m-{self._ids():032x}", "info", body)})
            case ("GET", "/runs/get"):
                run = self.runs.get(dict(heard.query).get("run_id", ""))
                return _json({"run": run}) if run else ABSENT
            case ("GET", other) if model := re.fullmatch(r"/logged-models/([^/]+)", other):
                found = self.models.get(model[1])
                return _json({"model": found}) if found else ABSENT
            case ("POST", "/graphql"):
                return _json(self.graphql)
        return _json({})

    def store(self, path: str, content: IO[bytes]) -> Answer:
        """Keep a file."""
        heard = self._heard("PUT", path)
        self.files[heard.path.removeprefix(f"{ARTIFACTS}/")] = content.read()
        return Answer(200, OCTETS, b"")

    def fetch(self, path: str, into: IO[bytes], query: list[tuple[str, str]] | None = None) -> Answer:
        """Hand a file out; what pages ask for by `path` is any file of that name."""
        heard = self._heard("GET", path, tuple(query or ()))
        if query:
            into.write(self.files.get(str(dict(query).get("path")), b""))
            return Answer(200, OCTETS, b"")
        kept = self.files.get(heard.path.removeprefix(f"{ARTIFACTS}/"))
        if kept is None:
            return ABSENT
        into.write(kept)
        return Answer(200, OCTETS, b"")

    def document(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """Show a document."""
        answer = self.ask("GET", path, query=query)
        if answer.status != 200:
            raise UnknownEntity("there is none")
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def _heard(
        self, method: str, path: str, query: tuple[tuple[str, str], ...] = (), body: object = None
    ) -> Asked:
        if self.down:
            raise TrackingDown("it is down")
        raw = httpx.Request(method, f"http://localhost{path}").url.raw_path.decode()
        heard = Asked(method, unquote(raw), query, body)
        self.asked.append(heard)
        return heard

    def _kept(self, where: dict[str, Any], name: str, part: str, said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        where[name] = {"info": {"run_id": name, "model_id": name}}
        where[name].setdefault(part, {})["tags"] = said.get("tags", [])
        made: dict[str, Any] = where[name]
        return made


def _json(document: object) -> Answer:
    return Answer(200, JSON, json.dumps(document).encode())


def check(mlflow: Mlflow, experiment: str) -> None:
    """Assert what the front relies on of MLflow."""
    tags = [{"key": "assay.owner", "value": "p-dana"}]
    new = {"experiment_id": experiment, "tags": tags, "user_id": "p-dana"}
    run = json.loads(mlflow.ask("POST", f"{API}/runs/create", body=new).body)["run"]["info"]["run_id"]
    made = mlflow.ask("POST", f"{API}/logged-models", body={**new, "source_run_id": run}).body
    model = json.loads(made)["model"]["info"]["model_id"]
    shown = mlflow.document(f"{API}/runs/get", [("run_id", run)])["run"]["data"]["tags"]
    assert tags[0] in shown
    assert tags[0] in mlflow.document(f"{API}/logged-models/{model}")["model"]["info"]["tags"]
    with pytest.raises(UnknownEntity):
        mlflow.document(f"{API}/runs/get", [("run_id", "f" * 32)])
    with pytest.raises(UnknownEntity):
        mlflow.document(f"{API}/logged-models/m-{'f' * 32}")
    place = f"{ARTIFACTS}/{experiment}/{run}/artifacts/a folder/ä.txt"
    assert mlflow.store(place, BytesIO(b"\x00" * 100_000)).status == 200
    got = BytesIO()
    assert mlflow.fetch(place, got) == Answer(200, OCTETS, b"")
    assert got.getvalue() == b"\x00" * 100_000
    nothing = BytesIO()
    assert mlflow.fetch(f"{place}.gone", nothing).status == 404
    assert nothing.getvalue() == b""
