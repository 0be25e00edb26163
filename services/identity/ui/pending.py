"""What waits for administrators' signatures, signed here with their passkeys."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Depends, Request, Response

from assay.pages import PageRoutes, Session, page, redirect, session_of
from assay.pages.passkeys import Said, said
from services.identity.passkeys import Passkeys
from services.identity.ports import Names
from services.identity.proposals import Proposals

Mine = Annotated[Session, Depends(session_of)]


def pending_pages(proposals: Proposals, passkeys: Passkeys, names: Names) -> PageRoutes:
    """Return the list of what waits, and the page on which one is signed."""
    pages = PageRoutes("/pending")

    @pages.get("", permission="identity/sign-proposal")
    def everything(request: Request) -> Response:
        return page(request, "pending.html", waiting=proposals.all(), names=names.all())

    @pages.get("/{proposal}", permission="identity/sign-proposal")
    def one(request: Request, session: Mine, proposal: str) -> Response:
        waiting = proposals.find(proposal)
        mine = [each.credential_id for each in passkeys.of(session.person) if not each.software]
        return page(
            request,
            "proposal.html",
            waiting=waiting,
            words=json.dumps(waiting.statement, indent=2),
            names=names.all(),
            mine=mine,
            rp_id=passkeys.root.rp_id,
        )

    @pages.post("/{proposal}/sign", permission="identity/sign-proposal")
    def sign(session: Mine, proposal: str, proof: Annotated[Said, Depends(said)]) -> Response:
        record = proposals.sign(proposal, proof.by(session.person))
        return redirect(f"/pending/{proposal}" if record is None else "/pending")

    @pages.post("/{proposal}/withdraw", permission="identity/sign-proposal")
    def withdraw(proposal: str) -> Response:
        proposals.withdraw(proposal)
        return redirect("/pending")

    return pages
