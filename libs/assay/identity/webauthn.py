"""Verifying what a person said with a passkey, online and offline."""

from __future__ import annotations

from collections.abc import Sequence

from assay.contracts import Assertion, CredentialBound


def verify_assertion(
    assertion: Assertion,
    credential: CredentialBound,
    *,
    rp_id: str,
    origins: Sequence[str],
    demonstration: bool,
) -> None:
    """Return when the credential's holder, present and verified, signed exactly `assertion.statement`.

    Raises:
        SignatureInvalid: anything else; the detail says which check failed.
    """
    raise NotImplementedError
