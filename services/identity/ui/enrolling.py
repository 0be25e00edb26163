"""Making a passkey with a one-time link; its token stands in no path, because paths are journaled."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import JSONResponse

from assay.pages import Attempts, PageRoutes, page
from assay.web.routes import PUBLIC
from services.identity.proposals import Enrolment
from services.identity.ui.signing_in import address_of


def enrolling_pages(enrolment: Enrolment, attempts: Attempts) -> PageRoutes:
    """Return the pages behind a link; public, because nobody has a passkey before, and tries are counted."""
    pages = PageRoutes("/enrol")

    @pages.get("", permission=PUBLIC)
    def opened(request: Request, token: str) -> Response:
        attempts.count(address_of(request))
        link, name = enrolment.opened(token)
        return page(request, "enrol.html", token=token, name=name, expiry=link.expiry)

    @pages.post("/options", permission=PUBLIC)
    def options(request: Request, token: Annotated[str, Form()]) -> Response:
        attempts.count(address_of(request))
        return JSONResponse(enrolment.options(token))

    @pages.post("", permission=PUBLIC)
    def register(
        request: Request,
        token: Annotated[str, Form()],
        credential_id: Annotated[str, Form()],
        client_data: Annotated[str, Form()],
        attestation: Annotated[str, Form()],
    ) -> Response:
        attempts.count(address_of(request))
        waiting = enrolment.register(token, credential_id, client_data, attestation)
        return page(request, "enrolled.html", waiting=waiting)

    return pages
