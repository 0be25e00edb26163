"""The evidence pack of a version, to keep: a file of its own, which shows nothing of this site."""

from __future__ import annotations

from fastapi import Response

from assay.pages import PageRoutes
from services.registry.packing import Packing


def pack_pages(packing: Packing) -> PageRoutes:
    """Return the download of a version's pack."""
    pages = PageRoutes("/models/{name}/{number}")

    @pages.get("/pack.html", permission="registry/read")
    def pack(name: str, number: int) -> Response:
        called, page = packing.page(name, number)
        headers = {"content-disposition": f'attachment; filename="{called}"'}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    return pages
