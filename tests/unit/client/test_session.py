from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.client import Platform, connect
from assay.client.platform import PlatformUnknown
from assay.client.runs import TRAINING_ACTS, RunFailed
from assay.contracts import SpiffeId, canonical, strict_json
from assay.errors import NotFound, Unauthenticated
from assay.identity import base64url
from assay.identity.certificates import new_key, request_for
from assay.identity.person import PersonIdentity
from tests.unit.client.world import Call, passkey, session, write_platform
from tests.unit.identity.authority import Authority


def logged_in(home: Path, name: str, *, seconds: float = 3600) -> PersonIdentity:
    """Leave a certificate in the home, as `assay login` does."""
    authority, key = Authority(), new_key()
    (home / "ca.pem").write_text(authority.ca_pem)
    chain = authority.issue(request_for(key), [f"spiffe://assay.demo/people/p-{name}"], seconds=seconds)
    return PersonIdentity.write(home / "people" / name, key, chain, authority.ca_pem)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ASSAY_HOME", raising=False)
    monkeypatch.delenv("ASSAY_PERSON", raising=False)
    return write_platform(tmp_path / "home")


def test_a_platform_is_found_by_name_by_variable_or_in_the_persons_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(home, tmp_path / ".assay")
    assert Platform.load().home == tmp_path / ".assay"
    monkeypatch.setenv("ASSAY_HOME", str(home))
    assert Platform.load().home == home
    assert Platform.load(tmp_path / ".assay").ca == tmp_path / ".assay" / "ca.pem"


def test_a_folder_without_a_platform_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PlatformUnknown, match=r"no platform\.json") as refused:
        Platform.load(tmp_path)
    assert "assay up" in refused.value.fix


def test_somebody_who_logged_in_is_connected_as_themselves(home: Path) -> None:
    logged_in(home, "dana")
    (home / "people" / "last").write_text("dana\n")
    with connect(home) as found:
        assert found.identity.spiffe_id == SpiffeId("assay.demo", "/people/p-dana")
    with connect(home, as_="dana") as found:
        assert found.identity.person == "p-dana"


