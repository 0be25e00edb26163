"""MLflow's own routes of webhooks, for unchanged clients, over the hooks that are kept here.

A hook told of events that MLflow has no name for shows the others; one with none of MLflow's is not shown. The form is
MLflow's. Secrets are never said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from assay.journal import Kind
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.registry.hooks.domain import MLFLOWS, RIGHT, Hook
from services.registry.hooks.errors import EventUntold, UnknownWebhook
from services.registry.hooks.keeping import Change, Webhooks

PATH: Final = "/api/2.0/mlflow/webhooks"
MOST_AT_ONCE: Final = 1000
By = Annotated[Caller, Depends(calling)]
Text = Annotated[str, Field(max_length=2000)]
Status = Literal["ACTIVE", "DISABLED"]


class Said(BaseModel):
    """The body of a call: members as MLflow spells them in its REST API, and no others."""

    model_config = ConfigDict(extra="forbid")


class SaidEvent(Said):
    """An event in MLflow's words: `MODEL_VERSION` and `CREATED`."""

    entity: Annotated[str, Field(max_length=40)]
    action: Annotated[str, Field(max_length=40)]

    @property
    def name(self) -> str:
        """The event's name here; raises EventUntold where it has none."""
        name = f"{self.entity}.{self.action}".lower()
        if name not in MLFLOWS:
            raise EventUntold(f"nobody is told of {name!r}: it is no fact of the registry")
        return name


Events = Annotated[list[SaidEvent], Field(min_length=1, max_length=20)]


class NewWebhook(Said):
    """A webhook to register; without a secret what is sent is not signed, as MLflow's own server does."""

    name: Annotated[str, Field(max_length=63)]
    url: Annotated[str, Field(max_length=500)]
    events: Events
    description: Text = ""
    secret: str | None = None
    status: Status = "ACTIVE"


class ChangedWebhook(Said):
    """What of a webhook is to be another."""

    name: Annotated[str | None, Field(max_length=63)] = None
    url: Annotated[str | None, Field(max_length=500)] = None
    events: Events | None = None
    description: Text | None = None
    secret: str | None = None
    status: Status | None = None


class Trial(Said):
    """Which event to try; what is sent is an event of no meaning whichever it is."""

    event: SaidEvent | None = None


def mlflow_webhook_routes(webhooks: Webhooks) -> Routes:
    """Return the routes an MLflow client manages webhooks by."""
    api = Routes(PATH)

    @api.get("", permission=RIGHT)
    def listed(
        max_results: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 100,
        page_token: Annotated[str, Query(max_length=63)] = "",
    ) -> dict[str, Any]:
        shown = [one for one in webhooks.all() if MLFLOWS & set(one.events) and one.name > page_token]
        page = shown[:max_results]
        more = {"next_page_token": page[-1].name} if len(shown) > len(page) else {}
        return {"webhooks": [webhook_shown(webhooks, one) for one in page], **more}

    @api.post("", permission=RIGHT)
    def create(wanted: NewWebhook, by: By) -> dict[str, Any]:
        hook = webhooks.add(
            wanted.name,
            wanted.url,
            _names(wanted.events),
            "mlflow",
            by=by,
            secret=wanted.secret or None,
            disabled=wanted.status == "DISABLED",
            description=wanted.description,
        )
        return {"webhook": webhook_shown(webhooks, hook)}

    @api.get("/{hook}", permission=RIGHT)
    def get(hook: str) -> dict[str, Any]:
        return {"webhook": webhook_shown(webhooks, _found(webhooks, hook))}

    @api.patch("/{hook}", permission=RIGHT)
    def update(hook: str, wanted: ChangedWebhook) -> dict[str, Any]:
        there = _found(webhooks, hook)
        changed = webhooks.change(there, _change(there, wanted))
        return {"webhook": webhook_shown(webhooks, changed)}

    @api.delete("/{hook}", permission=RIGHT)
    def delete(hook: str) -> dict[str, Any]:
        webhooks.remove(_found(webhooks, hook).name)
        return {}

    @api.post("/{hook}/test", permission=RIGHT, kind=Kind.CHANGE)
    def test(hook: str, wanted: Trial) -> dict[str, Any]:
        there = _found(webhooks, hook)
        if wanted.event is not None:
            _names([wanted.event])
        return {"result": webhooks.tried(there)}

    return api


def webhook_shown(webhooks: Webhooks, hook: Hook) -> dict[str, Any]:
    """Return a hook as MLflow spells one."""
    words = webhooks.words(hook)
    return {
        "webhook_id": hook.id,
        "name": hook.name,
        "description": words.description,
        "url": hook.url,
        "events": [_event(one) for one in hook.events if one in MLFLOWS],
        "status": "DISABLED" if hook.disabled else "ACTIVE",
        "creation_timestamp": _ms(hook.time),
        "last_updated_timestamp": _ms(words.changed),
    }


def _found(webhooks: Webhooks, hook: str) -> Hook:
    found = webhooks.get(hook)
    if not MLFLOWS & set(found.events):
        raise UnknownWebhook(f"webhook {found.name} is told of nothing that MLflow has a name for")
    return found


def _change(hook: Hook, wanted: ChangedWebhook) -> Change:
    """Return a change; events that MLflow has no name for stay."""
    events = None
    if wanted.events is not None:
        events = [*_names(wanted.events), *(one for one in hook.events if one not in MLFLOWS)]
    return Change(
        name=wanted.name,
        url=wanted.url,
        events=events,
        secret=wanted.secret,
        disabled=None if wanted.status is None else wanted.status == "DISABLED",
        description=wanted.description,
    )


def _names(events: Sequence[SaidEvent]) -> list[str]:
    return [one.name for one in events]


def _event(name: str) -> dict[str, str]:
    entity, _, action = name.upper().partition(".")
    return {"entity": entity, "action": action}


def _ms(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
