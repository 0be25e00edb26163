"""Tokens and wrapping tokens: kept under a digest, so that the storage, even unsealed, holds no bearer."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assay_laptop.vault.server.acl import ROOT
from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Answer, Call, Refused, Route

Clock = Callable[[], float]
TOKEN_LENGTH = 28
_ALPHABET = string.ascii_letters + string.digits
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Token:
    """A login: `period` is the seconds each renewal gains, 0 for a root token, which does not end by itself."""

    policies: tuple[str, ...]
    accessor: str
    display_name: str
    metadata: Mapping[str, str]
    created: float
    period: int
    expires: float | None

    def auth(self, bearer: str) -> dict[str, Any]:
        """Return the `auth` part of an answer."""
        return {
            "client_token": bearer,
            "accessor": self.accessor,
            "policies": list(self.policies),
            "token_policies": list(self.policies),
            "metadata": dict(self.metadata),
            "lease_duration": self.period,
            "renewable": bool(self.period),
            "token_type": "service",
            "orphan": True,
            "num_uses": 0,
        }


class Tokens:
    """Makes, finds, renews and ends tokens; what has expired is swept away as new ones are made."""

    def __init__(self, barrier: Barrier, clock: Clock) -> None:
        self._barrier = barrier
        self._clock = clock
        self._swept = 0.0

    def routes(self) -> Iterable[Route]:
        """Yield what a token may do with itself, and what the holder of an accessor may do with another's."""
        yield Route("read", "auth/token/lookup-self", self._lookup)
        yield Route("update", "auth/token/renew-self", self._renew)
        yield Route("update", "auth/token/revoke-self", self._revoke)
        named = frozenset({"accessor"})
        yield Route("list", "auth/token/accessors/", self._accessors, sudo=True)
        yield Route("update", "auth/token/lookup-accessor", self._lookup_accessor, named)
        yield Route("update", "auth/token/revoke-accessor", self._revoke_accessor, named)
        yield Route("update", "sys/wrapping/unwrap", self._unwrap, public=True)

    def make(
        self,
        policies: Iterable[str],
        *,
        name: str,
        period: int = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[str, Token]:
        """Return a new bearer and its token; without a period it never ends by itself: for root."""
        self._sweep()
        bearer, now = new_bearer(), self._clock()
        expires = now + period if period else None
        accessor = secrets.token_hex(12)
        token = Token(tuple(sorted(policies)), accessor, name, dict(metadata or {}), now, period, expires)
        self._barrier.put(_path("token", bearer), asdict(token))
        return bearer, token

    def make_root(self) -> str:
        """Return the bearer of a new root token."""
        return self.make((ROOT,), name=ROOT)[0]

    def find(self, bearer: str) -> Token | None:
        """Return the token of a bearer, None when there is none or it has ended."""
        kept = self._barrier.get(_path("token", bearer))
        if kept is None:
            return None
        token = Token(**kept | {"policies": tuple(kept["policies"])})
        return token if token.expires is None or token.expires > self._clock() else None

    def wrap(self, envelope: Mapping[str, Any], wrap_seconds: int, path: str) -> dict[str, Any]:
        """Keep an answer for whoever comes first with the wrapping token; return its `wrap_info`."""
        self._sweep()
        bearer, now = new_bearer(), self._clock()
        self._barrier.put(_path("wrapping", bearer), {"answer": envelope, "expires": now + wrap_seconds})
        accessor = secrets.token_hex(12)
        return {"token": bearer, "accessor": accessor, "ttl": wrap_seconds, "creation_path": path}

    def _unwrap(self, call: Call) -> Answer:
        path = _path("wrapping", call.bearer)
        kept = self._barrier.get(path)
        if kept is None or kept["expires"] <= self._clock():
            raise Refused(400, "wrapping token is not valid or does not exist")
        self._barrier.delete(path)
        return Answer(data=kept["answer"]["data"], auth=kept["answer"]["auth"])

    def _lookup(self, call: Call) -> Answer:
        token = _held(call)
        left = int(token.expires - self._clock()) if token.expires else 0
        kept = {"id": call.bearer, "accessor": token.accessor, "display_name": token.display_name}
        life = {"ttl": left, "period": token.period, "renewable": bool(token.period)}
        return Answer(data={**kept, **life, "policies": list(token.policies), "meta": dict(token.metadata)})

    def _accessors(self, _: Call) -> Answer:
        now = self._clock()
        kept = [token for _, token in self._barrier.under("token/")]
        alive = [token["accessor"] for token in kept if token["expires"] is None or token["expires"] > now]
        return Answer(data={"keys": alive})

    def _by_accessor(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        wanted = call.text("accessor")
        for path, token in self._barrier.under("token/"):
            if token["accessor"] == wanted:
                return path, token
        raise Refused(403, "invalid accessor")

    def _lookup_accessor(self, call: Call) -> Answer:
        _, token = self._by_accessor(call)
        kept = {name: token[name] for name in ("accessor", "display_name", "period")}
        return Answer(data={**kept, "id": "", "policies": token["policies"], "meta": token["metadata"]})

    def _revoke_accessor(self, call: Call) -> Answer:
        path, _ = self._by_accessor(call)
        self._barrier.delete(path)
        return Answer(status=204)

    def _renew(self, call: Call) -> Answer:
        token = _held(call)
        if not token.period:
            raise Refused(400, "lease is not renewable")
        renewed = asdict(token) | {"expires": self._clock() + token.period}
        self._barrier.put(_path("token", call.bearer), renewed)
        return Answer(auth=token.auth(call.bearer))

    def _revoke(self, call: Call) -> Answer:
        self._barrier.delete(_path("token", call.bearer))
        return Answer(status=204)

    def _sweep(self) -> None:
        now = self._clock()
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        for prefix in ("token/", "wrapping/"):
            for path, kept in self._barrier.under(prefix):
                if kept["expires"] is not None and kept["expires"] <= now:
                    self._barrier.delete(path)


def new_bearer() -> str:
    """Return a new token's secret."""
    return "hvs." + "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH - 4))


def _held(call: Call) -> Token:
    if call.token is None:
        raise Refused(403, "permission denied")
    return call.token


def _path(kind: str, bearer: str) -> str:
    return f"{kind}/{hashlib.sha256(bearer.encode()).hexdigest()}"
