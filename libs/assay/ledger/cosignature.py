"""Cosignatures: a witness's word, beside the log's, that it recomputed the tree and both maps of a checkpoint.

C2SP tlog-cosignature `cosignature/v1`, one more signature line of the note, by an Ed25519 key that signs
nothing else. What is signed is

    cosignature/v1
    time <seconds since 1970>
    <the checkpoint's text>

— <witness> <base64 of 4 bytes of key hash, 8 bytes of time and 64 of signature>
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.errors import SignatureInvalid
from assay.ledger.checkpoint import LARGEST, Checkpoint, open_note
from assay.ledger.errors import NotWitnessed

COSIGNATURE: Final = 4
_KEY_HASH: Final = 4
_TIME: Final = 8
_LENGTH: Final = _KEY_HASH + _TIME + 64
_LATEST: Final = 1 << 63
_DIGITS: Final = 20  # of a size


@dataclass(frozen=True)
class Witness:
    """Somebody whose cosignature says "I recomputed the tree and both maps"; an Ed25519 key, PEM."""

    name: str
    public_key: str


@dataclass(frozen=True)
class Authority:
    """Whose signatures make a checkpoint count: the log's, and those of `quorum` different witnesses."""

    origin: str
    log_key_pem: str
    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0


class Authorities(Protocol):
    """A root, as far as checkpoints are concerned."""

    def authority_at(self, size: int) -> Authority:
        """Return whose signatures make a checkpoint of this size count."""


def open_checkpoint(note: str, root: Authorities) -> Checkpoint:
    """Return the checkpoint of a note signed by the log's key and cosigned by the root's quorum.

    Raises:
        SignatureInvalid: it is not signed by the log, or a line by a witness of the root does not verify.
        NotWitnessed: too few witnesses cosigned it.
    """
    authority = root.authority_at(_size(note))
    checkpoint = open_note(note, authority.origin, authority.log_key_pem)
    require_quorum(checkpoint, authority)
    return checkpoint


def require_quorum(checkpoint: Checkpoint, authority: Authority) -> None:
    """Return when the authority's quorum of different witnesses cosigned; raises NotWitnessed."""
    if not authority.quorum:
        return
    said = cosigners(checkpoint, authority.witnesses)
    if len(said) < authority.quorum:
        raise NotWitnessed(
            f"{len(said)} witnesses cosigned the checkpoint of size {checkpoint.size}; "
            f"the root demands {authority.quorum}"
        )


def cosign(checkpoint: Checkpoint, witness: Witness, sign: Callable[[bytes], bytes], seconds: int) -> str:
    """Return a witness's line; `sign` gives 64 bytes of Ed25519, `seconds` is the time since 1970."""
    signature = sign(_message(checkpoint, seconds))
    return f"— {witness.name} {_b64(_key_hash(witness) + seconds.to_bytes(_TIME, 'big') + signature)}\n"


def cosigners(checkpoint: Checkpoint, witnesses: Sequence[Witness]) -> tuple[Witness, ...]:
    """Return which of these cosigned a checkpoint, each once, in their order.

    Lines by names or keys we do not know count for nothing, and a line said twice counts once.

    Raises:
        SignatureInvalid: a line is malformed, or is by one of them and does not verify.
    """
    _, _, signatures = checkpoint.note.rpartition("\n\n")
    lines = signatures.split("\n")
    if lines[-1] or len(checkpoint.note) > LARGEST:
        raise SignatureInvalid("not a signed note")
    said = {name for line in lines[:-1] if (name := _cosigner(line, checkpoint, witnesses)) is not None}
    return tuple(one for one in witnesses if one.name in said)


def with_cosignatures(checkpoint: Checkpoint, lines: Sequence[str]) -> str:
    """Return a checkpoint's log-signed note with these lines after the log's own."""
    return checkpoint.note + "".join(lines)


def _cosigner(line: str, checkpoint: Checkpoint, witnesses: Sequence[Witness]) -> str | None:
    """Return the witness's name when a line is a cosignature by one of them."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureInvalid("a signature line is not base64") from error
    if dash != "—" or not name or len(raw) <= _KEY_HASH:
        raise SignatureInvalid("a signature line is malformed")
    by = next((w for w in witnesses if w.name == name and _key_hash(w) == raw[:_KEY_HASH]), None)
    if by is None:
        return None
    seconds = int.from_bytes(raw[_KEY_HASH : _KEY_HASH + _TIME], "big")
    if len(raw) != _LENGTH or not 0 < seconds < _LATEST:
        raise SignatureInvalid(f"the cosignature of {name} is malformed")
    try:
        _key(by.public_key).verify(raw[_KEY_HASH + _TIME :], _message(checkpoint, seconds))
    except InvalidSignature as error:
        raise SignatureInvalid(f"the cosignature of {name} does not verify") from error
    return name


def _message(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{checkpoint.text()}".encode()


def _size(note: str) -> int:
    """Return the size a note speaks of, before any of it is believed."""
    said = note[:LARGEST].split("\n")[1:2]
    if not said or not said[0].isascii() or not said[0].isdecimal():
        raise SignatureInvalid("not a signed note")
    return int(said[0][:_DIGITS])


@lru_cache(maxsize=64)
def _key(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureInvalid("the witness's key is not Ed25519")
    return key


@lru_cache(maxsize=64)
def _key_hash(witness: Witness) -> bytes:
    raw = _key(witness.public_key).public_bytes_raw()
    return sha256(witness.name.encode() + b"\n" + bytes([COSIGNATURE]) + raw).digest()[:_KEY_HASH]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
