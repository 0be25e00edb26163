"""The planted future: what the evaluator reads of the held-out rows, looked at for values nobody knew in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from assay.errors import Invalid
from assay_laptop.platform.acting import Actor
from services.training.evaluator.adapters.platform import FeaturesHeldOut

if TYPE_CHECKING:
    import pyarrow as pa

BILLS = "bill_amount_"


class FutureUsed(Invalid):
    """A feature holds a value that was recorded after its as-of date."""

    fix = "look at the point-in-time join: nothing recorded after a row's date may reach it"


def held_out_rows(evaluator: Actor, features_url: str, feature_set: str) -> pa.Table:
    """Read the test split as the evaluator does: its own signed order and certificate, decrypted in memory."""
    identity = evaluator.identity
    with identity.client(features_url, expect="features") as http:
        held_out = FeaturesHeldOut(http, evaluator.vault, identity.spiffe_id, time.time)
        return held_out.rows("demo", feature_set).table


def largest_bill(rows: pa.Table) -> float:
    """Return the largest bill in any row, NT$."""
    import pyarrow.compute as pc

    bills = [name for name in rows.column_names if name.startswith(BILLS)]
    return float(max(pc.max(rows.column(name)).as_py() for name in bills))


def planted_clients(rows: pa.Table, planted: range) -> int:
    """Return how many of the planted clients the rows hold."""
    return sum(client in planted for client in rows.column("client_id").to_pylist())
