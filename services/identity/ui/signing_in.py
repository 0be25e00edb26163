"""Signing in with a passkey, and out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from assay.contracts import canonical
from assay.pages import Attempts, PageRoutes, local_path, page
from assay.pages.app import POLICY
from assay.pages.passkeys import Said, said
from assay.pages.signing import signed_in
from assay.web.routes import PUBLIC
from services.identity.signing_in import SignInPage


def sign_in_pages(
    signing_in: SignInPage, attempts: Attempts, rp_id: str, returns: Iterable[str]
) -> PageRoutes:
    """Return the pages before a session; all public, their tries counted by address.

    `returns` are the addresses to which identity sends people back: the other services' pages.
    """
    pages = PageRoutes()

    @pages.get("/sign-in", permission=PUBLIC)
    def ask(request: Request, next: str = "/") -> Response:  # noqa: A002 - the query's own word
        answer = page(request, "sign_in.html", go_on=local_path(next))
        answer.headers["content-security-policy"] = leading_on(returns)
        return answer

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


def leading_on(addresses: Iterable[str]) -> str:
    """Return the pages' policy with leave for a form's answer to lead on to the platform's own other pages.

    Browsers hold `form-action` against every redirect that follows a form: who came from another service's pages
    is sent back there with a code.
    """
    back = (urlsplit(address) for address in addresses)
    origins = " ".join(f"{one.scheme}://{one.netloc}" for one in back)
    return POLICY.replace("form-action 'self'", f"form-action 'self' {origins}")


def address_of(request: Request) -> str:
    """Return the address a request came from, as the connection says: no header does."""
    return request.client.host if request.client else "unknown"
