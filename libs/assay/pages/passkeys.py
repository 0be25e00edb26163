"""What a page's form carries after a person used a passkey: the words that were signed, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Form

from assay.contracts import Assertion, strict_json
from assay.errors import BadRequest


@dataclass(frozen=True)
class Said:
    """A statement as signed in the browser; proof members are base64url, as `passkey.js` sends them."""

    statement: dict[str, Any]
    credential_id: str
    authenticator_data: str
    client_data: str
    signature: str

    def by(self, person: str) -> Assertion:
        """Return the assertion, as the person's; whether it verifies is said by `Root.verify_person`."""
        return Assertion(person=person, **vars(self))


def said(
    statement: Annotated[str, Form()],
    credential_id: Annotated[str, Form()],
    authenticator_data: Annotated[str, Form()],
    client_data: Annotated[str, Form()],
    signature: Annotated[str, Form()],
) -> Said:
    """FastAPI dependency: what a form with `data-passkey="assert"` carries; raises BadRequest."""
    words = strict_json(statement)
    if not isinstance(words, dict):
        raise BadRequest("the statement is no JSON object")
    return Said(words, credential_id, authenticator_data, client_data, signature)
