"""Signing in with a passkey, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from assay.contracts import canonical
from assay.pages import Attempts, PageRoutes, local_path, page
from assay.pages.passkeys import Said, said
from assay.pages.signing import signed_in
from assay.web.routes import PUBLIC
from services.identity.signing_in import SignInPage


def sign_in_pages(signing_in: SignInPage, attempts: Attempts, rp_id: str) -> PageRoutes:
    """Return the pages before a session; all public, their tries counted by address."""
    pages = PageRoutes()

    @pages.get("/sign-in", permission=PUBLIC)
    def ask(request: Request, next: str = "/") -> Response:  # noqa: A002 - the query's own word
        return page(request, "sign_in.html", go_on=local_path(next))

    @pages.post("/sign-in/challenge", permission=PUBLIC)
    def challenge(request: Request, name: Annotated[str, Form()] = "") -> Response:
        attempts.count(address_of(request))
        statement, credentials = signing_in.challenge(name.strip())
        text = canonical(statement).decode()
        return JSONResponse({"statement": text, "credentials": credentials, "rp_id": rp_id})

    @pages.post("/sign-in", permission=PUBLIC)
    def sign_in(
        request: Request, proof: Annotated[Said, Depends(said)], go_on: Annotated[str, Form()] = "/"
    ) -> Response:
        attempts.count(address_of(request))
        person = signing_in.passkeys.holder(proof.credential_id)
        signing_in.prove(proof.by(person))
        return signed_in(request, person, proof.credential_id, go_on=go_on)

    return pages


def address_of(request: Request) -> str:
    """Return the address a request came from, as the connection says: no header does."""
    return request.client.host if request.client else "unknown"
