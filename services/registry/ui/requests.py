"""Asking, one request, and the sheet on which a decision is signed: exactly what is signed, in words and as digest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Form, Query, Request, Response

from assay.contracts import Conditions, Environment
from assay.errors import BadRequest
from assay.pages import PageRoutes, Session, page, redirect, session_of
from assay.pages.passkeys import Said, said
from assay.web.caller import Caller, calling
from services.registry.asking import LONGEST
from services.registry.desk import Desk
from services.registry.domain import CHAMPION
from services.registry.showing.requests import may_say, request_shown, sheet_shown

By = Annotated[Caller, Depends(calling)]
Mine = Annotated[Session, Depends(session_of)]
Text = Annotated[str, Form(max_length=LONGEST)]
Verb = Literal["approve", "reject", "withdraw"]


def request_pages(desk: Desk) -> PageRoutes:
    """Return the pages of requests."""
    pages = PageRoutes("/requests/{id}")
    _add_request(pages, desk)
    _add_sheet(pages, desk)
    _add_words(pages, desk)
    return pages


def asking_pages(desk: Desk) -> PageRoutes:
    """Return the page on which approval is asked for, and where comments on a version go."""
    pages = PageRoutes("/models/{name}/{number}")

    @pages.get("/ask", permission="registry/request-approval")
    def form(request: Request, name: str, number: int) -> Response:
        desk.registry.believed.version(name, number)
        return page(request, "ask.html", name=name, number=number, environments=tuple(Environment))

    @pages.post("/ask", permission="registry/request-approval")
    def ask(
        by: By,
        name: str,
        number: int,
        environment: Annotated[Environment, Form()],
        note: Text = "",
        due: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        until = end_of(due) if due else None
        made = desk.asking.request(name, number, environment, note=note, due=until, by=by)
        return redirect(f"/requests/{made.request.id}")

    @pages.post("/comments", permission="registry/comment")
    def comment(by: By, name: str, number: int, text: Text) -> Response:
        desk.asking.comment(name, number, text, by=by)
        return redirect(f"/models/{name}/{number}#comments")

    return pages


def _add_request(pages: PageRoutes, desk: Desk) -> None:
    @pages.get("", permission="registry/read")
    def one(request: Request, by: By, id: str) -> Response:  # noqa: A002 - the path's own word
        shown = request_shown(desk.registry, desk.asking.find(id))
        may = may_say(desk.registry, shown.standing, by, desk.asking.voices(by, shown.standing.request))
        return page(request, "request.html", shown=shown, may=may, alias=CHAMPION)

    @pages.post("/promote", permission="registry/promote")
    def promote(by: By, id: str) -> Response:  # noqa: A002
        asked = desk.asking.find(id).request
        to = Environment(asked.environment)
        desk.registry.promote(asked.model, CHAMPION, number=asked.number, environment=to, by=by)
        return redirect(f"/requests/{id}")


def _add_sheet(pages: PageRoutes, desk: Desk) -> None:
    @pages.get("/sheet", permission="registry/read-statement")
    def sheet(
        request: Request,
        by: By,
        id: str,  # noqa: A002
        verb: Verb = "approve",
        role: Annotated[str, Query(max_length=127)] = "approver",  # or `role/person`: for who is away
        reason: Annotated[str, Query(max_length=LONGEST)] = "",
        endpoints: Annotated[str, Query(max_length=2000)] = "",
        until: Annotated[str, Query(max_length=10)] = "",
    ) -> Response:
        asked = desk.asking.find(id).request
        name, _, holder = role.partition("/")
        statement = desk.deciding.statement(
            asked.model,
            asked.number,
            Environment(asked.environment),
            verb=verb,
            role=name,
            holder=holder,
            reason=reason,
            by=by,
            conditions=Conditions.of(endpoints.replace(",", " ").split(), end_of(until) if until else None),
        )
        return page(request, "sheet.html", asked=asked, sheet=sheet_shown(desk.registry, statement))

    @pages.post("/sign", permission="registry/read-statement")
    def sign(by: By, session: Mine, id: str, proof: Annotated[Said, Depends(said)]) -> Response:  # noqa: A002
        desk.asking.find(id).request.require_about(proof.statement)
        desk.deciding.hand_in(proof.by(session.person), by=by)
        return redirect(f"/requests/{id}")


def _add_words(pages: PageRoutes, desk: Desk) -> None:
    @pages.post("/questions", permission="registry/comment")
    def question(by: By, id: str, text: Text) -> Response:  # noqa: A002
        desk.asking.question(id, text, by=by)
        return redirect(f"/requests/{id}#comments")

    @pages.post("/withdraw", permission="registry/request-approval")
    def withdraw(by: By, id: str) -> Response:  # noqa: A002
        desk.asking.withdraw(id, by=by)
        return redirect(f"/requests/{id}")


def end_of(day: str) -> datetime:
    """Return the end of a day, as a date field gives it, in UTC; raises BadRequest."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(hour=23, minute=59, second=59, tzinfo=UTC)
    except ValueError as error:
        raise BadRequest(f"{day!r} is no date", fix="write it as 2026-12-24") from error
