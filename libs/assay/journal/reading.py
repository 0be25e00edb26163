"""Reading a journal: what it holds of whom and when, and whether what it shows is what the ledger has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from assay.contracts import FactKind, JournalBatch, body_of, canonical, strict_json
from assay.errors import BadRequest, SignatureInvalid
from assay.journal.journal import Journal
from assay.ledger import Record, tree

PAGE: Final = 500
MOST_LOOKED_AT: Final = 20_000  # entries for one answer; it says where to go on


class JournalEdited(SignatureInvalid):
    """A journal shows an entry that is not what its batch's root in the ledger stands for."""

    fix = "keep the journal's file and report it: who changed it could write where the service keeps its data"


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None is not asked. `since` counts in, `until` does not; `about` is any id named."""

    tenant: str | None = None
    person: str | None = None
    identity: str | None = None
    action: str | None = None
    outcome: str | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def has(self, entry: Mapping[str, Any]) -> bool:
        """Say whether an entry is one of these."""
        return self._is_whose(entry) and self._is_what(entry) and self._is_when(entry)

    def _is_whose(self, entry: Mapping[str, Any]) -> bool:
        said = f"{entry.get('identity') or entry.get('caller') or ''} for {entry.get('person') or ''}"
        words = said.replace("/people/", " ").split()
        return (
            (self.tenant is None or entry.get("tenant", self.tenant) == self.tenant)
            and (self.person is None or self.person in words)
            and (self.identity is None or said.startswith(f"{self.identity} "))
        )

    def _is_what(self, entry: Mapping[str, Any]) -> bool:
        outcome = entry.get("outcome", "refused" if "refusal" in entry else "allowed")
        return (
            (self.action is None or entry.get("action") == self.action)
            and (self.outcome is None or outcome == self.outcome)
            and (self.about is None or self.about in named(entry))
        )

    def _is_when(self, entry: Mapping[str, Any]) -> bool:
        if self.since is None and self.until is None:
            return True
        when = datetime.fromisoformat(str(entry["time"]))
        return (self.since is None or when >= self.since) and (self.until is None or when < self.until)


def named(entry: Mapping[str, Any]) -> set[str]:
    """Return the ids an entry names: of the path, or of a receipt."""
    receipt = {
        str(entry[each]) for each in ("id", "endpoint", "model", "package", "rollout") if each in entry
    }
    return receipt | set(entry.get("resource", {}).values())


class Log(Protocol):
    """What checking an entry needs of the ledger: a fact, proven to be in the log."""

    def fact(self, digest: str) -> Record:
        """Return a fact by digest; raises NotFound."""


def search(journal: Journal, wanted: Wanted, *, start: int, limit: int) -> dict[str, Any]:
    """Return the entries wanted from index `start` on, each with its place in its batch, and where to go on.

    `next` is None at the journal's end. An entry whose batch has not landed yet has no place.
    """
    found: list[dict[str, Any]] = []
    at = start
    for at, body in _bodies(journal, start):
        if len(found) == limit or at - start == MOST_LOOKED_AT:
            return {"entries": found, "next": at, "size": journal.size}
        entry = strict_json(body)
        if wanted.has(entry):
            found.append({"index": at, "entry": entry, "landed": _placed(journal, at)})
    return {"entries": found, "next": None, "size": journal.size}


def verify(shown: Mapping[str, Any], ledger: Log, *, journal: str) -> Record | None:
    """Return the journal fact whose root proves an entry that `search` gave, or None while it has not landed.

    `journal` is whose it must be: `journal/svc/core/registry`.

    Raises:
        JournalEdited: the entry is not under that root, or the fact is another one.
    """
    place = shown["landed"]
    if place is None:
        return None
    record = ledger.fact(place["journal"])
    if record.kind is not FactKind.JOURNAL or record.about != journal:
        raise JournalEdited(f"fact {record.digest[:12]} is no batch of {journal}")
    batch = body_of(record.fact, JournalBatch)
    try:
        tree.verify_inclusion(
            tree.leaf_hash(canonical(shown["entry"])),
            place["index"],
            batch.count,
            [bytes.fromhex(node) for node in place["path"]],
            bytes.fromhex(batch.root),
        )
    except (SignatureInvalid, BadRequest, ValueError, TypeError) as error:
        raise JournalEdited(f"entry {shown['index']} of {journal} is not under its batch's root") from error
    return record


def _bodies(journal: Journal, start: int) -> Iterator[tuple[int, bytes]]:
    while page := journal.entries(start, PAGE):
        for entry in page:
            yield entry.index, entry.body
        start = page[-1].index + 1


def _placed(journal: Journal, index: int) -> dict[str, Any] | None:
    place = journal.place(index)
    if place is None:
        return None
    return {
        "index": place.index,
        "size": place.size,
        "path": [node.hex() for node in place.path],
        "journal": place.fact,
    }
