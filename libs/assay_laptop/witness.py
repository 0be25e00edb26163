"""The laptop's witness: its key and last state, in a folder beside the home and never in it.

A copy or a backup of the home holds neither, so a home that is put back to an earlier day gets no checkpoint.
"""

from __future__ import annotations

from assay.ledger import Checkpoint, Root
from assay.ledger.checkpoint import open_note
from assay.ledger.cosignature import Witness
from assay_laptop.home import Home
from services.witness.adapters.folder import Folder
from services.witness.errors import NoWitness


def name_of(trust_domain: str) -> str:
    """Return what root.json calls the witness of a laptop."""
    return f"{trust_domain}/witness"


def make(home: Home, trust_domain: str) -> Witness:
    """Make the folder with a new key, told to begin; one that is there already stays as it is."""
    return Witness(name_of(trust_domain), Folder.make(home.witness).public_key())


def begin(home: Home) -> None:
    """Forget what was cosigned: whatever the log shows next is believed to be its beginning."""
    Folder(home.witness).begin()


def examine(home: Home, root: Root) -> Checkpoint | None:
    """Return what the witness cosigned last; None when it was told to begin.

    Raises:
        StateLost: its key or its state is gone.
        NoWitness: the root names another key.
        SignatureInvalid: its state is not what the log signed.
    """
    folder = Folder(home.witness)
    note = folder.last()
    me = Witness(name_of(root.trust_domain), folder.public_key())
    if me not in root.authority.witnesses:
        raise NoWitness(f"root.json names no witness {me.name} with the key in {home.witness}")
    return None if note is None else open_note(note, root.log_origin, root.log_key_pem)
