"""The SDK: `assay.connect()` gives a session as the person who logged in."""

from assay.client.platform import Platform
from assay.client.session import Session, connect

__all__ = ["Platform", "Session", "connect"]
