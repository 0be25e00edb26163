"""Receipts: what was asked and answered, as commitments only the holder of the salt can open.

The predictor draws a salt for every answer, gives it to the caller and forgets it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from assay.contracts import strict_json
from assay.journal import Journal, Tensor, commitment
from services.predictor.endpoint import Answering, Endpoint
from services.predictor.errors import NoReceipt, NotLandedYet

TYPE: Final = "assay-receipt/v1"


@dataclass(frozen=True)
class Receipt:
    """A receipt on its way out: the record to journal, and the salt for the caller alone (hex)."""

    id: str
    salt: str = field(repr=False)
    record: dict[str, Any]


def receipt(
    endpoint: Endpoint,
    answering: Answering,
    *,
    caller: str,
    policy: str,
    asked: Iterable[Tensor],
    answered: Iterable[Tensor],
) -> Receipt:
    """Return one answer's receipt; `caller` is the certificate's identity, `policy` the revision in force."""
    salt = secrets.token_bytes(32)
    name = f"r-{secrets.token_hex(16)}"
    record = {
        "type": TYPE,
        "id": name,
        "endpoint": endpoint.name,
        "environment": endpoint.environment,
        "model": answering.name,
        "number": answering.number,
        "package": answering.package.digest,
        "rollout": answering.rollout,
        "caller": caller,
        "time": now(),
        "policy": policy,
        "input": commitment(salt, "input", asked),
        "output": commitment(salt, "output", answered),
    }
    return Receipt(name, salt.hex(), record)


def now() -> str:
    """Return the present, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def landed(journal: Journal, name: str) -> dict[str, Any]:
    """Return a receipt with its place under the root its journal fact carries; NoReceipt or NotLandedYet."""
    found = journal.find(name)
    if found is None:
        raise NoReceipt(f"no receipt {name[:80]!r} was given here")
    entry, place = found
    if place is None:
        raise NotLandedYet(f"receipt {name} is journaled; its batch is on its way to the ledger")
    return {
        "receipt": strict_json(entry.body),
        "index": place.index,
        "size": place.size,
        "path": [node.hex() for node in place.path],
        "journal": place.fact,
    }
