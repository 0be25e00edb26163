"""People, as administrators see them: who there is, links, roles, lost passkeys, leaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from assay.errors import NotFound
from assay.identity.registration import fingerprint
from assay.pages import PageRoutes, Session, Site, page, redirect, session_of
from services.identity.domain import Person
from services.identity.leaving import Leaving
from services.identity.passkeys import Passkeys
from services.identity.proposals import Enrolment, Proposals
from services.identity.usecases import People

Mine = Annotated[Session, Depends(session_of)]
Field = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True)
class Desk:
    """What administrators work with."""

    people: People
    passkeys: Passkeys
    enrolment: Enrolment
    proposals: Proposals
    leaving: Leaving
    site: Site

    def everybody(self) -> list[Person]:
        """Return everybody, with their roles in the platform's own tenant."""
        return self.people.all(self.people.followed.tenant)

    def person(self, person: str) -> Person:
        """Return somebody who is known; raises NotFound."""
        for each in self.everybody():
            if each.person == person:
                return each
        raise NotFound(f"nobody has the id {person[:63]!r}")


def people_pages(desk: Desk) -> PageRoutes:
    """Return the pages about people."""
    pages = PageRoutes("/people")
    _add_list(pages, desk)
    _add_person(pages, desk)
    return pages


def _add_list(pages: PageRoutes, desk: Desk) -> None:
    @pages.get("", permission="identity/enrol")
    def everybody(request: Request) -> Response:
        people = [(each, len(desk.passkeys.of(each.person))) for each in desk.everybody()]
        return page(request, "people.html", people=people, waiting=len(desk.proposals.all()))

    @pages.post("/invite", permission="identity/enrol")
    def invite(request: Request, session: Mine, name: Field) -> Response:
        person, link = desk.enrolment.invite(name, by=session.person)
        return page(request, "invited.html", name=name.strip(), person=person, link=link)

    @pages.get("/{person}", permission="identity/enrol")
    def one(request: Request, person: str) -> Response:
        passkeys = [(each, fingerprint(each.public_key)) for each in desk.passkeys.of(person)]
        return page(request, "person.html", one=desk.person(person), passkeys=passkeys)


def _add_person(pages: PageRoutes, desk: Desk) -> None:
    @pages.post("/{person}/roles", permission="identity/change-role")
    def role(session: Mine, person: str, role: Field, ended: Annotated[bool, Form()] = False) -> Response:  # noqa: FBT002 - a form's field
        terms = {"person": desk.person(person).person, "role": role.strip(), "ended": ended}
        waiting = desk.proposals.open("role", terms, by=session.person)
        return redirect(f"/pending/{waiting.proposal.id}")

    @pages.post("/{person}/passkeys", permission="identity/revoke")
    def lost(session: Mine, person: str, credential_id: Field) -> Response:
        desk.leaving.lose_passkey(person, credential_id, reason="lost", by=session.person)
        return redirect(f"/people/{desk.person(person).person}")

    @pages.post("/{person}/leave", permission="identity/revoke")
    def leave(session: Mine, person: str) -> Response:
        known = desk.person(person)
        desk.leaving.leave(known.person, by=session.person)
        desk.site.sessions.end(known.person)
        return redirect("/people")
