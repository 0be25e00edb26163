"""An entry's outline: its place in the order of heads, read without judging what it says.

For entries that a signed checkpoint covers: those are the very bytes that were admitted, or their tree has
another root. Reading all of an envelope, with every rule of its form, takes ten times as long.
"""

from __future__ import annotations

import binascii
import json
import re
from hashlib import sha256
from typing import Final, NamedTuple

from assay.contracts import FactKind
from assay.contracts.facts import FACT_TYPE
from assay.errors import BadRequest

_ENVELOPE: Final = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/]*={0,2})","payloadType":"'
    + re.escape(FACT_TYPE.encode())
    + rb'","signatures":\[\{"keyid":"[^"\\]*","sig":"[A-Za-z0-9+/]*={0,2}"\}\]\}'
)


class Outline(NamedTuple):
    """What an entry is filed under. `digest` is its fact's, hex."""

    kind: FactKind
    about: str
    previous: str | None
    digest: str


def outline_of(entry: bytes) -> Outline:
    """Read an entry's outline; raises BadRequest when it is none of ours."""
    found = _ENVELOPE.fullmatch(entry)
    if found is None:
        raise BadRequest("the entry is not the canonical envelope")
    try:
        payload = binascii.a2b_base64(found[1], strict_mode=True)
        header = json.loads(payload)["predicate"]["assay"]
        return Outline(
            FactKind(header["kind"]), header["about"], header["previous"], sha256(payload).hexdigest()
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRequest(f"not a fact: {error!r}") from error
