"""The routes of webhooks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.registry.hooks.domain import EVENTS, RIGHT, Form, Hook
from services.registry.hooks.keeping import Webhooks, drawn

By = Annotated[Caller, Depends(calling)]


class WantedHook(BaseModel):
    """A webhook to register: no members but ours."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=63)]
    url: Annotated[str, Field(max_length=500)]
    events: Annotated[list[str], Field(min_length=1, max_length=len(EVENTS))]
    form: Form = "mlflow"


def webhook_routes(webhooks: Webhooks) -> Routes:
    """Return the routes by which people with the right manage webhooks."""
    api = Routes("/v1/webhooks")

    @api.get("", permission=RIGHT)
    def registered() -> dict[str, Any]:
        return {"webhooks": [hook_view(one) for one in webhooks.all()]}

    @api.post("", permission=RIGHT, status_code=201)
    def register(wanted: WantedHook, by: By) -> dict[str, Any]:
        secret = drawn()
        hook = webhooks.add(wanted.name, wanted.url, wanted.events, wanted.form, by=by, secret=secret)
        return {**hook_view(hook), "secret": secret}

    @api.post("/{name}/test", permission=RIGHT)
    def test(name: str) -> dict[str, Any]:
        return webhooks.test(name)

    @api.delete("/{name}", permission=RIGHT)
    def remove(name: str) -> dict[str, Any]:
        return {"removed": webhooks.remove(name).name}

    return api


def hook_view(hook: Hook) -> dict[str, Any]:
    """Return a hook as it is shown: everything but its secret."""
    return {
        "name": hook.name,
        "url": hook.url,
        "events": list(hook.events),
        "form": hook.form,
        "signed": hook.signed,
        "status": "DISABLED" if hook.disabled else "ACTIVE",
        "by": hook.by,
        "time": hook.time,
        "position": hook.position,
        "failures": hook.failures,
        "last": hook.last,
    }
