"""Salted commitments to tensors: who holds the salt can show what was asked and answered, nobody else.

The bytes committed to are, for each tensor in order, the length-prefixed canonical JSON of name, datatype and
shape, then the length-prefixed data: little-endian, row-major, as OIP v2's binary extension sends it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.contracts import canonical


@dataclass(frozen=True)
class Tensor:
    """One OIP v2 tensor: `data` as in the protocol's binary extension."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: bytes

    def canonical_bytes(self) -> bytes:
        """Return the bytes that are committed to."""
        header = canonical({"name": self.name, "datatype": self.datatype, "shape": list(self.shape)})
        return b"".join(
            (len(header).to_bytes(8, "big"), header, len(self.data).to_bytes(8, "big"), self.data)
        )


def commitment(salt: bytes, side: str, tensors: Iterable[Tensor]) -> str:
    """Return HMAC-SHA256, hex, under the salt (32 bytes) over `side` ("input", "output") and the tensors."""
    mac = hmac.new(salt, side.encode() + b"\0", hashlib.sha256)
    for tensor in tensors:
        mac.update(tensor.canonical_bytes())
    return mac.hexdigest()
