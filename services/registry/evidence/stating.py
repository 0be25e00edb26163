"""Stating evidence: a document kept by its digest, then the fact that names it; the same again is the same fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from assay.contracts import Evidence, FactKind, Version, body_of, canonical, sha256_hex, strict_json
from assay.custody.chain import Chain, chain
from assay.custody.judging import standing_now
from assay.custody.package import CARD_FILE
from assay.errors import HeadMoved
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.errors import DocumentMoved, EvidenceUnknown, NotYours
from services.registry.evidence.derived import CYCLONEDX, JSON, Derived, derive
from services.registry.evidence.documents import RIGHTS, figures_of, read_document
from services.registry.ports import Boms
from services.registry.registering import RACES
from services.registry.usecases import Registry

TYPES: Final = ("fairness", "robustness", "privacy", "scan", "data", "sbom", "model-card", "risk-record")
ITSELF: Final = "registry"


@dataclass(frozen=True)
class Stating:
    """Evidence of versions; `boms` checks bills of materials against their schema."""

    registry: Registry
    boms: Boms

    def derive(self, model: str, number: int) -> list[Record]:
        """State what facts and stored bytes say of a version; what is stated already stays as it is."""
        whole = self._whole(model, number)
        package = whole.body.package
        files = self.registry.packages.manifest(package)
        card = strict_json(self.registry.packages.file(package, CARD_FILE))
        found = derive(whole, files, card)
        for one in found:
            if one.media_type == CYCLONEDX:
                self.boms.check(one.document)
        return [self._state(package, one, by=ITSELF, valid_until=None) for one in found]

    def write(
        self,
        model: str,
        number: int,
        kind: str,
        document: Mapping[str, Any],
        *,
        valid_until: datetime | None,
        by: Caller,
        over: str | None = None,
    ) -> Record:
        """State what a person wrote: a model card or a risk record; a time without a zone is in UTC.

        `over` is the fact it was made from, empty where there was none; None asks for no such thing.

        Raises:
            DocumentRefused: a heading is missing or empty.
            DocumentMoved: another statement than `over` stands.
            NotYours: no person says it.
        """
        if by.person is None:
            raise NotYours("a model card and a risk record are written by a person")
        checked = read_document(kind, document)
        self.registry.policy.require(RIGHTS[kind], by, {"model": model, "number": number})
        until = None if valid_until is None else _utc(valid_until).isoformat(timespec="seconds")
        package = self._whole(model, number).body.package
        said = Derived(kind, checked, JSON, figures_of(kind, checked), ())

        def unmoved() -> None:
            if over is not None and over != self._newest(model, number, kind):
                raise DocumentMoved(f"the {kind} of {model} v{number} is not the one this was made from")

        return self._state(package, said, by=by.person, valid_until=until, check=unmoved)

    def standing(self, model: str, number: int) -> list[Record]:
        """Return the statements that count now: of each type the newest, and none that was revoked."""
        return list(self._whole(model, number).evidence)

    def document(self, model: str, number: int, kind: str) -> tuple[Record, bytes]:
        """Return the newest standing statement of a type and its document, whose bytes were checked."""
        for record in self.standing(model, number):
            said = body_of(record.fact, Evidence)
            if said.type == kind:
                return record, self.registry.packages.document(said.content)
        raise EvidenceUnknown(f"{model} v{number} has no standing {kind[:40]}")

    def _newest(self, model: str, number: int, kind: str) -> str:
        found = (one.digest for one in self.standing(model, number) if one.fact.body["type"] == kind)
        return next(found, "")

    def _whole(self, model: str, number: int) -> Chain:
        record = self.registry.believed.version(model, number)
        return standing_now(self.registry.log, chain(self.registry.log, record.digest))

    def _state(
        self,
        package: str,
        said: Derived,
        *,
        by: str,
        valid_until: str | None,
        check: Callable[[], None] = lambda: None,
    ) -> Record:
        """Keep the document, then append its fact; whoever comes second follows the first, if `check` lets it."""
        data = canonical(said.document)
        body = Evidence(
            package=package,
            type=said.kind,
            content=sha256_hex(data),
            media_type=said.media_type,
            figures=said.figures,
            facts=said.facts,
            by=by,
            valid_until=valid_until,
        ).model_dump(mode="json")
        about = f"evidence/{package}/{said.kind}"
        self.registry.packages.keep_document(data)
        for _ in range(RACES):
            head = self.registry.log.head(about)
            if (
                head is not None
                and dict(head.fact.body) == body
                and not self.registry.log.revoked(head.digest)
            ):
                return head
            check()  # after the head was read: what comes in between moves it
            try:
                subjects = ((said.kind, package),)
                return self.registry.commit(
                    self.registry.fact(FactKind.EVIDENCE, about, body, head, subjects=subjects)
                )
            except HeadMoved:
                self.registry.log.catch_up()
        raise HeadMoved(f"{about} moved {RACES} times")


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def number_of(record: Record) -> tuple[str, int]:
    """Return the model and number a version fact gives."""
    body = body_of(record.fact, Version)
    return body.model, body.number
