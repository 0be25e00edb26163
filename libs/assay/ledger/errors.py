"""Refusals of the ledger and of those who read it."""

from __future__ import annotations

from assay.errors import BadRequest, Forbidden, SignatureInvalid, Unavailable


class LogForked(SignatureInvalid):
    """The log contradicts what it signed before: two histories exist."""

    fix = "stop, keep both checkpoints and report them: the ledger's store or key is not what it was"


class LogTruncated(LogForked):
    """The log is shorter than a checkpoint it signed: entries are missing."""

    fix = "restore the ledger's store from its newest backup, or report the loss; never delete the checkpoint"


class NameOwned(SignatureInvalid):
    """A fact uses a name that belongs to another tenant: whoever used it first keeps it."""

    fix = "choose another name"


class KeyReplaced(SignatureInvalid):
    """The root lists this key for another stretch of the log: a next root put another one in its place."""

    fix = "follow the log to the next root, and sign with the key that counts from there on"


class RootExpired(Forbidden):
    """The trust root has expired: old proofs still hold, nothing new is appended."""

    fix = "let the administrators sign a new root"


class NotWitnessed(Unavailable):
    """Too few witnesses cosigned a checkpoint: it counts for nobody."""

    fix = "see that the root's witnesses run and follow the ledger; `assay status` shows the laptop's own"


class StoreUnreadable(BadRequest):
    """A file that was given as a ledger's store is none, or is damaged beyond reading."""

    fix = "name the ledger's own file, with the -wal file beside it, or a whole copy"
