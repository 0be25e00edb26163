"""Uploads into what another person made, in every phase an upload has: refused, and not a byte is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.tracking.owners import Owners
from tests.unit.tracking.front import DANA, ERIN, OTHER_RUN, RUN, Served

API = "/api/2.0/mlflow"
STORE = "/api/2.0/mlflow-artifacts"
KEPT, FORGED = b"what Dana logged", b"what Erin would have it be"
PARTS = {"path": "x", "num_parts": 2, "upload_id": "1", "parts": [{"part_number": 1, "etag": "a"}]}
Attempts = Callable[[int], None]


class Logged:
    """What Dana has logged: a file of her run, and one of her logged model."""

    def __init__(self) -> None:
        self.served = Served()
        self.run, self.model = self.served.new_run(DANA), self.served.new_model(DANA)
        self.files = [f"0/{self.run}/artifacts/model.onnx", f"0/models/{self.model}/artifacts/MLmodel"]
        for path in self.files:
            assert self.served.call(DANA, "PUT", f"{STORE}/artifacts/{path}", KEPT).status == 200

    def phases(self) -> list[tuple[str, str, object]]:
        """Return every phase of an upload over Dana's files, in each way it could be asked for."""
        runs, models = f"{API}/runs", f"{API}/logged-models/{self.model}"
        found: list[tuple[str, str, object]] = [
            ("POST", f"{runs}/update", {"run_id": self.run, "status": "RUNNING"}),
            ("POST", f"{runs}/outputs", {"run_id": self.run, "models": [{"model_id": self.model}]}),
            ("PATCH", models, {"model_id": self.model, "status": 2}),
            ("PATCH", f"{models}/tags", {"tags": [{"key": "assay.owner", "value": "p-erin"}]}),
            ("POST", f"{runs}/set-tag", {"run_id": self.run, "key": "assay.owner", "value": "p-erin"}),
        ]
        for path in self.files:
            folder, _, name = path.rpartition("/")
            bent = (path, f"{folder}/x/../{name}", f"{folder}//{name}", f"{folder}/%2e/{name}", f"{path}%00")
            found += [("PUT", f"{STORE}/artifacts/{each}", FORGED) for each in bent]
            found += [
                ("POST", f"{STORE}/mpu/{verb}/{folder}", PARTS) for verb in ("create", "complete", "abort")
            ]
            found += [(verb, f"{STORE}/artifacts/{path}", FORGED) for verb in ("POST", "PATCH", "DELETE")]
            found += [("PUT", f"/ajax-api/2.0/mlflow-artifacts/artifacts/{path}", FORGED)]
            found += [("GET", f"{STORE}/presigned/{path}", None), ("POST", f"{STORE}/presigned/{path}", {})]
        mine = self.served.new_run(ERIN)
        climbs = (
            f"0/{mine}/artifacts/../../{self.run}/artifacts/model.onnx",
            f"0/{mine}/../{self.run}/artifacts/a",
        )
        return [*found, *(("PUT", f"{STORE}/artifacts/{each}", FORGED) for each in climbs)]

    def overwritten(self) -> bool:
        """Whether any file is not what Dana logged."""
        return any(self.served.mlflow.files.get(path) != KEPT for path in self.files)


def let_through(logged: Logged, who: str) -> list[str]:
    """Try every phase as somebody; return those that were answered well or reached MLflow's server as a write."""
    through = []
    for method, path, body in logged.phases():
        before = len([one for one in logged.served.mlflow.asked if one.method != "GET"])
        answer = logged.served.call(who, method, path, body)
        wrote = len([one for one in logged.served.mlflow.asked if one.method != "GET"]) - before
        if wrote or not 400 <= answer.status < 500:
            through.append(f"{method} {path}")
    return through


@pytest.mark.threat("T-REG-04")
@pytest.mark.parametrize("who", [ERIN, RUN, OTHER_RUN], ids=["another person", "a run", "another run"])
def test_nobody_uploads_into_what_another_made_in_any_phase(who: str, attempts: Attempts) -> None:
    logged = Logged()
    assert let_through(logged, who) == []
    assert not logged.overwritten()
    attempts(len(logged.phases()))


@pytest.mark.control("T-REG-04")
def test_control_where_nobody_asks_whose_it_is_the_bytes_are_another_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = Logged()
    monkeypatch.setattr(Owners, "require", lambda *_: None)
    assert let_through(logged, ERIN)
    assert logged.overwritten()
