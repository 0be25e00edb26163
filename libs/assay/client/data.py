"""Data sets, their batches, and the point-in-time feature sets made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.client.service import Service

PARQUET = "application/vnd.apache.parquet"


class Data:
    """What a data scientist does with data; nothing here returns a plaintext row."""

    def __init__(self, ingestion: Service, features: Service) -> None:
        self._ingestion = ingestion
        self._features = features

    def define(self, dataset: str, contract: Mapping[str, Any]) -> dict[str, Any]:
        """Set a data set's contract: `suite` (Great Expectations JSON), `schema`, `tags`."""
        return dict(self._ingestion.put(f"/v1/datasets/{dataset}/contract", dict(contract)))

    def push(
        self,
        dataset: str,
        batch: str,
        content: bytes,
        *,
        media_type: str = PARQUET,
        source: str = "push",
        recorded_at: str | None = None,
    ) -> dict[str, Any]:
        """Push one batch; bad rows go to quarantine with reasons. The same bytes again are the same batch.

        `recorded_at` (RFC 3339) is when the rows became known, for rows without a column of that name.
        """
        params = {"batch": batch, "source": source}
        if recorded_at is not None:
            params["recorded_at"] = recorded_at
        response = self._ingestion.request(
            "POST",
            f"/v1/datasets/{dataset}/batches",
            params=params,
            content=content,
            headers={"content-type": media_type},
        )
        return dict(response.json())

    def batches(self, dataset: str) -> list[dict[str, Any]]:
        """Return the batches of a data set, oldest first."""
        return list(self._ingestion.get(f"/v1/datasets/{dataset}/batches")["batches"])

    def quarantine(self, dataset: str, fact: str) -> dict[str, Any]:
        """Return why rows of a batch were kept out."""
        return dict(self._ingestion.get(f"/v1/datasets/{dataset}/batches/{fact}/quarantine"))

    def define_view(self, view: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Set a feature view's definition."""
        return dict(self._features.put(f"/v1/views/{view}", dict(definition)))

    def feature_set(
        self,
        view: str,
        facts: Sequence[str],
        as_of: Sequence[str],
        label: Mapping[str, str],
        *,
        purpose: str = "",
    ) -> dict[str, Any]:
        """Build the rows of a view as they were known on each date; returns the fact and row counts.

        `purpose` is what they are for: personal data is given for purposes that its contract names.
        """
        body = {"view": view, "facts": list(facts), "as_of": list(as_of), "label": dict(label)}
        body["purpose"] = purpose
        return dict(self._features.post("/v1/feature-sets", body))
