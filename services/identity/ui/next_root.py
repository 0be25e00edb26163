"""The next root, before the founders: what changes, its digest, who said it, and the passkey that says it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from assay.errors import NotFound
from assay.pages import PageRoutes, Session, page, redirect, session_of
from assay.pages.passkeys import Said, said
from services.identity.next_root import Standing, Successions
from services.identity.ports import Names

Mine = Annotated[Session, Depends(session_of)]


def next_root_pages(successions: Successions, names: Names, rp_id: str) -> PageRoutes:
    """Return the one page, for everybody who may have to say it; the passkey decides whose word counts."""
    pages = PageRoutes("/next-root")

    @pages.get("", permission="identity/say-root")
    def look(request: Request, session: Mine) -> Response:
        try:
            standing = successions.standing()
        except NotFound:
            standing = None
        return page(
            request,
            "next_root.html",
            standing=standing,
            root=successions.followed.root,
            rp_id=rp_id,
            mine=_passkeys(standing, session.person) if standing else [],
            names=names.all(),
        )

    @pages.post("/sign", permission="identity/say-root")
    def sign(session: Mine, proof: Annotated[Said, Depends(said)]) -> Response:
        successions.sign(proof.by(session.person))
        return redirect("/next-root")

    @pages.post("/withdraw", permission="identity/draft-root")
    def withdraw() -> Response:
        successions.withdraw()
        return redirect("/next-root")

    return pages


def _passkeys(standing: Standing, person: str) -> list[str]:
    """Return the passkeys with which somebody's word is still wanted; software ones sign by command."""
    if standing.next is None:
        return []
    both = (*standing.next.root.founders, *standing.next.new.founders)
    wanted = [one.credential_id for one in both if one.person == person and not one.software]
    return [one for one in dict.fromkeys(wanted) if not standing.signed(person, one)]
