"""The registry's own routes over mutual TLS, from registering to a revoked approval."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.custody import package_digest
from assay.custody.package import write_folder
from tests.integration.registry.platform import Platform
from tests.unit.custody.world import MODEL
from tests.unit.identity.authority import Authority

VERSIONS = f"/v1/models/{MODEL}/versions"
MLFLOW = "/api/2.0/mlflow"


@pytest.fixture
def dana(platform: Platform) -> httpx.Client:
    return platform.client(platform.person("dana"))


@pytest.fixture
def registered(dana: httpx.Client) -> dict[str, Any]:
    answer = dana.post(VERSIONS, json={"run": "run-1", "checkpoint": "epoch-3"})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decide(platform: Platform, name: str, verb: str = "approve", path: str = "approvals") -> httpx.Response:
    """Fetch the statement, sign it, hand it in."""
    client = platform.client(platform.person(name))
    shown = client.get(f"{VERSIONS}/1/statement", params={"environment": "prod", "verb": verb})
    assert shown.status_code == 200, shown.text
    signed = platform.world.people[name].passkey.assert_(shown.json()["statement"])
    return client.post(f"/v1/{path}", json={"assertion": signed.model_dump(mode="json")})


def test_the_whole_way_to_champion(
    platform: Platform, dana: httpx.Client, registered: dict[str, Any]
) -> None:
    assert (registered["number"], registered["model"]) == (1, MODEL)
    gate = dana.get(f"{VERSIONS}/1/gate", params={"environment": "prod"}).json()
    assert gate["passed"] is False
    assert gate["missing"]
    ada = platform.client(platform.person("ada"))
    move = {"number": 1, "environment": "prod"}
    refused = ada.post(f"/v1/models/{MODEL}/aliases/champion", json=move)
    assert (refused.status_code, refused.json()["title"]) == (409, "GateNotMet")
    assert refused.json()["missing"] == gate["missing"]
    for name in ("amir", "bea"):
        assert decide(platform, name).status_code == 201
    assert dana.get(f"{VERSIONS}/1/gate", params={"environment": "prod"}).json()["passed"] is True
    moved = ada.post(f"/v1/models/{MODEL}/aliases/champion", json=move)
    assert moved.status_code == 201, moved.text
    seen = dana.get(f"/v1/models/{MODEL}/aliases/champion", params={"environment": "prod"}).json()
    assert (seen["number"], seen["fact"]) == (1, moved.json()["fact"])
    stale = ada.post(f"/v1/models/{MODEL}/aliases/champion", json={**move, "previous": "f" * 64})
    assert (stale.status_code, stale.json()["title"]) == (409, "AliasMoved")


def test_a_version_shows_everything_behind_it(dana: httpx.Client, registered: dict[str, Any]) -> None:
    shown = dana.get(f"{VERSIONS}/1").json()
    assert shown["fact"] == registered["fact"]
    assert {one["kind"] for one in shown["evidence"]} >= {"run", "signature", "card", "evaluation"}
    assert shown["contributors"] == ["p-dana"]
    assert {one["person"] for one in shown["decisions"] if one["stands"]} == {"p-amir", "p-bea"}
    assert dana.get("/v1/models").json() == {"models": [MODEL]}
    assert [one["number"] for one in dana.get(VERSIONS).json()["versions"]] == [1]


def test_the_package_is_the_runs_and_the_stock_command_verifies_it(
    platform: Platform, dana: httpx.Client, registered: dict[str, Any], tmp_path: Path
) -> None:
    digest = registered["package"]
    manifest = dana.get(f"/v1/packages/{digest}").json()
    files = {
        e["path"]: dana.get(f"/v1/packages/{digest}/files/{e['path']}").content for e in manifest["files"]
    }
    assert package_digest(files) == digest
    (tmp_path / "package").mkdir()
    write_folder(files, tmp_path / "package")
    (tmp_path / "signature").write_bytes(dana.get(f"/v1/packages/{digest}/signature").content)
    (tmp_path / "key.pem").write_text(platform.world.root.services["model-signing"])
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(tmp_path / "package")]
    command += ["--signature", str(tmp_path / "signature"), "--public_key", str(tmp_path / "key.pem")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_flipped_byte_on_disk_is_refused(
    platform: Platform, dana: httpx.Client, registered: dict[str, Any]
) -> None:
    digest = registered["package"]
    (entry,) = [e for e in dana.get(f"/v1/packages/{digest}").json()["files"] if e["path"] == "model.onnx"]
    path = platform.folder / "objects" / "sealed" / digest / entry["sha256"]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    answer = dana.get(f"/v1/packages/{digest}/files/model.onnx")
    path.write_bytes(data)
    assert (answer.status_code, answer.json()["title"]) == (422, "SignatureInvalid")


def test_a_contributor_is_refused_by_name(dana: httpx.Client, registered: dict[str, Any]) -> None:
    answer = dana.get(f"{VERSIONS}/1/statement", params={"environment": "prod", "role": "data-scientist"})
    assert (answer.status_code, answer.json()["title"]) == (403, "SelfApproval")


def test_an_assertion_for_another_version_is_refused(platform: Platform, registered: dict[str, Any]) -> None:
    client = platform.client(platform.person("amir"))
    shown = client.get(f"{VERSIONS}/1/statement", params={"environment": "prod"}).json()["statement"]
    signed = platform.world.people["amir"].passkey.assert_(shown).model_dump(mode="json")
    signed["statement"]["nonce"] = "0" * 32
    answer = client.post("/v1/approvals", json={"assertion": signed})
    assert (answer.status_code, answer.json()["title"]) == (422, "ApprovalDoesNotCount")


@pytest.mark.parametrize(
    ("path", "name", "method", "body"),
    [
        (VERSIONS, "amir", "POST", {"run": "run-1", "checkpoint": "epoch-3"}),
        (f"/v1/models/{MODEL}/aliases/champion", "bea", "POST", {"number": 1, "environment": "prod"}),
        ("/v1/revocations", "dana", "POST", {"revokes": "f" * 64, "what": "x", "reason": "x"}),
    ],
)
def test_who_may_not_is_refused_with_the_rule(
    platform: Platform, path: str, name: str, method: str, body: dict[str, Any]
) -> None:
    answer = platform.client(platform.person(name)).request(method, path, json=body)
    assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")
    assert answer.json()["rule"]


def test_a_service_that_may_not_is_refused(platform: Platform, registered: dict[str, Any]) -> None:
    client = platform.client(platform.workload("/svc/core/ingestion"))
    body = {"number": 1, "environment": "prod"}
    answer = client.post(f"/v1/models/{MODEL}/aliases/champion", json=body)
    assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")


def test_a_header_says_nothing_about_who_calls(platform: Platform) -> None:
    client = platform.client(platform.person("dana"))
    claimed = {"x-forwarded-client-cert": "URI=spiffe://assay.demo/svc/core/registry", "assay-subject": "ada"}
    body = {"revokes": "f" * 64, "what": "x", "reason": "x"}
    assert client.post("/v1/revocations", json=body, headers=claimed).status_code == 403


def test_a_stranger_does_not_get_in(platform: Platform) -> None:
    stranger = platform.workload("/people/p-ada", Authority("someone else's root"))
    with pytest.raises(httpx.TransportError):
        platform.client(stranger).get("/v1/models")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (VERSIONS, {"run": "run-9", "checkpoint": "x"}, 404),
        (VERSIONS, {"run": "run-1"}, 422),
        (VERSIONS, {"run": "run-1", "checkpoint": "epoch-3", "tier": "none"}, 422),
        (VERSIONS, {"run": "run-1", "checkpoint": "epoch-3", "more": 1}, 422),
        ("/v1/models/Credit/versions", {"run": "run-1", "checkpoint": "epoch-3"}, 400),
        ("/v1/models/credit-premium/versions", {"run": "run-1", "checkpoint": "epoch-3"}, 422),
        (f"{VERSIONS}/1/requests", {"environment": "moon"}, 422),
    ],
)
def test_bad_input_is_named(dana: httpx.Client, path: str, body: dict[str, Any], status: int) -> None:
    answer = dana.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_what_is_not_there_is_not_found(dana: httpx.Client) -> None:
    for path in (
        "/v1/models/other/versions",
        f"{VERSIONS}/9",
        f"{VERSIONS}/0",
        f"{VERSIONS}/{10**30}",
        f"{VERSIONS}/-1",
        f"/v1/packages/{'f' * 64}",
        "/v1/packages/x",
        "/v2",
    ):
        assert dana.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (f"{MLFLOW}/model-versions/get", {"name": MODEL, "version": "9" * 5000}),
        (f"{MLFLOW}/model-versions/get", {"name": MODEL, "version": "99999999999999999999"}),
        (f"{MLFLOW}/model-versions/search", {"page_token": "9" * 5000}),
        (f"{MLFLOW}/model-versions/search", {"page_token": "9" * 30}),
        (f"{MLFLOW}/model-versions/search", {"order_by": ["name"] * 1000}),
        ("/v1/journal", {"start": "9" * 30}),
    ],
    ids=range(6),
)
def test_numbers_and_lists_without_end_are_the_callers_mistake(
    platform: Platform, path: str, asked: dict[str, str | list[str]]
) -> None:
    """What a caller sends is refused by name; it never ends in an error nobody expected."""
    answer = platform.client(platform.person("ada")).get(path, params=asked)
    assert answer.status_code in {400, 404, 422}, answer.text


def test_a_body_of_another_shape_names_no_model(platform: Platform) -> None:
    ada = platform.client(platform.person("ada"))
    bodies: tuple[list[str] | str | int, ...] = ([], "name", 1)
    for body in bodies:
        answer = ada.post(f"{MLFLOW}/registered-models/get-latest-versions", json=body)
        assert answer.status_code == 404, answer.text


def test_a_request_for_approval_is_kept(dana: httpx.Client, registered: dict[str, Any]) -> None:
    asked = dana.post(f"{VERSIONS}/1/requests", json={"environment": "prod", "note": "please"}).json()
    assert asked in dana.get(f"{VERSIONS}/1/requests").json()["requests"]


def test_rejections_and_withdrawals_have_routes_of_their_own(
    platform: Platform, dana: httpx.Client, registered: dict[str, Any]
) -> None:
    assert decide(platform, "amir").status_code == 201
    withdrawn = decide(platform, "amir", "withdraw", "withdrawals")
    assert (withdrawn.status_code, withdrawn.json()["kind"]) == (201, "withdrawal")
    assert decide(platform, "amir", "reject", "rejections").json()["kind"] == "rejection"
    assert dana.get(f"{VERSIONS}/1/gate", params={"environment": "prod"}).json()["passed"] is False


def test_a_revoked_approval_closes_the_gate(platform: Platform, registered: dict[str, Any]) -> None:
    ada, fact = platform.client(platform.person("ada")), decide(platform, "bea").json()["fact"]
    body = {"revokes": fact, "what": "approval", "reason": "signed in error"}
    assert ada.post("/v1/revocations", json=body).status_code == 201
    gate = ada.get(f"{VERSIONS}/1/gate", params={"environment": "prod"}).json()
    assert "signed in error" in gate["dropped"][fact]
