"""Features believes ingestion only as far as the batch's fact goes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pyarrow as pa
import pytest

from assay import encrypted
from assay.contracts import Fact, FactKind, SignedFact, sha256_hex
from assay.errors import BadRequest, SignatureInvalid, Unavailable
from assay.ledger import Record
from services.features.adapters.ingestion import IngestionSnapshots

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
TABLE = pa.table({"client_id": [1, 2], "email": ["a", "b"]})
CIPHERTEXT = encrypted.write(TABLE, KEY)
DIGEST = sha256_hex(CIPHERTEXT)
FACT = Fact(
    FactKind.BATCH, "dataset/demo/clients", "demo", "2026-01-01T00:00:00Z", {}, (("snapshot", DIGEST),)
)
RECORD = Record(1, SignedFact(FACT, "0" * 64, b""))


def ingestion(key: bytes = KEY, digest: str = DIGEST, content: bytes = CIPHERTEXT) -> IngestionSnapshots:
    """An ingestion that gives these answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/keys":
            return httpx.Response(200, json={"key": base64.b64encode(key).decode(), "digest": digest})
        return httpx.Response(200, content=content)

    return snapshots(answer)


def snapshots(answer: Callable[[httpx.Request], httpx.Response]) -> IngestionSnapshots:
    def connect() -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), base_url="https://ingestion")

    return IngestionSnapshots(connect)


def test_only_the_columns_asked_for_are_read() -> None:
    assert ingestion().table(RECORD, ["client_id"]).to_pydict() == {"client_id": [1, 2]}


@pytest.mark.parametrize(
    "lie",
    [
        {"content": CIPHERTEXT[:-1] + b"!"},
        {"content": encrypted.write(TABLE, KEY)},
        {"digest": "0" * 64},
        {"key": OTHER_KEY},
    ],
)
def test_other_bytes_or_another_key_than_the_fact_names_are_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        ingestion(**lie).table(RECORD, ["client_id"])


def test_an_answer_without_a_key_is_refused() -> None:
    with pytest.raises(BadRequest):
        snapshots(lambda _: httpx.Response(200, json={"key": 1})).table(RECORD, ["client_id"])


def test_an_ingestion_that_is_down_is_unavailable() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable):
        snapshots(down).table(RECORD, ["client_id"])


def test_a_refusal_over_there_is_the_same_refusal_here() -> None:
    problem = {"title": "BatchRevoked", "status": 409, "detail": "revoked", "fix": "push again"}
    kind = {"content-type": "application/problem+json"}
    with pytest.raises(Exception, match="revoked") as refusal:
        snapshots(lambda _: httpx.Response(409, json=problem, headers=kind)).table(RECORD, ["client_id"])
    assert type(refusal.value).__name__ == "BatchRevoked"
