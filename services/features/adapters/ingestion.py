"""Batches read from ingestion over mTLS: ciphertext and released key, joined only in memory."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import httpx
import pyarrow as pa

from assay import encrypted
from assay.contracts import sha256_hex
from assay.errors import BadRequest, SignatureInvalid, Unavailable
from assay.ledger import Record
from assay.web.client import call
from assay.web.tenants import HEADER


class IngestionSnapshots:
    """Snapshots behind `connect()`, a client that demands ingestion's identity."""

    def __init__(self, connect: Callable[[], httpx.Client]) -> None:
        self._connect = connect

    def table(self, batch: Record, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a batch.

        Raises:
            SignatureInvalid: ingestion gave other bytes, or another batch's key, than the fact names.
            Unavailable: ingestion does not answer.
        """
        digest = batch.fact.subjects[0][1]
        where = {HEADER: batch.fact.tenant}
        try:
            with self._connect() as client:
                wanted = {"fact": batch.digest}
                key = _key(call(client.post("/v1/keys", json=wanted, headers=where)), digest)
                ciphertext = call(client.get(f"/v1/objects/{digest}", headers=where)).content
        except httpx.TransportError as error:
            raise Unavailable("ingestion does not answer") from error
        if sha256_hex(ciphertext) != digest:
            raise SignatureInvalid(f"ingestion gave other bytes than {digest[:12]}")
        return encrypted.read(ciphertext, key, columns)


def _key(response: httpx.Response, digest: str) -> bytes:
    try:
        released = response.json()
        key = base64.b64decode(released["key"], validate=True)
        opens = released["digest"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest("ingestion's answer holds no key") from error
    if opens != digest:
        raise SignatureInvalid(f"ingestion released the key of other bytes than {digest[:12]}")
    return key
