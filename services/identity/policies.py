"""Policy on a running platform: bundles taken in, what one would change, and its activation over exactly that."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from assay.contracts import FactKind, PolicyActivated, body_of
from assay.custody.judging import rejudge
from assay.errors import ServiceError
from assay.ledger import Record, Root
from assay.policy import OpaWasm, PolicyEngine
from assay.policy.preview import Decided, changed_decisions, document, preview_digest
from assay.policy.shelf import PolicyBundleMissing, Shelf
from services.identity.errors import PreviewMoved
from services.identity.ports import Followed

PASSES = "passes"
MS = 1_000_000  # nanoseconds


@dataclass(frozen=True)
class Policies:
    """The bundles there are, and what each would do to what stands."""

    root: Root
    followed: Followed
    shelf: Shelf
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held from the look at a bundle to its fact: no next root names another author in between."""

    def take(self, archive: bytes) -> dict[str, str]:
        """Keep a signed bundle; it changes nothing until a fact names it."""
        bundle = self.shelf.put(archive)
        return {"bundle": bundle.digest, "revision": bundle.revision}

    def bundle(self, digest: str) -> bytes:
        """Return a bundle's archive, for whoever verifies it."""
        return self.shelf.archive(digest)

    def in_force(self) -> dict[str, Any]:
        """Return what the newest policy fact says; `revision` is "" when it is revoked."""
        head = self.followed.head("policy")
        said = (
            body_of(head.fact, PolicyActivated).model_dump(mode="json", exclude={"assertions"})
            if head
            else {}
        )
        return {**said, "revision": self.followed.policy_revision(), "fact": head.digest if head else None}

    def revision(self, digest: str) -> str:
        """Return the revision of a bundle that was taken in."""
        return self.shelf.get(digest).revision

    def preview(self, digest: str) -> dict[str, Any]:
        """Return what activating a bundle would change, by everything the log holds now.

        Raises:
            PolicyBundleMissing: nobody handed that bundle in.
        """
        self.followed.catch_up()
        bundle = self.shelf.get(digest)
        before, after = self._policy_in_force(), _decided(bundle.wasm)
        engines = before.engine if before else None, after.engine
        return document(
            before=before.revision if before else "",
            after=bundle.revision,
            bundle=digest,
            stands=[self._judged(head, *engines) for head in self._standing()],
            decisions=changed_decisions(before, after),
        )

    def require_preview(self, bundle: str, preview: str) -> None:
        """Return when this is what activating the bundle would change now; raises PreviewMoved."""
        now = preview_digest(self.preview(bundle))
        if now != preview:
            raise PreviewMoved(
                f"activating {bundle[:12]} would change {now[:12]} now, and not {preview[:12]}"
            )

    def _policy_in_force(self) -> Decided | None:
        head = self.followed.head("policy")
        if head is None or not self.followed.policy_revision():
            return None
        try:
            return _decided(self.shelf.get(body_of(head.fact, PolicyActivated).bundle, at=head.index).wasm)
        except PolicyBundleMissing:
            return None

    def _standing(self) -> list[Record]:
        """Return the newest fact of every endpoint and judged alias, in order of their names."""
        moves = [r for kind in (FactKind.ROLLOUT, FactKind.ALIAS) for r in self.followed.records(kind)]
        heads = {record.about: self.followed.head(record.about) for record in moves}
        return [head for _, head in sorted(heads.items()) if head is not None and head.fact.body["policy"]]

    def _judged(self, head: Record, before: PolicyEngine | None, after: PolicyEngine) -> dict[str, Any]:
        said = head.fact.body
        return {
            "about": head.about,
            "fact": head.digest,
            "model": said["model"],
            "number": said["number"],
            "now": self._verdict(head, before)["says"],
            **{
                "then" if name == "says" else name: value
                for name, value in self._verdict(head, after).items()
            },
        }

    def _verdict(self, head: Record, engine: PolicyEngine | None) -> Mapping[str, Any]:
        if engine is None:
            return {"says": "no policy", "missing": []}
        try:
            verdict = rejudge(
                self.followed,
                self.root,
                engine,
                move=head.digest,
                now_ns=self.followed.checkpoint().time_ms * MS,
            ).verdict
        except ServiceError as refusal:
            return {"says": type(refusal).__name__, "missing": []}
        return {"says": PASSES if verdict.passed else "stops", "missing": verdict.missing}


@lru_cache(maxsize=4)  # the policy in force, the one before, and those that are looked at
def _decided(wasm: bytes) -> Decided:
    return Decided(OpaWasm(wasm))