@pytest.mark.parametrize("name", [None, "amir"])
def test_nobody_is_connected_who_did_not_log_in(home: Path, name: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        connect(home, as_=name)
    assert "assay login" in refused.value.fix


def test_a_certificate_that_ended_connects_nobody(home: Path) -> None:
    logged_in(home, "dana", seconds=-1)
    with pytest.raises(Unauthenticated, match="ended"):
        connect(home, as_="dana")


def test_a_certificate_of_another_key_connects_nobody(home: Path) -> None:
    folder = logged_in(home, "dana").folder
    pem = (folder / "identity.pem").read_text()
    (folder / "identity.pem").write_text(new_key() + pem[pem.index("-----BEGIN CERTIFICATE") :])
    with pytest.raises(Unauthenticated, match="unreadable"):
        connect(home, as_="dana")


def test_each_service_has_one_connection_pool_and_all_end_with_the_session(home: Path) -> None:
    def answers(call: Call) -> Any:  # noqa: ANN401 - JSON
        return {"url": "https://predictor.test", "model": "credit-default"}

    found, held = session(home, answers)
    with found:
        for _ in range(3):
            found.service("registry").get("/v1/models")
            found.endpoints.predict("prod", "credit", [[1.0]])
        assert {call.expect for call in held.calls} == {"registry", "serving", "/svc/prod/predictor/credit"}
    assert len(held.clients) == 3
    assert all(client.is_closed for client in held.clients)


def test_a_prediction_is_asked_of_the_predictor_by_its_own_identity(home: Path) -> None:
    def answers(call: Call) -> Any:  # noqa: ANN401 - JSON
        return {"url": "https://predictor.test", "model": "credit-default"}

    found, held = session(home, answers)
    found.endpoints.predict("prod", "credit", [[1.0, 2.0], [3.0, 4.0]])
    asked = held.calls[-1]
    assert (asked.expect, asked.path) == ("/svc/prod/predictor/credit", "/v2/models/credit-default/infer")
    assert asked.body == {
        "inputs": [{"name": "features", "shape": [2, 2], "datatype": "FP32", "data": [1.0, 2.0, 3.0, 4.0]}]
    }


def test_a_grant_names_the_service_the_actions_and_their_audience(home: Path) -> None:
    found, held = session(home, lambda _: {"grant": "token"})
    assert (
        found.grant("training", ["tracking/write", "evaluator/evaluate", "tracking/read"], seconds=60)
        == "token"
    )
    assert held.calls[0].body == {
        "act": "spiffe://assay.demo/svc/core/training",
        "audience": ["evaluator", "tracking"],
        "actions": ["tracking/write", "evaluator/evaluate", "tracking/read"],
        "seconds": 60,
    }


def test_a_run_is_started_with_a_grant_for_what_it_records(home: Path) -> None:
    found, held = session(home, lambda _: {"grant": "token", "run": "run-1"})
    assert found.runs.start(model="m", source={"train.py": "x"}, feature_set="ab", parameters={}) == "run-1"
    granted, started = held.calls
    assert granted.body["actions"] == list(TRAINING_ACTS)
    assert (started.expect, started.path, started.grant) == ("training", "/v1/runs", "token")


def test_a_run_is_waited_for_and_its_failure_is_told(home: Path) -> None:
    states: Iterator[dict[str, Any]] = iter(
        [{"state": "succeeded"}, {"state": "failed", "error": "NameError"}]
    )
    found, _ = session(home, lambda _: next(states))
    seen: list[str] = []
    assert found.runs.wait("run-1", follow=lambda run: seen.append(run["state"])) == {"state": "succeeded"}
    with pytest.raises(RunFailed, match="run-2: NameError"):
        found.runs.wait("run-2")
    assert seen == ["succeeded"]


def test_an_approval_is_handed_in_for_exactly_the_statement_that_was_fetched(home: Path) -> None:
    about = {"type": "assay-approval/v1", "version": 1, "trust_domain": "assay.demo", "tenant": "demo"}
    about |= {"environment": "prod", "conditions": {}}
    by = {"person": "p-amir", "role": "approver"}
    statement = {"verb": "approve", "model": "credit-default", "number": 2, "nonce": "n", **about, **by}
    found, held = session(
        home, lambda call: {"statement": statement} if call.method == "GET" else {"fact": "ab"}, name="amir"
    )
    key = passkey(home, "amir")
    assert found.approvals.approve(key, "credit-default", 2, "prod") == {"fact": "ab"}
    fetched, handed = held.calls
    assert fetched.params == {"environment": "prod", "verb": "approve", "role": "approver"}
    assertion = handed.body["assertion"]
    assert (assertion["statement"], assertion["person"]) == (statement, "p-amir")
    client_data = strict_json(base64url.decode(assertion["client_data"], "client data"))
    assert client_data["challenge"] == base64url.encode(hashlib.sha256(canonical(statement)).digest())


def test_a_package_is_fetched_file_by_file_of_its_manifest(home: Path) -> None:
    def answers(call: Call) -> Any:  # noqa: ANN401 - JSON
        return (
            {"files": [{"path": "model.onnx"}, {"path": "card/README.md"}]}
            if "files" not in call.path
            else call.path
        )

    found, _ = session(home, answers)
    assert found.models.package("ab") == {
        "model.onnx": b'"/v1/packages/ab/files/model.onnx"',
        "card/README.md": b'"/v1/packages/ab/files/card/README.md"',
    }


def test_a_name_that_nobody_has_is_not_found(home: Path) -> None:
    found, _ = session(home, lambda _: {"people": [{"name": "dana", "person": "p-dana", "roles": []}]})
    assert found.people.named("dana") == "p-dana"
    with pytest.raises(NotFound, match="nobody is called 'eve'"):
        found.people.named("eve")


def test_an_unchanged_mlflow_client_is_told_both_addresses_and_the_certificate(home: Path) -> None:
    found, held = session(home, lambda _: {})
    told = found.mlflow_environment()
    assert told["MLFLOW_TRACKING_URI"] == "https://tracking.test"
    assert told["MLFLOW_REGISTRY_URI"] == "https://registry.test"
    assert told["MLFLOW_TRACKING_CLIENT_CERT_PATH"] == str(held.combined_path)
    assert told["MLFLOW_TRACKING_SERVER_CERT_PATH"] == str(home / "ca.pem")
