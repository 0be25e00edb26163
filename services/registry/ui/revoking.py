"""Saying that something no longer counts, with what it would stop shown first."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Query, Request, Response

from assay.contracts import sha256_hex
from assay.pages import PageRoutes, page, redirect
from assay.web.caller import Caller, calling
from services.registry.desk import Desk

By = Annotated[Caller, Depends(calling)]
Named = Annotated[str, Form(max_length=500)]
NAMED = frozenset({"person", "key", "identity", "dependency"})


def revoking_pages(desk: Desk) -> PageRoutes:
    """Return the pages of revocations."""
    pages = PageRoutes("/revoke")

    @pages.get("", permission="registry/revoke")
    def ahead(
        request: Request,
        revokes: Annotated[str, Query(max_length=500)] = "",
        what: Annotated[str, Query(max_length=60)] = "fact",
    ) -> Response:
        if not revokes:
            return page(request, "revoke.html", found=None, revokes="", what=what)
        digest, words = _named(revokes.strip(), what)
        found = desk.revoking.preview(digest, what=words)
        return page(request, "revoke.html", found=found, revokes=revokes.strip(), what=what)

    @pages.post("", permission="registry/revoke")
    def revoke(
        by: By,
        revokes: Named,
        reason: Annotated[str, Form(min_length=1, max_length=2000)],
        what: Named = "fact",
    ) -> Response:
        digest, words = _named(revokes.strip(), what)
        said = desk.registry.revoke(digest, what=words, reason=reason.strip(), by=by)
        return redirect(f"/revoke/done/{said.digest}")

    @pages.get("/done/{fact}", permission="registry/revoke")
    def done(request: Request, fact: str) -> Response:
        return page(request, "revoked.html", said=desk.revoking.said(fact))

    return pages


def _named(revokes: str, what: str) -> tuple[str, str]:
    """Return the digest that a revocation names, and the words for it: `person` and `p-amir` are `person/p-amir`."""
    if what in NAMED:
        words = f"{what}/{revokes.removeprefix('/')}"
        return sha256_hex(words.encode()), words
    return revokes, what
