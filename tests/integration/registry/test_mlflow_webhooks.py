"""An unchanged MLflow client manages webhooks over mutual TLS, and a real HTTPS receiver is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookStatus
from mlflow.exceptions import MlflowException, RestException
from mlflow.webhooks.delivery import _generate_hmac_signature

from tests.integration.registry.platform import Platform
from tests.support.receiver import HttpsReceiver
from tests.unit.custody.world import MODEL
from tests.unit.identity.authority import Authority

LONGEST_SECONDS = 60  # a hang, no promise
SECRET = "a-secret-of-the-clients-choice"
As = Callable[[str], MlflowClient]


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
def client_of(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> As:
    """MLflow's client as somebody, told by its environment alone; Feast's plug-in for it is left out: ten seconds."""
    monkeypatch.setitem(sys.modules, "feast", None)

    def client(name: str) -> MlflowClient:
        settings = {
            "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(platform.person(name).combined_path),
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(platform.ca),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "NO_PROXY": "localhost",
        }
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        return MlflowClient(tracking_uri=platform.url, registry_uri=platform.url)

    return client


def test_a_client_registers_lists_tries_changes_and_removes_a_webhook(
    platform: Platform, client_of: As, receiver: HttpsReceiver
) -> None:
    client = client_of("ada")
    made = client.create_webhook(
        "ci", receiver.url, ["model_version.created"], description="builds", secret=SECRET
    )
    assert (made.name, made.description, made.status) == ("ci", "builds", WebhookStatus.ACTIVE)
    assert [str(one) for one in made.events] == ["model_version.created"]
    assert made.secret is None
    assert [one.webhook_id for one in client.list_webhooks()] == [made.webhook_id]
    tried = client.test_webhook(made.webhook_id, "model_version.created")
    assert (tried.success, tried.response_status) == (True, 204)
    receiver.came.clear()
    version = {"run": "run-1", "checkpoint": "epoch-3"}
    dana = platform.client(platform.person("dana"))
    assert dana.post(f"/v1/models/{MODEL}/versions", json=version).status_code == 201
    assert receiver.came.wait(LONGEST_SECONDS)
    taken = receiver.taken[-1]
    assert json.loads(taken.body)["data"]["name"] == MODEL
    signed = (taken.headers["X-MLflow-Delivery-Id"], taken.headers["X-MLflow-Timestamp"], taken.body.decode())
    assert taken.headers["X-MLflow-Signature"] == _generate_hmac_signature(SECRET, *signed)
    both = ["model_version_alias.created", "model_version_alias.deleted"]
    changed = client.update_webhook(
        made.webhook_id, name="aliases", events=both, status="DISABLED", description="moves"
    )
    assert client.get_webhook(made.webhook_id).description == changed.description == "moves"
    assert ([str(one) for one in changed.events], str(changed.status)) == (both, "DISABLED")
    moved = client.update_webhook(made.webhook_id, url=f"{receiver.url}/new", secret=SECRET[::-1])
    assert moved.url == f"{receiver.url}/new"
    assert client.test_webhook(made.webhook_id).success
    assert receiver.taken[-1].path == "/hook/new"
    assert client.get_webhook(made.webhook_id).status == WebhookStatus.DISABLED
    client.delete_webhook(made.webhook_id)
    assert list(client.list_webhooks()) == []


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    """Return the name and the fix of what a client is refused."""
    with pytest.raises(MlflowException) as refused:
        act()
    assert isinstance(refused.value, RestException)
    return str(refused.value.json["title"]), str(refused.value.json["fix"])


def test_what_cannot_be_told_or_called_is_refused_with_the_fix(
    client_of: As, receiver: HttpsReceiver
) -> None:
    client, url = client_of("ada"), receiver.url

    def create(event: str) -> tuple[str, str]:
        return refusal(lambda: client.create_webhook("ci", url, [event], secret=SECRET))

    made = client.create_webhook("x", url, ["model_version.created"], secret=SECRET)
    for event in (
        "registered_model.created",
        "model_version_tag.set",
        "prompt.created",
        "budget_policy.exceeded",
    ):
        title, fix = create(event)
        assert (title, "model_version.created" in fix) == ("EventUntold", True)
    refused = [
        refusal(lambda: client.test_webhook(made.webhook_id, "prompt.created"))[0],
        refusal(lambda: client.create_webhook("x", url, ["model_version.created"]))[0],
        refusal(lambda: client.create_webhook("In.Words", url, ["model_version.created"]))[0],
        refusal(lambda: client.create_webhook("ci", url, ["model_version.created"], secret="short"))[0],
        refusal(lambda: client.create_webhook("ci", "https://10.0.0.1/", ["model_version.created"]))[0],
        refusal(lambda: client.update_webhook(made.webhook_id, url=f"{url}/else"))[0],
        refusal(lambda: client.get_webhook("0" * 32))[0],
    ]
    assert refused == [
        "EventUntold", "WebhookExists", "BadRequest", "WeakSecret", "AddressRefused", "SecretNeeded", "UnknownWebhook",
    ]  # fmt: skip
    client.delete_webhook(made.webhook_id)


def test_without_a_secret_what_is_sent_is_unsigned_as_mlflows_own_server_sends_it(
    platform: Platform, client_of: As, receiver: HttpsReceiver
) -> None:
    client, ada = client_of("ada"), platform.client(platform.person("ada"))
    made = client.create_webhook("open", receiver.url, ["model_version.created"])
    assert client.test_webhook(made.webhook_id).success
    assert "X-MLflow-Signature" not in receiver.taken[-1].headers
    assert [one["signed"] for one in ada.get("/v1/webhooks").json()["webhooks"]] == [False]
    client.update_webhook(made.webhook_id, secret=SECRET)
    assert client.test_webhook(made.webhook_id).success
    assert receiver.taken[-1].headers["X-MLflow-Signature"].startswith("v1,")
    title, _ = refusal(lambda: client.update_webhook(made.webhook_id, secret=""))
    assert title == "WeakSecret"  # what is signed stays so
    client.delete_webhook(made.webhook_id)


def test_events_without_a_name_in_mlflow_are_neither_shown_nor_lost(
    platform: Platform, client_of: As, receiver: HttpsReceiver
) -> None:
    ada, client = platform.client(platform.person("ada")), client_of("ada")
    for name, events in (("a", ["approval.created"]), ("b", ["approval.created", "model_version.created"])):
        wanted = {"name": name, "url": receiver.url, "events": events}
        assert ada.post("/v1/webhooks", json=wanted).status_code == 201
    (seen,) = client.list_webhooks()
    assert [str(one) for one in seen.events] == ["model_version.created"]
    client.update_webhook(seen.webhook_id, events=["model_version_alias.created"])
    kept = {one["name"]: one["events"] for one in ada.get("/v1/webhooks").json()["webhooks"]}
    assert kept == {"a": ["approval.created"], "b": ["approval.created", "model_version_alias.created"]}
    for name in kept:
        ada.delete(f"/v1/webhooks/{name}")


def test_a_list_is_read_page_by_page(client_of: As, receiver: HttpsReceiver) -> None:
    client = client_of("ada")
    made = [client.create_webhook(name, receiver.url, ["model_version.created"]) for name in ("a", "b", "c")]
    first = client.list_webhooks(max_results=2)
    second = client.list_webhooks(max_results=2, page_token=first.token)
    assert ([one.name for one in first], [one.name for one in second]) == (["a", "b"], ["c"])
    assert not second.token
    for one in made:
        client.delete_webhook(one.webhook_id)


def test_who_may_not_manage_webhooks_is_refused_on_every_route(
    client_of: As, receiver: HttpsReceiver
) -> None:
    made = client_of("ada").create_webhook("mine", receiver.url, ["model_version.created"])
    amir, one = client_of("amir"), made.webhook_id
    tries: list[Callable[[], object]] = [
        lambda: amir.create_webhook("his", receiver.url, ["model_version.created"]),
        amir.list_webhooks,
        lambda: amir.get_webhook(one),
        lambda: amir.update_webhook(one, status="DISABLED"),
        lambda: amir.test_webhook(one),
        lambda: amir.delete_webhook(one),
    ]
    assert [refusal(each)[0] for each in tries] == ["Forbidden"] * 6
    client = client_of("ada")
    assert client.get_webhook(one).status == WebhookStatus.ACTIVE
    client.delete_webhook(one)
