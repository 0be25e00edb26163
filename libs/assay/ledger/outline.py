"""An entry's outline: its place in the order of heads, read without judging what it says.

For entries that a signed checkpoint covers: those are the very bytes that were admitted, or their tree has
another root. Reading all of an envelope, with every rule of its form, takes ten times as long.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from hashlib import sha256
from typing import Final, NamedTuple

from assay.contracts import FactKind
from assay.contracts.facts import FACT_TYPE
from assay.errors import BadRequest

_BEFORE: Final = b'{"payload":"'
_AFTER: Final = b'","payloadType":"' + FACT_TYPE.encode() + b'","signatures":[{"keyid":"'
_KINDS: Final = {kind.value: kind for kind in FactKind}
_read: Final = json.JSONDecoder().raw_decode


class Outline(NamedTuple):
    """What an entry is filed under. `digest` is its fact's, hex."""

    kind: FactKind
    about: str
    tenant: str
    previous: str | None
    digest: str


def outline_of(entry: bytes) -> Outline:
    """Read an entry's outline; raises BadRequest when it is none of ours."""
    end = entry.find(b'"', len(_BEFORE))
    if not entry.startswith(_BEFORE) or not entry.startswith(_AFTER, end):
        raise BadRequest("the entry is not the canonical envelope")
    try:
        payload = a2b_base64(entry[len(_BEFORE) : end], strict_mode=True)
        statement, _ = _read(payload.decode())
        header = statement["predicate"]["assay"]
        digest = sha256(payload).hexdigest()
        return Outline(_KINDS[header["kind"]], header["about"], header["tenant"], header["previous"], digest)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRequest(f"not a fact: {error!r}") from error
