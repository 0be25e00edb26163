"""Refusals of the witness's own."""

from __future__ import annotations

from assay.errors import Forbidden, NotFound, Unavailable
from assay.ledger import LogForked


class StateLost(NotFound):
    """What the witness cosigned last is gone: it would cosign any history as if it were the first."""

    fix = (
        "restore the witness's folder; or, once the log was compared with a checkpoint somebody else kept, "
        "begin anew with `assay witness begin`"
    )


class NoWitness(Forbidden):
    """The root does not name this witness with this key: its cosignatures count for nobody."""

    fix = "give the witness the key that root.json names, or let the founders sign a root that names this one"


class BackDated(LogForked):
    """A checkpoint is not later than the one cosigned before it: time never goes back."""

    fix = "keep both checkpoints; set the ledger's clock right, it signs again by itself"


class ClocksApart(Unavailable):
    """A checkpoint is dated far from the witness's own clock: a lease would count from a wrong time."""

    fix = "set the clocks of the ledger and of the witness right"
