"""Assay: models with proof of where they came from, who tested them and who said yes. SDK and command.

import assay
with assay.connect(as_="dana") as session: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.client import Platform, Session, connect, missing, request_approval

__version__ = "0.1.0"
__all__ = ["Platform", "Session", "__version__", "connect", "missing", "request_approval"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import the client when it is first asked for, so that services do not pay for it."""
    if name in {"Platform", "Session", "connect", "missing", "request_approval"}:
        from assay import client

        return getattr(client, name)
    raise AttributeError(name)
