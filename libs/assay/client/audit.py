"""The audit trail as one: facts of the ledger, and what every service's journal holds, each entry proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from assay import ocsf
from assay.client.service import Service
from assay.contracts import FactKind
from assay.errors import ServiceError, SignatureInvalid
from assay.journal import verify
from assay.ledger import LedgerClient, Record

if TYPE_CHECKING:
    from assay.client.session import Session

SERVICES: Final = (
    "ledger",
    "identity",
    "ingestion",
    "features",
    "tracking",
    "training",
    "evaluator",
    "registry",
    "serving",
)
PAGE: Final = 500


@dataclass
class Left:
    """What an export had to leave out, and why: entries that have not landed, services that did not answer."""

    unlanded: int = 0
    silent: dict[str, str] = field(default_factory=dict)


class Audit:
    """What a person may know of who did what."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def facts(self, **asked: str) -> Iterator[dict[str, Any]]:
        """Yield the ledger's summaries of facts, page by page; for what can be asked see `GET /v1/search`."""
        yield from _pages(self._session.service("ledger"), "/v1/search", "facts", asked)

    def journals(self) -> dict[str, Service]:
        """Return who keeps a journal, by its head: the core services and every predictor that serving knows."""
        found = {f"journal/svc/core/{name}": self._session.service(name) for name in SERVICES}
        for view in self._session.service("serving").get("/v1/endpoints")["endpoints"]:
            environment, name = str(view["environment"]), str(view["endpoint"])
            identity = f"/svc/{environment}/predictor/{name}"
            found[f"journal{identity}"] = self._session.service_at(str(view["url"]), expect=identity)
        return found

    def accesses(self, journal: Service, **asked: str) -> Iterator[dict[str, Any]]:
        """Yield entries of one journal with their places; for what can be asked see `GET /v1/journal`."""
        yield from _pages(journal, "/v1/journal", "entries", asked)

    def export(
        self, left: Left, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield OCSF events: every fact of the verified log, then every journal's entries, each proven.

        Raises:
            JournalEdited: a journal shows what its batch's root in the ledger does not stand for.
        """
        origin = self._session.root.log_origin
        for record in self._session.follower.records():
            if record.kind is not FactKind.JOURNAL and _within(record.fact.time, since, until):
                yield ocsf.of_fact(record, log=origin, said_by=self._said_by(record))
        proven = _Proven(self._session.ledger)
        asked = {name: each.isoformat() for name, each in (("since", since), ("until", until)) if each}
        for head, service in self.journals().items():
            try:
                for shown in self.accesses(service, **asked):
                    batch = verify(shown, proven, journal=head)
                    if batch is None:
                        left.unlanded += 1
                    else:
                        yield ocsf.of_entry(shown, batch, log=origin)
            except SignatureInvalid:
                raise
            except ServiceError as refusal:
                left.silent[head] = f"{type(refusal).__name__}: {refusal.detail}"

    def _said_by(self, record: Record) -> str:
        try:
            return self._session.root.signer_for(record.fact, record.signed.keyid).identity
        except SignatureInvalid:  # admitted under an older root
            return f"key/{record.signed.keyid}"


class _Proven:
    """Facts of the ledger, each asked for once."""

    def __init__(self, ledger: LedgerClient) -> None:
        self._ledger = ledger
        self._known: dict[str, Record] = {}

    def fact(self, digest: str) -> Record:
        """Return a fact by digest, proven included; raises NotFound."""
        if digest not in self._known:
            self._known[digest] = self._ledger.fact(digest)
        return self._known[digest]


def _pages(service: Service, path: str, member: str, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    start: int | None = 0
    while start is not None:
        page = service.get(path, **asked, start=start, limit=PAGE)
        yield from page[member]
        start = page["next"]


def _within(time: str, since: datetime | None, until: datetime | None) -> bool:
    try:
        when = datetime.fromisoformat(time)
    except ValueError:
        return True
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (since is None or when >= since) and (until is None or when < until)
