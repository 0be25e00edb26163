"""Canonical bytes (RFC 8785) and the one JSON reader verifiers use."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Final

import rfc8785

from assay.errors import BadRequest

_LARGEST: Final = 2**53 - 1
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return the RFC 8785 bytes of a JSON value."""
    if _is_plain(
        value
    ):  # then the standard library's encoder, in C, writes the same bytes four times as fast
        return _encode(value).encode()
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Say whether two encoders cannot differ: no fractions, no large integers, nothing but ASCII."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii())
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(one) for key, one in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return value is None or kind is bool or (kind is int and -_LARGEST <= value <= _LARGEST)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def strict_json(data: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON, refusing duplicate keys, NaN and infinities, also those that a number too large would become.

    Raises:
        BadRequest: the bytes are no such JSON.
    """
    try:
        return json.loads(
            data, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"not strict JSON: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object repeats a key")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is larger than any that is kept")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
