"""Receipts as a predictor of a world journals them."""

from __future__ import annotations

from typing import Any

from assay.contracts import Environment, FactKind, canonical
from assay.ledger import Record
from assay.ledger import tree as merkle
from tests.unit.custody.world import DOMAIN, ENDPOINT, World, digest_of


def journaled_receipt(world: World, rollout: Record, *, of: int = 3, index: int = 1) -> dict[str, Any]:
    """Journal a batch of receipts and return one as the predictor hands it out."""
    receipts = [example_receipt(world, rollout, n) for n in range(of)]
    leaves = [merkle.leaf_hash(canonical(r)) for r in receipts]
    identity = f"spiffe://{DOMAIN}/svc/prod/predictor/{ENDPOINT}"
    body = {"identity": identity, "sequence": 0, "count": of, "root": merkle.root_of(leaves).hex()}
    journal = world.say(
        FactKind.JOURNAL, f"journal/svc/prod/predictor/{ENDPOINT}", body, environment=Environment.PROD
    )
    path = [node.hex() for node in merkle.inclusion_proof(leaves, index)]
    return {
        "receipt": receipts[index],
        "index": index,
        "size": of,
        "path": path,
        "journal": journal.digest,
    }


def example_receipt(world: World, rollout: Record, n: int) -> dict[str, Any]:
    """Return what a predictor would journal of its prediction number n."""
    said = rollout.fact.body
    return {
        "type": "assay-receipt/v1",
        "id": f"r-{n:032x}",
        "endpoint": ENDPOINT,
        "environment": "prod",
        "model": said["model"],
        "number": said["number"],
        "package": said["package"],
        "rollout": rollout.digest,
        "caller": f"spiffe://{DOMAIN}/people/p-dana",
        "time": world.time(),
        "policy": world.policy.revision,
        "input": digest_of(f"in {n}"),
        "output": digest_of(f"out {n}"),
    }
