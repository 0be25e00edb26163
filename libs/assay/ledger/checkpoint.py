"""Checkpoints: C2SP signed notes (Ed25519) over the log's root and the roots of its two maps.

assay.demo/log
<size>
<root, base64>
revocations <root, base64>
heads <root, base64>
time <milliseconds since 1970>

— assay.demo/log <base64 of 4 bytes of key hash and 64 of signature>
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.errors import SignatureInvalid
from assay.ledger.tree import HASH

ED25519: Final = 1
LARGEST: Final = 16 << 10
_LINES: Final = 6


@dataclass(frozen=True)
class Checkpoint:
    """What a note says: `root` is of the tree of `size` entries, `time_ms` when it was signed, since 1970."""

    origin: str
    size: int
    root: bytes
    revocations: bytes
    heads: bytes
    time_ms: int
    note: str = ""

    def text(self) -> str:
        """Return what is signed."""
        lines = (
            self.origin,
            str(self.size),
            _b64(self.root),
            f"revocations {_b64(self.revocations)}",
            f"heads {_b64(self.heads)}",
            f"time {self.time_ms}",
        )
        return "".join(f"{line}\n" for line in lines)

    def same_log(self, other: Checkpoint) -> bool:
        """Say whether two checkpoints of one size say the same of the log, whenever they were signed."""
        return (self.origin, self.size, self.root, self.revocations, self.heads) == (
            other.origin,
            other.size,
            other.root,
            other.revocations,
            other.heads,
        )


def sign_note(checkpoint: Checkpoint, log_key_pem: str, sign: Callable[[bytes], bytes]) -> str:
    """Return the signed note; `sign` gives 64 bytes of Ed25519 by the key of `log_key_pem`."""
    text = checkpoint.text()
    signature = _key_hash(checkpoint.origin, log_key_pem) + sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {_b64(signature)}\n"


def open_note(note: str, origin: str, log_key_pem: str) -> Checkpoint:
    """Return the checkpoint of a note signed by the log's key; further signatures are not looked at.

    Raises:
        SignatureInvalid: it is not exactly our six lines, in one spelling, signed by that key.
    """
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or len(note) > LARGEST:
        raise SignatureInvalid("not a signed note")
    _verify(text + "\n", signatures, origin, log_key_pem)
    return _read(text + "\n", origin, note)


def _read(text: str, origin: str, note: str) -> Checkpoint:
    lines = text.split("\n")[:-1]
    if len(lines) != _LINES or lines[0] != origin:
        raise SignatureInvalid(f"not a checkpoint of {origin}")
    try:
        found = Checkpoint(
            origin=origin,
            size=int(lines[1]),
            root=_hash(lines[2]),
            revocations=_hash(lines[3].removeprefix("revocations ")),
            heads=_hash(lines[4].removeprefix("heads ")),
            time_ms=int(lines[5].removeprefix("time ")),
            note=note,
        )
    except (ValueError, binascii.Error) as error:
        raise SignatureInvalid(f"not a checkpoint: {error}") from error
    if found.text() != text or found.size < 0:
        raise SignatureInvalid("a checkpoint in another spelling than ours")
    return found


def _verify(text: str, signatures: str, origin: str, log_key_pem: str) -> None:
    wanted = _key_hash(origin, log_key_pem)
    for line in signatures.split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if (dash, name) != ("—", origin):
            continue
        try:
            raw = base64.b64decode(encoded, validate=True)
            if raw[:4] == wanted:
                _key(log_key_pem).verify(raw[4:], text.encode())
                return
        except (binascii.Error, ValueError, InvalidSignature) as error:
            raise SignatureInvalid("the checkpoint's signature does not verify") from error
    raise SignatureInvalid("the checkpoint is not signed by the log key that the root names")


@lru_cache(maxsize=16)
def _key(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureInvalid("the log key is not Ed25519")
    return key


@lru_cache(maxsize=16)
def _key_hash(name: str, pem: str) -> bytes:
    raw = _key(pem).public_bytes_raw()
    return sha256(name.encode() + b"\n" + bytes([ED25519]) + raw).digest()[:4]


def _hash(encoded: str) -> bytes:
    found = base64.b64decode(encoded, validate=True)
    if len(found) != HASH:
        raise ValueError("a root of another length than 32 bytes")
    return found


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
