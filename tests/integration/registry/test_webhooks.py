"""Webhooks over the wire: registered at the registry's own edge, told to a real HTTPS receiver, by their own thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mlflow.webhooks.delivery import _generate_hmac_signature

from tests.integration.registry.platform import Platform
from tests.support.receiver import HttpsReceiver
from tests.unit.custody.world import MODEL
from tests.unit.identity.authority import Authority

LONGEST_SECONDS = 60  # a hang, no promise


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    with HttpsReceiver(Authority(), tmp_path_factory.mktemp("receiver")) as made:
        yield made


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, receiver: HttpsReceiver) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("registry")
    ca = folder / "receivers.pem"
    ca.write_text(receiver.authority.ca_pem)
    made = Platform(folder, webhook_private=f"localhost:{receiver.port}", webhook_ca=ca)
    made.desk.trained()
    yield made
    made.close()


@pytest.fixture
def ada(platform: Platform) -> httpx.Client:
    return platform.client(platform.person("ada"))


def test_a_version_is_told_to_who_was_registered_for_it(
    platform: Platform, ada: httpx.Client, receiver: HttpsReceiver
) -> None:
    wanted = {"name": "ci", "url": receiver.url, "events": ["model_version.created"]}
    made = ada.post("/v1/webhooks", json=wanted)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret not in ada.get("/v1/webhooks").text
    assert ada.post("/v1/webhooks/ci/test").json() == {"success": True, "response_status": 204}
    assert [json.loads(one.body)["entity"] for one in receiver.taken] == ["webhook"]
    receiver.came.clear()
    version = {"run": "run-1", "checkpoint": "epoch-3"}
    dana = platform.client(platform.person("dana"))
    assert dana.post(f"/v1/models/{MODEL}/versions", json=version).status_code == 201
    assert receiver.came.wait(LONGEST_SECONDS)
    taken = receiver.taken[1]
    told = json.loads(taken.body)
    assert (told["entity"], told["action"], told["data"]["name"]) == ("model_version", "created", MODEL)
    delivery, seconds = taken.headers["X-MLflow-Delivery-Id"], taken.headers["X-MLflow-Timestamp"]
    signed = _generate_hmac_signature(secret, delivery, seconds, taken.body.decode())
    assert taken.headers["X-MLflow-Signature"] == signed
    assert ada.delete("/v1/webhooks/ci").json() == {"removed": "ci"}
    assert ada.get("/v1/webhooks").json() == {"webhooks": []}


def test_who_may_not_manage_webhooks_is_refused(platform: Platform, receiver: HttpsReceiver) -> None:
    wanted = {"name": "mine", "url": receiver.url, "events": ["model_version.created"]}
    amir = platform.client(platform.person("amir"))
    answers = [amir.post("/v1/webhooks", json=wanted), amir.get("/v1/webhooks")]
    answers += [amir.post("/v1/webhooks/ci/test"), amir.delete("/v1/webhooks/ci")]
    assert [each.status_code for each in answers] == [403] * 4


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "https://localhost:1/", "http://ci.example/"])
def test_an_address_inside_is_refused_with_its_fix(ada: httpx.Client, url: str) -> None:
    refused = ada.post("/v1/webhooks", json={"name": "x", "url": url, "events": ["approval.created"]})
    assert (refused.status_code, refused.json()["title"]) == (400, "AddressRefused")
    assert refused.json()["fix"]
