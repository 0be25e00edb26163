"""Webhooks: what is told, how it is signed, in which order, what happens when nobody takes it, and the secret."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from mlflow.entities.webhook import WebhookEvent
from mlflow.webhooks.delivery import _generate_hmac_signature

from assay.cli.webhooks import EVENTS as OFFERED
from services.registry.hooks.api import hook_view
from services.registry.hooks.delivering import TRIES
from services.registry.hooks.domain import EVENTS, Form, event_of
from services.registry.hooks.errors import (
    SecretNeeded,
    UnknownEvent,
    UnknownWebhook,
    WeakSecret,
    WebhookChanged,
    WebhookExists,
    WebhooksUnkept,
)
from services.registry.hooks.keeping import MOST, Change
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import Desk
from tests.unit.registry.office import SOURCE, URL, Office


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def whole_story(desk: Desk) -> None:
    """Register, approve, promote, revoke and let it count again: one fact of each kind that is told."""
    desk.trained()
    desk.register()
    desk.approved()
    moved = desk.promote()
    by = desk.person("ada")
    why = "Dana Doe of 5 Main Street complained"
    desk.registry.revoke(moved.digest, what="champion", reason=why, by=by)
    desk.registry.reinstate(moved.digest, what="champion", reason=why, by=by)


def test_every_event_is_told_once_in_the_order_of_the_ledger(office: Office) -> None:
    office.add()
    whole_story(office.desk)
    office.turn()
    office.turn(after=10)
    told = office.names()
    assert told[0] == "model_version.created"
    assert told[-3:] == ["model_version_alias.created", "revocation.created", "revocation.deleted"]
    assert set(told[1:-3]) == {"approval.created"}
    assert office.status()["last"] == "taken"


def test_the_form_and_the_signature_are_those_of_mlflows_own_code(office: Office) -> None:
    secret = office.add()
    office.desk.trained()
    version = office.desk.register()
    (told,) = office.turn()
    url, headers, body = office.receiver.posted[0]
    assert url == URL
    assert set(told) == {"entity", "action", "timestamp", "data"}
    assert str(WebhookEvent.from_str(f"{told['entity']}.{told['action']}")) == "model_version.created"
    assert set(told["data"]) == {"name", "version", "source", "run_id", "tags", "description"}
    assert (told["data"]["name"], told["data"]["version"]) == (MODEL, "1")
    delivery, seconds = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
    assert (delivery, seconds) == (version.digest, "1000000")
    signed = _generate_hmac_signature(secret, delivery, seconds, body.decode())
    assert headers["X-MLflow-Signature"] == signed
    assert signed != _generate_hmac_signature(secret, delivery, seconds, body.decode() + " ")


def test_the_command_offers_every_event() -> None:
    assert set(OFFERED) == set(EVENTS)


def test_an_alias_is_told_as_mlflow_tells_it(office: Office) -> None:
    office.add("ci", "model_version_alias.created")
    whole_story(office.desk)
    (told,) = office.turn()
    assert told["data"] == {"name": MODEL, "alias": "champion", "version": "1"}


def test_a_cloudevent_names_its_fact_and_is_signed_too(office: Office) -> None:
    secret = office.add(form="cloudevents")
    office.desk.trained()
    version = office.desk.register()
    (told,) = office.turn()
    _, headers, body = office.receiver.posted[0]
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert {key: told[key] for key in ("specversion", "id", "source", "type", "subject")} == {
        "specversion": "1.0",
        "id": version.digest,
        "source": SOURCE,
        "type": "assay.model_version.created",
        "subject": version.about,
    }
    assert told["time"] == version.fact.time
    signed = _generate_hmac_signature(secret, version.digest, "1000000", body.decode())
    assert headers["X-MLflow-Signature"] == signed


@pytest.mark.parametrize("form", ["mlflow", "cloudevents"])
def test_of_people_only_their_ids_are_told(office: Office, form: Form) -> None:
    office.add(form=form)
    whole_story(office.desk)
    office.turn()
    sent = b"".join(body for _, _, body in office.receiver.posted)
    assert office.desk.world.person("ada").encode() in sent
    assert not [word for word in (b"Dana Doe", b"Main Street", b"assertion", b"credential") if word in sent]


def test_only_the_events_asked_for_are_told_and_only_from_registration_on(office: Office) -> None:
    office.desk.trained("epoch-3", "epoch-5")
    office.desk.register("epoch-3")
    office.add("all")
    office.add("revoked", "revocation.created")
    office.desk.register("epoch-5")
    office.turn()
    assert [one["data"]["version"] for one in office.receiver.told] == ["2"]


def test_what_is_not_taken_is_sent_again_later_and_what_follows_waits(office: Office) -> None:
    office.add()
    office.desk.trained("epoch-3", "epoch-5")
    office.receiver.answers = [500, 302, None]
    office.desk.register("epoch-3")
    office.turn()
    office.desk.register("epoch-5")
    for seconds in (1.9, 0.2, 3.9, 0.2, 7.9):
        office.turn(after=seconds)
    assert office.status()["failures"] == 3
    office.turn(after=0.2)
    assert [one["data"]["version"] for one in office.receiver.told] == ["1", "1", "1", "2"]
    ids = [headers["X-MLflow-Delivery-Id"] for _, headers, _ in office.receiver.posted]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert office.status()["failures"] == 0


def test_a_hook_that_nobody_answers_holds_no_other_up(office: Office) -> None:
    office.add("a-broken", "model_version.created")
    office.add("ci", "approval.created")
    office.receiver.answers = [None]
    office.desk.trained()
    office.desk.register()
    office.turn()
    office.desk.approved()
    office.turn()
    assert set(office.names()) == {"approval.created"}


def test_after_the_last_try_a_hook_rests_until_a_test_is_taken_and_has_missed_nothing(office: Office) -> None:
    office.add()
    office.receiver.status = None
    office.desk.trained()
    office.desk.register()
    for _ in range(TRIES + 3):
        office.turn(after=3601)
    assert (office.status()["status"], office.status()["failures"]) == ("DISABLED", TRIES)
    assert office.webhooks.test("ci")["success"] is False
    office.receiver.status = 200
    assert office.turn(after=3601) == []
    assert office.webhooks.test("ci") == {"success": True, "response_status": 200}
    office.turn()
    assert office.names() == ["webhook.tested", "model_version.created"]


def test_a_restart_goes_on_where_the_database_says(office: Office) -> None:
    office.add()
    office.desk.trained("epoch-3", "epoch-5")
    office.desk.register("epoch-3")
    office.turn()
    office.desk.register("epoch-5")
    office.restart()
    office.turn()
    assert [one["data"]["version"] for one in office.receiver.told] == ["1", "2"]


def test_a_removed_hook_is_told_nothing_more(office: Office) -> None:
    office.add()
    office.webhooks.remove("ci")
    office.desk.trained()
    office.desk.register()
    assert office.turn() == []
    with pytest.raises(UnknownWebhook):
        office.webhooks.test("ci")


def test_the_secret_is_neither_in_the_database_nor_shown_nor_printed(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = office.add()
    office.receiver.status = None
    office.desk.trained()
    office.desk.register()
    office.turn()
    office.webhooks.test("ci")
    (hook,) = office.webhooks.all()
    files = [path.read_bytes() for path in tmp_path.rglob("registry.db*")]
    assert len(secret) > 40
    assert b"ci.example" in b"".join(files)
    assert secret.encode() not in b"".join(files)
    assert "ci" in caplog.text
    shown = (repr(hook), str(hook_view(hook)), caplog.text)
    assert not [one for one in shown if secret in one or hook.sealed in one]


def test_a_secret_does_not_open_for_another_address(office: Office) -> None:
    office.add()
    (hook,) = office.webhooks.all()
    office.desk.trained()
    event = event_of(office.desk.register(), lambda _: "")
    assert office.sending.send(hook, event) == 204
    with pytest.raises(InvalidTag):
        office.sending.send(replace(hook, url="https://elsewhere.example/"), event)


def test_a_hook_without_a_secret_is_told_unsigned_until_it_has_one(office: Office) -> None:
    office.given(None)
    office.desk.trained("epoch-3", "epoch-5")
    office.desk.register("epoch-3")
    office.turn()
    (hook,) = office.webhooks.all()
    hook = office.webhooks.change(
        hook, Change(url="https://new.example/")
    )  # no secret was agreed with the old one
    office.desk.register("epoch-5")
    office.turn()
    signed = office.webhooks.change(hook, Change(secret="another-long-secret"))
    assert office.webhooks.test("given")["success"]
    sent = [(url, "X-MLflow-Signature" in headers) for url, headers, _ in office.receiver.posted]
    assert sent == [(URL, False), ("https://new.example/", False), ("https://new.example/", True)]
    assert [hook_view(one)["signed"] for one in (hook, signed)] == [False, True]


@pytest.mark.parametrize("secret", ["of-a-receivers-choice", None], ids=["signed", "unsigned"])
def test_whether_a_hook_is_signed_is_sealed_and_an_edited_row_is_told_nothing(
    office: Office, secret: str | None
) -> None:
    office.given(secret)
    (hook,) = office.webhooks.all()
    office.desk.trained()
    event = event_of(office.desk.register(), lambda _: "")
    for edited in (replace(hook, signed=not hook.signed), replace(hook, url="https://elsewhere.example/")):
        with pytest.raises(InvalidTag):
            office.sending.send(edited, event)
    assert office.receiver.posted == []


def test_a_row_edited_to_be_unsigned_is_not_sealed_anew_as_such(office: Office) -> None:
    office.given("of-a-receivers-choice")
    (hook,) = office.webhooks.all()
    edited = replace(hook, signed=False)
    with pytest.raises(InvalidTag):
        office.webhooks.change(edited, Change(url="https://new.example/"))
    assert office.webhooks.all() == [hook]
    office.webhooks.change(edited, Change(url="https://new.example/", secret="another-long-secret"))
    assert office.webhooks.test("given")["success"]
    ((url, headers, _),) = office.receiver.posted
    assert (url, "X-MLflow-Signature" in headers) == ("https://new.example/", True)


def test_a_hook_that_is_changed_or_disabled_meanwhile_is_not_told_as_it_was(office: Office) -> None:
    office.add()
    office.desk.trained("epoch-3", "epoch-5")
    office.desk.register("epoch-3")
    office.desk.register("epoch-5")
    (hook,) = office.webhooks.all()
    office.receiver.during = lambda: office.webhooks.change(hook, Change(disabled=True))
    office.turn()
    office.turn(after=10)
    assert [one["data"]["version"] for one in office.receiver.told] == ["1"]
    assert office.status()["status"] == "DISABLED"
    office.receiver.during = lambda: None
    office.webhooks.change(hook, Change(disabled=False))
    office.turn()
    assert [one["data"]["version"] for one in office.receiver.told] == ["1", "2"]


def test_an_address_changes_with_its_secret_and_events_that_are_added_begin_now(office: Office) -> None:
    first = office.add("ci", "revocation.created")
    office.desk.trained("epoch-3", "epoch-5")
    office.desk.register("epoch-3")
    office.turn()
    (hook,) = office.webhooks.all()
    with pytest.raises(SecretNeeded):
        office.webhooks.change(hook, Change(url="https://new.example/"))
    second = "another-long-secret"
    change = Change(url="https://new.example/", secret=second, events=["model_version.created"])
    changed = office.webhooks.change(hook, change)
    with pytest.raises(WebhookChanged):
        office.webhooks.change(hook, Change(secret=first))
    office.desk.register("epoch-5")
    (told,) = office.turn()
    url, headers, body = office.receiver.posted[0]
    assert (url, told["data"]["version"], changed.id) == ("https://new.example/", "2", hook.id)
    signed = [headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"], body.decode()]
    assert headers["X-MLflow-Signature"] == _generate_hmac_signature(second, *signed)
    assert office.receiver.checked == [URL, "https://new.example/"]


def test_while_the_table_does_not_answer_the_reason_is_named_and_nothing_is_lost(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.add()
    office.desk.trained()
    office.desk.register()
    office.rename("webhook", "gone")
    with pytest.raises(WebhooksUnkept) as refused:
        office.turn()
    assert refused.value.fix
    office.delivering.start()
    until = time.monotonic() + 60  # a hang, no promise
    while not caplog.text and time.monotonic() < until:
        time.sleep(0.01)
    office.delivering.close()
    assert "WebhooksUnkept: the registry's database did not answer: OperationalError; " in caplog.text
    office.rename("gone", "webhook")
    office.restart()
    office.turn()
    assert office.names() == ["model_version.created"]


REFUSED: list[tuple[type[Exception], Callable[[Office], object]]] = [
    (WebhookExists, lambda office: (office.add(), office.add())),
    (WebhookExists, lambda office: [office.add(f"n{number}") for number in range(MOST + 1)]),
    (UnknownEvent, lambda office: office.add("ci", "budget_policy.exceeded")),
    (WeakSecret, lambda office: office.given("x" * 15)),
    (WeakSecret, lambda office: office.given("x" * 201)),
]


@pytest.mark.parametrize(
    ("refusal", "act"), REFUSED, ids=["same name", "too many", "unknown event", "short secret", "long secret"]
)
def test_what_is_no_new_webhook_is_refused(
    office: Office, refusal: type[Exception], act: Callable[[Office], object]
) -> None:
    with pytest.raises(refusal):
        act(office)
