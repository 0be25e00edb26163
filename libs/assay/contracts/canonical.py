"""Canonical bytes (RFC 8785) and the one JSON reader verifiers use."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from assay.errors import BadRequest


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return the RFC 8785 bytes of a JSON value."""
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def strict_json(data: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON, refusing duplicate keys, NaN and infinities.

    Raises:
        BadRequest: the bytes are no such JSON.
    """
    try:
        return json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"not strict JSON: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object repeats a key")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
