"""Proofs for offline use: facts included in the log, what is revoked or not, and heads, as of one checkpoint.

{"checkpoint": note,
 "roots": [entry, …],                                             the roots after the first, if there are any
 "entries": [{"index", "envelope", "path": [base64, …]}],        the facts asked for, and those proofs name
 "revocations": [{"key": hex, "proof": {…}}], "heads": [{"about", "proof": {…}}]}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.contracts import FactKind, Revocation, SignedFact, body_of
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.cosignature import open_checkpoint
from assay.ledger.known import head_key
from assay.ledger.maps import verify_map_proof
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.succession import succeeded
from assay.ledger.tree import leaf_hash, verify_inclusion


@dataclass(frozen=True)
class VerifiedBundle:
    """What a proof bundle proves as of its checkpoint. Later revocations are unknown to it.

    `records` by digest: each is in the log and signed as the root demands; assertions inside facts are the
    chain's to check. `revocations` by key: the standing revocation, or None where its absence is proven.
    `heads` by about: the head's digest, or None where its absence is proven. `root` is the one in force, by the
    roots that follow the pinned one in the log.
    """

    checkpoint: Checkpoint
    records: Mapping[str, Record]
    revocations: Mapping[str, Revocation | None]
    heads: Mapping[str, str | None]
    root: Root


def read_bundle(bundle: Mapping[str, Any], root: Root) -> VerifiedBundle:
    """Verify what `Ledger.proof_bundle` returned with nothing but the root.

    Raises:
        SignatureInvalid: a proof, signature or member does not hold.
        NotWitnessed: fewer witnesses than the root demands cosigned its checkpoint.
    """
    try:
        checkpoint = open_checkpoint(bundle["checkpoint"], root)
        root = _followed(root, bundle["roots"], checkpoint)
        records = [_record(entry, checkpoint, root) for entry in bundle["entries"]]
        known = {record.digest: record for record in records}
        return VerifiedBundle(
            checkpoint=checkpoint,
            records=known,
            revocations={one["key"]: _revocation(one, checkpoint, known) for one in bundle["revocations"]},
            heads={one["about"]: _head(one, checkpoint, known) for one in bundle["heads"]},
            root=root,
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, BadRequest) as error:
        raise SignatureInvalid(f"not a proof bundle: {error}") from error


def entry_json(record: Record, path: Sequence[bytes]) -> dict[str, Any]:
    """Return one entry of a bundle."""
    return {
        "index": record.index,
        "envelope": record.signed.to_json(),
        "path": path_json(path),
    }


def path_json(path: Sequence[bytes]) -> list[str]:
    """Return hashes as JSON."""
    return [base64.b64encode(one).decode() for one in path]


def read_path(path: Sequence[str]) -> list[bytes]:
    """Return hashes from JSON; raises SignatureInvalid."""
    try:
        return [base64.b64decode(one, validate=True) for one in path]
    except (TypeError, ValueError, binascii.Error) as error:
        raise SignatureInvalid("a hash in the proof is not base64") from error


def _followed(root: Root, entries: Sequence[Mapping[str, Any]], checkpoint: Checkpoint) -> Root:
    """Return the root in force after the next roots of a bundle, each said by the founders before it.

    Roots that the one given already counts are passed over: a service holds the root in force.
    """
    after = 0
    for entry in entries:
        record = _record(entry, checkpoint, root)
        if record.kind is not FactKind.ROOT or record.index <= after:
            raise SignatureInvalid(f"entry {record.index} is no next root")
        after = record.index
        if int(record.fact.body["payload"]["version"]) > root.version:
            root = succeeded(root, record.fact, record.index)
    return root


def _record(entry: Mapping[str, Any], checkpoint: Checkpoint, root: Root) -> Record:
    record = Record(int(entry["index"]), SignedFact.from_json(entry["envelope"]))
    leaf = leaf_hash(record.signed.to_bytes())
    verify_inclusion(leaf, record.index, checkpoint.size, read_path(entry["path"]), checkpoint.root)
    root.verify(record.signed, record.index)
    return record


def _revocation(
    one: Mapping[str, Any], checkpoint: Checkpoint, records: Mapping[str, Record]
) -> Revocation | None:
    digest = verify_map_proof(checkpoint.revocations, bytes.fromhex(one["key"]), one["proof"])
    if digest is None:
        return None
    record = records[digest.hex()]
    said = body_of(record.fact, Revocation)
    if record.kind is not FactKind.REVOCATION or said.revokes != one["key"]:
        raise SignatureInvalid(f"the revocation of {one['key'][:12]} is another fact")
    return said


def _head(one: Mapping[str, Any], checkpoint: Checkpoint, records: Mapping[str, Record]) -> str | None:
    digest = verify_map_proof(checkpoint.heads, head_key(one["about"]), one["proof"])
    if digest is None:
        return None
    if records[digest.hex()].about != one["about"]:
        raise SignatureInvalid(f"the head of {one['about']} is about something else")
    return digest.hex()
