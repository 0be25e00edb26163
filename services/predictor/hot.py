"""The request path, from body to durable receipt, flat on purpose.

In order: a fresh lease, room in the journal, a verified model, tensors that are what it takes, the engine,
the receipt on disk, then lease and verdict once more. Nothing is answered when any of them fails. Small requests
run on the event loop, where handing over to a thread would cost more than the model does.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import numpy as np

from assay.contracts import canonical
from assay.journal import AsyncJournal, Draft, Journal
from services.predictor.endpoint import Answering, Endpoint
from services.predictor.errors import ModelFailed, NotOIP, NotServing, WrongTensor
from services.predictor.receipts import Receipt, receipt
from services.predictor.tensors import arrays, tensor
from services.predictor.wire import Encoded, Wire

INLINE_BYTES: Final = 64 << 10  # larger bodies go to a thread


class Lease(Protocol):
    """What says that this process knows the newest facts: the ledger's follower."""

    def fresh(self) -> None:
        """Return within the lease; raises Stale."""

    def policy_revision(self) -> str:
        """Return the revision of the policy in force."""


class Predictions:
    """Answers predictions. `wire` is set once KServe's types are imported."""

    wire: Wire | None = None

    def __init__(self, endpoint: Endpoint, journal: Journal, lease: Lease, *, most_rows: int) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._appends = AsyncJournal(journal)
        self._lease = lease
        self._most_rows = most_rows

    def require_answering(
        self, model: str | None = None, version: str | None = None
    ) -> tuple[Wire, Answering]:
        """Return what answers now, or raise why nothing may."""
        wire = self.require_wire()
        self._lease.fresh()
        self._journal.require_room()
        return wire, self._endpoint.now(model, version)

    def require_wire(self) -> Wire:
        """Return the protocol's types once they are imported."""
        if self.wire is None:
            raise NotServing("KServe's types are being imported", fix="ask again in a few seconds")
        return self.wire

    async def infer(
        self, model: str, version: str | None, body: bytes, json_length: int | None, *, caller: str
    ) -> Encoded:
        """Return the response to one OIP v2 request; `json_length` is the header of the binary extension."""
        wire, answering = self.require_answering(model, version)
        length = len(body) if json_length is None else json_length
        if not 0 <= length <= len(body):
            raise NotOIP("Inference-Header-Content-Length is longer than the body")
        if len(body) <= INLINE_BYTES:
            encoded, made = self._predict(wire, answering, body, length, caller)
        else:
            encoded, made = await asyncio.to_thread(self._predict, wire, answering, body, length, caller)
        await self._appends.append(Draft(canonical(made.record), made.id))
        self._lease.fresh()  # what took long must not leave after the lease ended or the chain was revoked
        self._endpoint.now()
        return encoded

    def _predict(
        self, wire: Wire, answering: Answering, body: bytes, length: int, caller: str
    ) -> tuple[Encoded, Receipt]:
        model = answering.model
        asked = wire.decode(body, length, answering.name)
        names = [port.name for port in model.outputs]
        if unknown := set(asked.outputs) - set(names):
            raise WrongTensor(f"the model gives {names}, not {sorted(unknown)[:20]}")
        taken = arrays(model.inputs, asked.inputs, self._most_rows)
        given = dict(zip(names, model.run(taken), strict=True))
        outputs = [(name, given[name]) for name in asked.outputs or names]
        for name, array in outputs:
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ModelFailed(f"the model gave NaN or an infinity in {name!r}")
        made = receipt(
            self._endpoint,
            answering,
            caller=caller,
            policy=self._lease.policy_revision(),
            asked=[tensor(name, array) for name, array in taken.items()],
            answered=[tensor(name, array) for name, array in outputs],
        )
        parameters = {"assay_receipt": made.id, "assay_salt": made.salt}
        return wire.encode(asked, answering, outputs, parameters), made
