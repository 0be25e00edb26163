"""Hooks, what happened, and how it is put: in MLflow's form or as a CloudEvent, from the fact alone.

Payloads name people by id only: reasons, comments and other free text stay in the registry.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from assay.contracts import Approval, FactKind, Revocation, body_of
from assay.ledger import Record
from services.registry.domain import DECISIONS, AliasRow, VersionRow, spoken_alias, standing_alias

Form = Literal["mlflow", "cloudevents"]
RIGHT: Final = "registry/manage-webhooks"
EVENTS: Final = (
    "model_version.created",
    "model_version_alias.created",
    "approval.created",
    "rejection.created",
    "withdrawal.created",
    "revocation.created",
    "revocation.deleted",
    "model_version_alias.deleted",
)
_OF_KIND: Final = {FactKind.VERSION: EVENTS[0], FactKind.ALIAS: EVENTS[1]} | {
    kind: f"{kind.value}.created" for kind in DECISIONS
}
_TYPES: Final = {"mlflow": "application/json", "cloudevents": "application/cloudevents+json"}
MLFLOWS: Final = frozenset({EVENTS[0], EVENTS[1], EVENTS[7]})
"""Those of the events that MLflow has a name for."""
MlflowRun = Callable[[str], str]


@dataclass(frozen=True)
class Hook:
    """One registered address. `position` is the next ledger index it is to be told of; `retry_at` is in seconds."""

    id: str
    name: str
    url: str = field(repr=False)  # may hold a token of the receiver's
    form: Form
    events: tuple[str, ...]
    sealed: str = field(repr=False)
    by: str
    time: str
    position: int
    failures: int = 0
    retry_at: float = 0
    disabled: bool = False
    last: str = ""
    signed: bool = True  # False: an MLflow client registered it without a secret

    @property
    def context(self) -> bytes:
        """What the secret is sealed for: under another address, or as a hook without one, it does not open."""
        return f"{self.id} {self.url}{'' if self.signed else ' unsigned'}".encode()


@dataclass(frozen=True)
class Words:
    """What somebody wrote of a hook, and when it was changed last (RFC 3339)."""

    description: str
    changed: str


@dataclass(frozen=True)
class Event:
    """What a hook is told: `entity.action` as MLflow writes it, and where in the ledger it stands."""

    name: str
    id: str
    time: str
    about: str
    data: Mapping[str, Any]


def name_of(record: Record) -> str | None:
    """Return the event a fact is, None for one that nobody is told of."""
    if record.kind is FactKind.REVOCATION:
        return EVENTS[6] if body_of(record.fact, Revocation).ended else EVENTS[5]
    if record.kind is FactKind.ALIAS and standing_alias(record) is None:
        return EVENTS[7]
    return _OF_KIND.get(record.kind)


def event_of(record: Record, mlflow_run: MlflowRun) -> Event:
    """Return what is told of a fact that has an event; `mlflow_run` gives MLflow's id of a run's fact."""
    return Event(
        name=name_of(record) or "",
        id=record.digest,
        time=record.fact.time,
        about=record.about,
        data=_data(record, mlflow_run),
    )


def tried(hook: Hook, delivery: str, time: str) -> Event:
    """Return the event of a test."""
    return Event("webhook.tested", delivery, time, f"webhook/{hook.name}", {"name": hook.name})


def _data(record: Record, mlflow_run: MlflowRun) -> dict[str, Any]:
    if record.kind is FactKind.VERSION:
        return _version(VersionRow.of(record), mlflow_run)
    if record.kind is FactKind.ALIAS:
        moved = AliasRow.of(record)
        named = {"name": moved.model, "alias": spoken_alias(moved.environment, moved.alias)}
        return named | ({"version": str(moved.number)} if standing_alias(record) else {})
    if record.kind is FactKind.REVOCATION:
        return {"revokes": body_of(record.fact, Revocation).revokes, "by": record.fact.body["by"]}
    said = body_of(record.fact, Approval)
    environment = record.fact.environment.value if record.fact.environment else ""
    person = said.assertion.person
    return {"name": said.model, "version": str(said.number), "environment": environment, "person": person}


def _version(row: VersionRow, mlflow_run: MlflowRun) -> dict[str, Any]:
    return {
        "name": row.model,
        "version": str(row.number),
        "source": f"mlflow-artifacts:/packages/sha256-{row.package}",
        "run_id": mlflow_run(row.run) or None,
        "tags": {"assay.package": row.package, "assay.fact": row.fact, "assay.tier": row.tier},
        "description": None,
    }


def payload_of(event: Event, form: Form, source: str) -> bytes:
    """Return the body: MLflow's four members, or a CloudEvent 1.0 in structured JSON from `source`."""
    if form == "mlflow":
        entity, _, action = event.name.partition(".")
        told = {"entity": entity, "action": action, "timestamp": event.time, "data": event.data}
        return json.dumps(told).encode()
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": source,
            "type": f"assay.{event.name}",
            "subject": event.about,
            "time": event.time,
            "datacontenttype": "application/json",
            "data": event.data,
        }
    ).encode()


def headers_of(
    form: Form, secret: bytes | None, delivery: str, seconds: int, payload: bytes
) -> dict[str, str]:
    """Return the headers, signed as MLflow signs: HMAC-SHA-256 over `delivery.seconds.payload`; not without a secret.

    `delivery` is the event's id: what is sent again has the id it had.
    """
    headers = {
        "Content-Type": _TYPES[form],
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": str(seconds),
    }
    if secret is None:
        return headers
    said = b".".join((delivery.encode(), str(seconds).encode(), payload))
    signed = base64.b64encode(hmac.digest(secret, said, hashlib.sha256)).decode()
    return {**headers, "X-MLflow-Signature": f"v1,{signed}"}
