"""Judging a version by facts; the registry is asked for the package's manifest and believed by digest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from assay.contracts import Version, body_of, strict_json
from assay.custody import CARD_FILE, Facts, Judgement, judge
from assay.custody.errors import NoModelCard
from assay.custody.package import manifest_digest
from assay.errors import NotFound, SignatureInvalid, Unavailable
from assay.ledger import Root
from assay.policy import Policy
from assay.web.client import call
from services.serving.domain import Place


class CustodyJudge:
    """Says whether a version may answer at an endpoint."""

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

    def judged(self, version: str, place: Place) -> Judgement:
        """See `ports.Judge.judged`."""
        record = self._facts.record(version)
        if record is None:
            raise NotFound(f"version {version[:12]} is not in the ledger")
        return judge(
            self._facts,
            self._root,
            self._policy,
            version=version,
            environment=place.environment,
            endpoint=place.name,
            card=self._card(body_of(record.fact, Version).package),
            now_ns=self._now_ns(),
        ).require()

    def _card(self, package: str) -> str:
        cards = [entry["sha256"] for entry in self._manifest(package) if entry["path"] == CARD_FILE]
        if len(cards) != 1:
            raise NoModelCard(f"package {package[:12]} has no {CARD_FILE}")
        return str(cards[0])

    def _manifest(self, package: str) -> list[Any]:
        try:
            document = strict_json(call(self._registry.get(f"/v1/packages/{package}")).content)
        except httpx.TransportError as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from error
        entries = document.get("files") if isinstance(document, dict) else document
        if not isinstance(entries, list) or manifest_digest(entries) != package:
            raise SignatureInvalid(f"the registry's manifest is not that of package {package[:12]}")
        return entries
