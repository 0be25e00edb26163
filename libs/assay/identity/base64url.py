"""base64url without padding, as WebAuthn and JOSE write it, read strictly."""

from __future__ import annotations

import base64
import binascii

from assay.errors import SignatureInvalid


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    """Return the bytes; raises SignatureInvalid on padding, other letters or spare bits."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise SignatureInvalid(f"{what} is not base64url") from error
    if encode(data) != text:
        raise SignatureInvalid(f"{what} is not canonical base64url")
    return data
