"""One request from bytes to bytes: sealed or not, whose token, allowed or not, done, wrapped where asked."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay_laptop.vault.server import acl
from assay_laptop.vault.server.approle import AppRole
from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import (
    OPERATIONS,
    Answer,
    Call,
    Operation,
    Refused,
    Route,
    enveloped,
    find,
    seconds,
)
from assay_laptop.vault.server.pki import Pki
from assay_laptop.vault.server.system import System
from assay_laptop.vault.server.tokens import Clock, Token, Tokens
from assay_laptop.vault.server.transit import Transit

LARGEST_BODY = 4 * 1024 * 1024
_PREFIX = "/v1/"


@dataclass(frozen=True)
class Response:
    """What goes back: status, media type, body."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class _Asked:
    """One request as a policy sees it; `wrap` is in seconds."""

    operation: Operation
    path: str
    wrap: int | None
    parameters: Mapping[str, Any]


class DevelopmentVault:
    """The built-in development Vault over a storage folder; not thread-safe, and needs not be: one loop calls it."""

    def __init__(self, storage: Path, clock: Clock = time.time) -> None:
        self._barrier = Barrier(storage)
        self._tokens = Tokens(self._barrier, clock)
        self._system = System(self._barrier, self._tokens)
        engines = (
            self._system,
            self._tokens,
            AppRole(self._barrier, self._tokens, clock),
            Pki(self._barrier, clock),
            Transit(self._barrier),
        )
        self._routes: list[Route] = [route for engine in engines for route in engine.routes()]

    def close(self) -> None:
        """Seal, and let go of the storage folder."""
        self._barrier.close()

    def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request; header names are lower-case."""
        try:
            return self._respond(method, path, headers, body)
        except Refused as refusal:
            return _json(refusal.status, {"errors": [each for each in refusal.errors if each]})

    def _respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        operation = OPERATIONS.get(method)
        if operation is None or not path.startswith(_PREFIX):
            raise Refused(405 if operation is None else 404, "unsupported operation or path")
        path = path.removeprefix(_PREFIX)
        bearer = headers.get("x-vault-token", "")
        wrap = seconds(headers["x-vault-wrap-ttl"]) if headers.get("x-vault-wrap-ttl") else None
        found = find(self._routes, operation, path)
        if self._barrier.sealed and (found is None or found[0].unsealed):
            raise Refused(503, "Vault is sealed")
        public = found is not None and found[0].public
        asked = _Asked(operation, path, wrap, _parsed(body))
        token = None if public else self._allowed(asked, bearer, found)
        if found is None or not (self._barrier.sealed or self._system.mounted(path)):
            raise Refused(404, f'no handler for route "{path}"')
        route, names = found
        answer = route.handle(Call(names, route.checked(asked.parameters), bearer, token))
        return self._wrapped(answer, wrap, path)

    def _allowed(self, asked: _Asked, bearer: str, found: tuple[Route, Mapping[str, str]] | None) -> Token:
        token = self._tokens.find(bearer)
        if token is None:
            raise Refused(403, "permission denied", "invalid token")
        if acl.ROOT in token.policies:
            return token
        capability: str = asked.operation
        if found and found[0].exists and not found[0].exists(found[1]["name"]):
            capability = "create"
        rules = self._system.rules_of(token.policies)
        needed = [capability, "sudo"] if found and found[0].sudo else [capability]
        if not all(acl.allows(rules, each, asked.path, asked.wrap, asked.parameters) for each in needed):
            raise Refused(403, "permission denied")
        return token

    def _wrapped(self, answer: Answer, wrap: int | None, path: str) -> Response:
        if answer.text is not None:
            return Response(answer.status, "application/pem-certificate-chain", answer.text.encode())
        if answer.body is not None:
            return _json(answer.status, answer.body)
        if answer.data is None and answer.auth is None:
            return Response(204, "application/json", b"")
        envelope = answer.envelope()
        if wrap:
            envelope = enveloped(wrap_info=self._tokens.wrap(envelope, wrap, path))
        return _json(answer.status, envelope)


def _parsed(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed JSON") from error
    if not isinstance(parsed, dict):
        raise Refused(400, "the body must be a JSON object")
    return parsed


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(status, "application/json", json.dumps(body).encode())
