"""From a rollout to verified bytes: fetched from the registry, believed only after `assay.custody.verify`.

What the registry refuses is a verdict where it judged the rollout or found its bytes changed. Anything else says only
that it cannot hand them out now: it is down, broken, or its log is behind ours and does not hold the rollout yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from assay.contracts import Rollout, body_of, sha256_hex, strict_json
from assay.custody import CARD_FILE, Facts, Judgement, VerifiedPackage, verify
from assay.custody.judging import judge_move
from assay.custody.package import check_path
from assay.errors import NotBuilt, ServiceError, SignatureInvalid, Unavailable
from assay.ledger import Record, Root
from assay.policy import Policy
from assay.web.client import call
from services.predictor.errors import NotHandedOut

BEHIND: Final = frozenset({"NoLiveRollout"})  # what a registry says of a rollout that only we know of
FROM_SERVERS: Final = 500  # HTTP: the fault is the answering side's


class RegistryCustody:
    """Packages from the registry, judged here: by the facts, the root and the policy of this process."""

    def __init__(
        self,
        registry: httpx.Client,
        facts: Facts,
        root: Root,
        policy: Policy,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._registry = registry
        self._facts = facts
        self._root = root
        self._policy = policy
        self._now_ns = now_ns

    def verified(self, rollout: Record) -> VerifiedPackage:
        """See `ports.Custody.verified`."""
        digest = body_of(rollout.fact, Rollout).package
        files = {path: self._get(f"/v1/packages/{digest}/files/{path}") for path in self._paths(digest)}
        signature = self._get(f"/v1/packages/{digest}/signature")
        return verify(
            self._facts,
            self._root,
            self._policy,
            rollout=rollout.digest,
            files=files,
            signature=signature,
            now_ns=self._now_ns(),
        )

    def recheck(self, package: VerifiedPackage) -> Judgement:
        """See `ports.Custody.recheck`; the bytes were checked and are in memory, so only facts are judged."""
        move = package.judgement.chain.move
        if move is None:
            raise SignatureInvalid("a package that answers was verified for a rollout")
        return judge_move(
            self._facts,
            self._root,
            self._policy,
            move=move.digest,
            card=sha256_hex(package.files[CARD_FILE]),
            now_ns=self._now_ns(),
        )

    def _paths(self, digest: str) -> list[str]:
        document = strict_json(self._get(f"/v1/packages/{digest}"))
        entries: Any = document.get("files") if isinstance(document, dict) else document
        try:
            return [check_path(entry["path"]) for entry in entries]
        except (TypeError, KeyError) as error:
            raise SignatureInvalid(f"the registry's manifest of {digest[:12]} is malformed") from error

    def _get(self, path: str) -> bytes:
        try:
            return call(self._registry.get(path)).content
        except httpx.TransportError as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from error
        except ServiceError as refusal:
            if isinstance(refusal, Unavailable) or not _passing(refusal):
                raise
            raise NotHandedOut(f"{type(refusal).__name__}: {refusal.detail}"[:500]) from refusal


def _passing(refusal: ServiceError) -> bool:
    """Say whether a refusal of the registry is no verdict: what it says may be another thing when asked again."""
    if isinstance(refusal, NotBuilt):
        return False
    return refusal.status >= FROM_SERVERS or type(refusal).__name__ in BEHIND
