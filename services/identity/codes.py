"""One-time codes between a browser in which somebody is signed in and an application that wants to know who.

Code and PKCE (RFC 7636, S256 only), for the command on this or another machine (it gets a certificate over the
key it named beforehand) and for the services with pages of their own (they get the person). A code works once,
for a minute, for the client, the redirect and the verifier it was made for; a failed try uses it up too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from assay.identity import base64url
from assay.pages import Session
from services.identity.errors import OneTimeCodeRefused, WishRefused

LIFETIME_SECONDS: Final = 60
COMMAND: Final = "command"
_LOOPBACK: Final = re.compile(r"http://127\.0\.0\.1:[1-9][0-9]{0,4}/signed-in")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_MOST: Final = 10_000
_LONGEST_STATE: Final = 200


@dataclass(frozen=True)
class Wish:
    """What an application asks a person for. `key` is SHA-256 of the key to certify: the command's alone.

    `host` is what the command says its machine is called: shown to the person, believed by nobody.
    """

    client: str
    redirect: str
    challenge: str
    state: str
    key: str = ""
    host: str = ""

    @classmethod
    def of(cls, *, method: str, redirects: Mapping[str, str], **asked: str) -> Wish:
        """Return a wish that may be granted; `redirects` names each service's one address to return to.

        Raises:
            WishRefused: unknown client, another redirect, no PKCE: shown, and never sent to any redirect.
        """
        wish = cls(**asked)
        wish._check_redirect(redirects)
        if method != "S256" or not _CHALLENGE.fullmatch(wish.challenge):
            raise WishRefused("a wish carries a code challenge of method S256")
        if not 0 < len(wish.state) <= _LONGEST_STATE or not wish.state.isprintable():
            raise WishRefused("a wish carries a state of 1 to 200 characters")
        if (wish.client == COMMAND) is not bool(_KEY.fullmatch(wish.key)):
            raise WishRefused("the command, and nobody else, names the key it wants certified")
        if len(wish.host) > 80 or not wish.host.isprintable():  # noqa: PLR2004 - as long as a name
            raise WishRefused("the host's name is no name")
        return wish

    def granted(self, code: str) -> str:
        """Return where the browser goes with a code."""
        return f"{self.redirect}?{urlencode({'code': code, 'state': self.state})}"

    def denied(self) -> str:
        """Return where the browser goes when the person said no."""
        return f"{self.redirect}?{urlencode({'error': 'access_denied', 'state': self.state})}"

    def _check_redirect(self, redirects: Mapping[str, str]) -> None:
        if self.client == COMMAND and _LOOPBACK.fullmatch(self.redirect):
            return
        if self.client != COMMAND and self.redirect and redirects.get(self.client) == self.redirect:
            return
        raise WishRefused(f"no client {self.client[:40]!r} returns to {self.redirect[:100]!r}")


@dataclass(frozen=True)
class Granted:
    """A wish that a person granted, with the session they granted it in."""

    wish: Wish
    session: Session = field(repr=False)
    expiry: float


class Codes:
    """Codes that wait for their client; memory only. `clock` is in seconds, and never steps back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[str, Granted] = {}
        self._lock = threading.Lock()

    def give(self, wish: Wish, session: Session) -> str:
        """Return a code for a wish that this session's person granted."""
        code, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._waiting = {key: one for key, one in self._waiting.items() if one.expiry > now}
            if len(self._waiting) >= _MOST:
                raise OneTimeCodeRefused("too many codes wait already")
            self._waiting[_digest(code)] = Granted(wish, session, now + LIFETIME_SECONDS)
        return code

    def redeem(self, code: str, *, client: str, redirect: str, verifier: str) -> Granted:
        """Return what a code was given for, once; raises OneTimeCodeRefused in the same words for every reason."""
        with self._lock:
            granted = self._waiting.pop(_digest(code), None)
        if granted is None or granted.expiry <= self._clock():
            raise OneTimeCodeRefused("the code is not ours, was used, or has ended")
        proof = base64url.encode(hashlib.sha256(verifier.encode()).digest())
        proven = hmac.compare_digest(proof.encode(), granted.wish.challenge.encode())
        if not proven or (client, redirect) != (granted.wish.client, granted.wish.redirect):
            raise OneTimeCodeRefused("the code is not ours, was used, or has ended")
        return granted


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
