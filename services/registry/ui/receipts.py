"""The custody view of a receipt: from a prediction back to the rows, verified here and downloadable for elsewhere."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from assay.contracts import canonical
from assay.errors import BadRequest, ServiceError
from assay.pages import PageRoutes, page
from services.registry.desk import Desk
from services.registry.showing.custody import fetched, handed_in

LIMIT: Final = 4 << 20  # bytes of a bundle and its form
Name = Annotated[str, Query(max_length=120)]


def receipt_pages(desk: Desk) -> PageRoutes:
    """Return the form, the view and the download."""
    pages = PageRoutes("/receipts")

    @pages.get("", permission="registry/read")
    def look(request: Request, endpoint: Name = "", receipt: Name = "") -> Response:
        given = {"endpoint": endpoint, "receipt": receipt}
        if not receipt:
            return page(request, "receipts.html", verified=None, refusal=None, given=given)
        bundle = fetched(desk.registry, desk.places, *_place(endpoint), receipt)
        verified = handed_in(desk.registry, canonical(bundle))
        return page(request, "receipts.html", verified=verified, refusal=None, given=given)

    @pages.get("/bundle", permission="registry/read")
    def download(endpoint: Name, receipt: Name) -> Response:
        bundle = fetched(desk.registry, desk.places, *_place(endpoint), receipt)
        headers = {"content-disposition": 'attachment; filename="receipt.json"'}
        return JSONResponse(bundle, headers=headers)

    @pages.post("", permission="registry/read", body_limit=LIMIT)
    def handed(
        request: Request, bundle: Annotated[str, Form()] = "", file: UploadFile | None = None
    ) -> Response:
        data = file.file.read(LIMIT) if file is not None and file.size else bundle.encode()
        given = {"endpoint": "", "receipt": ""}
        try:
            verified = handed_in(desk.registry, data)
        except ServiceError as refusal:
            shown = {"verified": None, "refusal": refusal, "given": given}
            return page(request, "receipts.html", status=refusal.status, **shown)
        return page(request, "receipts.html", verified=verified, refusal=None, given=given)

    return pages


def _place(endpoint: str) -> tuple[str, str]:
    environment, slash, name = endpoint.partition("/")
    if not (environment and slash and name):
        raise BadRequest(f"{endpoint[:80]!r} is not ENVIRONMENT/NAME", fix="write it as prod/credit")
    return environment, name
