"""Webhooks: who outside is told, how it went last, registering, trying and removing one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response

from assay.pages import PageRoutes, page, redirect
from assay.web.caller import Caller, calling
from services.registry.desk import Desk
from services.registry.hooks.domain import EVENTS, RIGHT
from services.registry.hooks.domain import Form as Put
from services.registry.hooks.keeping import drawn

By = Annotated[Caller, Depends(calling)]
Name = Annotated[str, Form(max_length=63)]
MANAGERS = frozenset({"administrator", "operator"})  # who is shown the link; policy decides


def webhook_pages(desk: Desk) -> PageRoutes:
    """Return the page of webhooks."""
    pages = PageRoutes("/webhooks")

    @pages.get("", permission=RIGHT)
    def listed(request: Request) -> Response:
        return _page(request, desk)

    @pages.post("", permission=RIGHT)
    def register(
        request: Request,
        by: By,
        name: Name,
        url: Annotated[str, Form(max_length=500)],
        events: Annotated[list[str], Form(min_length=1, max_length=len(EVENTS))],
        form: Annotated[Put, Form()] = "mlflow",
    ) -> Response:
        secret = drawn()
        hook = desk.webhooks.add(name.strip(), url.strip(), events, form, by=by, secret=secret)
        return _page(request, desk, made=hook.name, secret=secret)

    @pages.post("/test", permission=RIGHT)
    def test(request: Request, name: Name) -> Response:
        return _page(request, desk, tested=name, result=desk.webhooks.test(name))

    @pages.post("/remove", permission=RIGHT)
    def remove(name: Name) -> Response:
        desk.webhooks.remove(name)
        return redirect("/webhooks")

    return pages


def _page(request: Request, desk: Desk, **said: Any) -> Response:  # noqa: ANN401 - what the page says this once
    """Return the page; what it says of a secret or a try is in this answer alone, which no cache keeps."""
    once: dict[str, Any] = {"made": "", "secret": "", "tested": "", "result": {}} | said
    return page(request, "webhooks.html", hooks=desk.webhooks.all(), events=EVENTS, **once)
