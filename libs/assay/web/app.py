"""Building a service's application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from assay.web.routes import Routes


def build_app(parts: Any, *routers: Routes, title: str) -> FastAPI:
    """Return the application; refuses when a route declares no permission."""
    raise NotImplementedError
