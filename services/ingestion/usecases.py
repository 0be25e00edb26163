"""What ingestion does, each request as a sentence: load, decide, append the fact (the commit), project."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from assay.contracts import DatasetBatch, FactKind, body_of, canonical, check_name, sha256_hex, strict_json
from assay.custody.chain import revocation_of
from assay.errors import HeadMoved
from assay.ledger import Follower, Ledger, Record
from assay.objects import Objects
from assay.sealed import SealedTables
from assay.vault import Vault
from assay.web.caller import Caller
from services.ingestion import judging, tables
from services.ingestion.domain import (
    QUARANTINE,
    SNAPSHOT,
    BatchRow,
    Claim,
    Contract,
    Push,
    Pushed,
    about,
    timestamp,
)
from services.ingestion.errors import (
    BatchRevoked,
    BusyDataset,
    NoContributor,
    RowContradictsFact,
    UnknownBatch,
)
from services.ingestion.intake import Intake
from services.ingestion.ports import Batches, Expectations
from services.ingestion.shelves import Claims, Contracts

RACES: Final = 20
LOCKS: Final = 16
SHOWN_ROWS: Final = 1000


class Ingestion:
    """The use cases of one tenant. `clock` gives naive UTC; `pause` waits the seconds it is given."""

    def __init__(
        self,
        *,
        tenant: str,
        namespace: str,
        objects: Objects,
        vault: Vault,
        ledger: Ledger,
        follower: Follower,
        expectations: Expectations,
        batches: Batches,
        clock: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._tenant = tenant
        self._objects = objects
        self._vault = vault
        self._ledger = ledger
        self._follower = follower
        self._expectations = expectations
        self._batches = batches
        self._clock = clock
        self._pause = pause
        self._sealed = SealedTables(objects, vault)
        self._contracts = Contracts(objects, tenant)
        self._claims = Claims(objects, tenant)
        self._intake = Intake(
            tenant=tenant, namespace=namespace, objects=objects, vault=vault, expectations=expectations
        )
        self._turns = [threading.Lock() for _ in range(LOCKS)]

    def define(self, dataset: str, document: Mapping[str, Any], *, by: Caller) -> tuple[Contract, int]:
        """Set a data set's contract; returns it with its number."""
        contract = Contract.parse(document)
        tables.arrow_schema(contract.schema_)
        judging.check_suite(contract)
        self._expectations.check(contract.suite)
        return contract, self._contracts.add(check_name(dataset, "data set"), contract, _person(by))

    def push(
        self,
        dataset: str,
        content: bytes,
        *,
        by: Caller,
        label: str,
        media_type: str,
        source: str,
        recorded_at: datetime | None = None,
    ) -> Pushed:
        """Take one batch in, wholly or not at all; the same bytes again are the batch they were.

        Raises:
            UnknownDataset, NoContributor, BatchRevoked, BusyDataset, and what `Intake.prepare` raises.
        """
        now = self._clock()
        push = Push.checked(
            dataset=check_name(dataset, "data set"),
            label=label,
            media_type=media_type,
            source=source,
            content=content,
            recorded_at=recorded_at or now,
            now=now,
        )
        contract, author = self._contracts.current(dataset)
        mark, people = self._mark(push, contract), {_person(by), author}
        with self._turns[int(mark[:8], 16) % LOCKS]:
            claim = self._claims.find(mark) or self._prepared(mark, push, contract, people, now)
            return self._commit(claim)

    def batches(self, dataset: str) -> list[tuple[BatchRow, bool]]:
        """Return a data set's batches, oldest first, each with whether it was revoked.

        Raises:
            RowContradictsFact: a row of the database does not say what its fact says.
        """
        self._contracts.current(check_name(dataset, "data set"))
        rows = [self._believed(row) for row in self._batches.of(self._tenant, dataset)]
        return [(row, revocation_of(self._follower, self._record(row.fact)) is not None) for row in rows]

    def quarantine(self, dataset: str, fact: str) -> dict[str, Any]:
        """Say why rows of a batch were kept out: reasons and row numbers, never values."""
        record = self._record(fact)
        body = body_of(record.fact, DatasetBatch)
        if body.dataset != dataset:
            raise UnknownBatch(f"data set {dataset[:63]} has no batch {fact[:12]}")
        digests = dict(record.fact.subjects)
        rows = []
        if QUARANTINE in digests:
            table = self._sealed.open(digests[QUARANTINE], body.key, QUARANTINE)
            rows = table.select([judging.ROW, judging.REASONS]).slice(0, SHOWN_ROWS).to_pylist()
        return {
            "fact": fact,
            "quarantined": body.quarantined,
            "reasons": self._reasons(body),
            "rows": rows,
        }

    def ciphertext(self, digest: str) -> bytes:
        """Return a snapshot as it is stored: encrypted, checked against its digest."""
        row = self._batches.holding(self._tenant, digest)
        if row is None:
            raise UnknownBatch(f"no batch has the snapshot {digest[:12]}")
        return self._sealed.ciphertext(self._believed(row).snapshot)

    def release_key(self, fact: str) -> tuple[bytes, str]:
        """Return the data key of a batch that counts, and the ciphertext it opens.

        Raises:
            Stale: the ledger was not heard of for longer than the lease.
            BatchRevoked: the batch no longer counts.
        """
        self._follower.catch_up()
        self._follower.fresh()
        record = self._standing(fact)
        snapshot = dict(record.fact.subjects)[SNAPSHOT]
        return self._sealed.data_key(snapshot, body_of(record.fact, DatasetBatch).key, SNAPSHOT), snapshot

    def lineage(self, fact: str) -> dict[str, Any]:
        """Return the OpenLineage event of a batch."""
        body = body_of(self._record(fact).fact, DatasetBatch)
        event: dict[str, Any] = strict_json(self._objects.get_addressed(body.openlineage))
        return event

    def _mark(self, push: Push, contract: Contract) -> str:
        """Return the keyed HMAC, hex, of the bytes pushed and the contract they were pushed under."""
        said = [self._tenant, push.dataset, contract.digest, sha256_hex(push.content)]
        return sha256_hex(self._vault.hmac("dedup", canonical(said)).encode())

    def _prepared(self, mark: str, push: Push, contract: Contract, people: set[str], now: datetime) -> Claim:
        ours = self._intake.prepare(push, contract, contributors=people, time=timestamp(now))
        standing = self._claims.claim(mark, ours)
        if standing != ours:
            self._intake.discard(ours)
        return standing

    def _commit(self, claim: Claim) -> Pushed:
        """Append the claimed fact unless it is in the ledger; a moved head is read again and retried."""
        for race in range(RACES):
            self._follower.catch_up()
            committed = self._committed(claim)
            if committed is not None:
                return self._pushed(self._standing(committed.digest), duplicate=True)
            head = self._follower.head(about(self._tenant, claim.body.dataset))
            try:
                record = self._ledger.append(claim.fact(head.digest if head else None))
            except HeadMoved:
                self._pause(0.05 * race)
                continue
            self._follower.catch_up()
            return self._pushed(record, duplicate=False)
        raise BusyDataset(f"the head of {claim.body.dataset} moved {RACES} times")

    def _committed(self, claim: Claim) -> Record | None:
        """Return the fact of the claimed snapshot, if the ledger has it."""
        name = about(self._tenant, claim.body.dataset)
        records = self._follower.records(FactKind.BATCH, name)
        same = (one for one in records if one.about == name and one.fact.subjects == claim.subjects)
        return next(same, None)

    def _pushed(self, record: Record, *, duplicate: bool) -> Pushed:
        body = body_of(record.fact, DatasetBatch)
        return Pushed(BatchRow.of(record), tuple(self._reasons(body)), duplicate=duplicate)

    def _reasons(self, body: DatasetBatch) -> list[dict[str, Any]]:
        return judging.reasons(strict_json(self._objects.get_addressed(body.result))["received"])

    def _record(self, fact: str) -> Record:
        record = self._follower.record(fact)
        if record is None or record.kind is not FactKind.BATCH or record.fact.tenant != self._tenant:
            raise UnknownBatch(f"there is no batch {fact[:12]}")
        return record

    def _standing(self, fact: str) -> Record:
        record = self._record(fact)
        revocation = revocation_of(self._follower, record)
        if revocation is not None:
            raise BatchRevoked(f"batch {fact[:12]} was revoked: {revocation.reason[:200]}")
        return record

    def _believed(self, row: BatchRow) -> BatchRow:
        record = self._follower.record(row.fact)
        if record is None or BatchRow.of(record) != row:
            raise RowContradictsFact(f"the row of batch {row.fact[:12]} is not what its fact says")
        return row


def _person(by: Caller) -> str:
    if by.person is None:
        raise NoContributor(f"{by.identity} acts for no person")
    return by.person
