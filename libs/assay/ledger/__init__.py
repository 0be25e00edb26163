"""The ledger as everybody but the ledger sees it: the root, the log's proofs, appending, and following it.

Ideas: `root` (whom to believe), `tree` (RFC 9162), `maps` (absence and heads), `checkpoint` and `memory`
(what the log signed and what we last saw of it), `admission` and `known` (whether an entry counts, and what
the entries so far say), `lease`, `client`, `follower`, `bundle` (proofs for offline use).
"""

from assay.ledger.bundle import VerifiedBundle, read_bundle
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.client import LedgerClient
from assay.ledger.errors import LogForked, LogTruncated, RootExpired
from assay.ledger.follower import Follower, Projection
from assay.ledger.memory import CheckpointMemory
from assay.ledger.record import Ledger, Record
from assay.ledger.root import Root, SignerEntry, keyid_of, root_fact, root_payload
from assay.ledger.signer import FactSigner, key_name

__all__ = [
    "Checkpoint",
    "CheckpointMemory",
    "FactSigner",
    "Follower",
    "Ledger",
    "LedgerClient",
    "LogForked",
    "LogTruncated",
    "Projection",
    "Record",
    "Root",
    "RootExpired",
    "SignerEntry",
    "VerifiedBundle",
    "key_name",
    "keyid_of",
    "read_bundle",
    "root_fact",
    "root_payload",
]
