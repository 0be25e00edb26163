"""Preparing a batch: bytes are read, judged, split and sealed into a claim, and nothing is promised yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa

from assay.contracts import DatasetBatch, canonical, new_id
from assay.objects import Objects
from assay.sealed import SealedTables
from assay.vault import Vault
from services.ingestion import judging, lineage, tables
from services.ingestion.domain import QUARANTINE, SNAPSHOT, Claim, Contract, Push
from services.ingestion.judging import Verdict
from services.ingestion.ports import Expectations


class Intake:
    """Prepares claims for one tenant; `namespace` is OpenLineage's, `assay://<trust domain>/<tenant>`."""

    def __init__(
        self, *, tenant: str, namespace: str, objects: Objects, vault: Vault, expectations: Expectations
    ) -> None:
        self._tenant = tenant
        self._namespace = namespace
        self._objects = objects
        self._vault = vault
        self._expectations = expectations
        self._sealed = SealedTables(objects, vault)

    def prepare(self, push: Push, contract: Contract, *, contributors: set[str], time: str) -> Claim:
        """Return the claim of a push; raises every refusal that speaks of tables and expectations."""
        typed = tables.read(push.content, push.media_type, contract.schema_)
        table = tables.recorded(typed, push.recorded_at)
        result, verdict, kept = self._judge(table, contract)
        snapshot = judging.kept(table, verdict)
        key = new_id(f"batch-{self._tenant}-{push.dataset}")
        self._vault.create_key(key, "aes256-gcm96")
        subjects = [(SNAPSHOT, self._sealed.seal(snapshot, key, SNAPSHOT))]
        if verdict.bad:
            subjects.append(
                (QUARANTINE, self._sealed.seal(judging.set_aside(table, verdict), key, QUARANTINE))
            )
        found = {"received": judging.evidence(result, contract.personal), "kept": kept}
        event = self._event(push, snapshot, kept, time, subjects[0][1])
        body = DatasetBatch(
            dataset=push.dataset,
            batch=push.label,
            media_type=push.media_type,
            rows=snapshot.num_rows,
            quarantined=len(verdict.bad),
            columns={field.name: str(field.type) for field in snapshot.schema},
            tags=contract.tags,
            suite=self._objects.put_addressed(canonical(contract.suite)),
            result=self._objects.put_addressed(canonical(found)),
            success=True,
            source=push.source,
            key=key,
            openlineage=self._objects.put_addressed(canonical(event)),
            contributors=tuple(sorted(contributors)),
            purposes=contract.purposes,
            region=contract.region or "",
            project=contract.project or "",
        )
        return Claim(tenant=self._tenant, time=time, subjects=tuple(subjects), body=body)

    def discard(self, claim: Claim) -> None:
        """Remove what was prepared for a claim that another one overtook."""
        for _, digest in claim.subjects:
            self._sealed.discard(digest)
        self._vault.delete_key(claim.body.key)

    def _judge(self, table: pa.Table, contract: Contract) -> tuple[judging.Result, Verdict, dict[str, Any]]:
        """Judge all rows, then the rows that are kept: only they must meet the whole suite."""
        result = self._expectations.judge(table, contract.suite)
        verdict = Verdict.of(result, table.num_rows).within(contract.quarantine_limit)
        final = result
        if verdict.bad:
            final = self._expectations.judge(judging.kept(table, verdict), contract.suite)
        judging.check_whole(final)
        return result, verdict, judging.evidence(final, contract.personal)

    def _event(
        self, push: Push, snapshot: pa.Table, kept: Mapping[str, Any], time: str, digest: str
    ) -> dict[str, Any]:
        return lineage.event(
            run=uuid5(NAMESPACE_URL, f"{self._namespace}/{push.dataset}/{digest}"),
            time=time,
            namespace=self._namespace,
            dataset=push.dataset,
            source=push.source,
            snapshot=digest,
            columns={field.name: str(field.type) for field in snapshot.schema},
            result=kept,
            rows=snapshot.num_rows,
        )
