"""The SDK: `assay.connect()` gives a session as the person who logged in."""

from assay.client.notebook import missing, request_approval
from assay.client.platform import Platform
from assay.client.session import Session, connect

__all__ = ["Platform", "Session", "connect", "missing", "request_approval"]
