"""The chain of custody of a receipt: fetched from its predictor or handed in, verified here, told as a tree."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from assay.contracts import strict_json
from assay.custody.receipt import VerifiedReceipt, export, verify_bundle
from assay.errors import NotFound, Unavailable
from services.registry.ports import Places
from services.registry.usecases import Registry

PUBLISHED_SECONDS: Final = 5.0  # how long a page waits for a checkpoint over a receipt's batch


def handed_in(registry: Registry, data: bytes) -> VerifiedReceipt:
    """Verify a receipt's bundle; raises the refusal of what it does not prove."""
    return verify_bundle(strict_json(data), registry.root, now=registry.now_ns() / 1e9)


def fetched(
    registry: Registry,
    places: Places,
    environment: str,
    endpoint: str,
    receipt: str,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Return the bundle of a receipt its predictor still has.

    Raises:
        NotFound: there is no such endpoint or receipt.
        Unavailable: no checkpoint covers the receipt's batch yet, or the predictor does not answer.
    """
    if (environment, endpoint) not in places.all():
        raise NotFound(f"there is no endpoint {environment[:20]}/{endpoint[:63]}")
    part = places.receipt(environment, endpoint, receipt)
    end = time.monotonic() + PUBLISHED_SECONDS
    while registry.log.record(str(part["journal"])) is None:
        if time.monotonic() > end:
            raise Unavailable("no checkpoint covers the receipt yet", fix="try again in a moment")
        pause(0.1)
        registry.log.catch_up()
    return export(part, registry.ledger, registry.log)
