"""Challenges that cost no memory until they are used: for logging in, and for signing in at a page.

Anybody may ask for one, so none is stored: the nonce carries a MAC, by a key that lives as long as the process,
over the statement it stands in. Only a nonce that was used with a valid assertion is remembered, until it ends.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Self

from assay.contracts import PersonId, canonical
from assay.errors import SignatureInvalid
from assay.identity import base64url
from assay.identity.statements import login_statement, sign_in_statement
from services.identity.errors import ChallengeSpent

LIFETIME_SECONDS: Final = 120
_RANDOM_BYTES: Final = 16
_TIMES: Final = ("not_before", "expiry")


class Challenges:
    """Issues statements of one kind and accepts each once; `clock` is in seconds since 1970.

    `build(nonce=…, **terms)` makes the statement; `terms` are the names of what else it is told.
    """

    def __init__(
        self, build: Callable[..., dict[str, Any]], terms: Sequence[str], clock: Callable[[], float]
    ) -> None:
        self._build = build
        self._terms = (*terms, *_TIMES)
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._spent: dict[str, int] = {}
        self._lock = threading.Lock()

    @classmethod
    def to_log_in(cls, trust_domain: str, clock: Callable[[], float]) -> Self:
        """Return the challenges of the login exchange: `person`, and `key`, SHA-256 of its public half."""
        return cls(partial(login_statement, trust_domain=trust_domain), ("person", "key"), clock)

    @classmethod
    def to_sign_in(cls, trust_domain: str, origin: str, clock: Callable[[], float]) -> Self:
        """Return the challenges of a people listener's sign-in page: whose passkey it is says who signs in."""
        return cls(partial(sign_in_statement, trust_domain=trust_domain, origin=origin), (), clock)

    def issue(self, **terms: str) -> dict[str, Any]:
        """Return a statement for somebody to sign within two minutes."""
        now = int(self._clock())
        whole = {**terms, "not_before": now, "expiry": now + LIFETIME_SECONDS}
        return self._sealed(whole, secrets.token_bytes(_RANDOM_BYTES))

    def check(self, statement: dict[str, Any]) -> None:
        """Return when the statement is one of ours, in time and unused; raises ChallengeSpent."""
        if not all(type(value) in {str, int} for value in statement.values()):
            raise ChallengeSpent("the statement is no challenge of ours")
        try:
            nonce = base64url.decode(statement["nonce"], "nonce")
            terms = {name: statement[name] for name in self._terms}
            expected = canonical(self._sealed(terms, nonce[:_RANDOM_BYTES]))
            ours = hmac.compare_digest(expected, canonical(statement))
            in_time = terms["not_before"] <= self._clock() < terms["expiry"]
        except (KeyError, TypeError, ValueError, SignatureInvalid) as error:
            raise ChallengeSpent("the statement is no challenge of ours") from error
        if not ours or not in_time or statement["nonce"] in self._spent:
            raise ChallengeSpent("the challenge is not ours, has ended, or was used before")

    def spend(self, statement: dict[str, Any]) -> None:
        """Use a checked statement up; raises ChallengeSpent when another request was faster."""
        now = self._clock()
        with self._lock:
            self._spent = {nonce: expiry for nonce, expiry in self._spent.items() if expiry > now}
            if statement["nonce"] in self._spent:
                raise ChallengeSpent("the challenge was used before")
            self._spent[statement["nonce"]] = statement["expiry"]

    def stranger(self, name: str) -> PersonId:
        """Return the id an unknown name seems to have: always the same one, so that asking tells nothing."""
        return PersonId(f"p-{self._mac(name.encode())[:8].hex()}")

    def strange_credential(self, name: str) -> str:
        """Return the credential an unknown name seems to have: always the same one."""
        return base64url.encode(self._mac(b"credential of " + name.encode()))

    def _sealed(self, terms: dict[str, Any], random: bytes) -> dict[str, Any]:
        bare = self._build(nonce=base64url.encode(random), **terms)
        return {**bare, "nonce": base64url.encode(random + self._mac(canonical(bare))[:_RANDOM_BYTES])}

    def _mac(self, data: bytes) -> bytes:
        return hmac.new(self._secret, data, hashlib.sha256).digest()
