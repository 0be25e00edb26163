"""The mount `sys`: seal, root generation, mounts and policies."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Answer, Call, Refused, Route
from assay_laptop.vault.server.hcl import Rule, parse
from assay_laptop.vault.server.tokens import TOKEN_LENGTH, Tokens

VERSION = "1.21.4-assay-development"
_ENGINES = frozenset({"pki", "transit"})
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class _Attempt:
    """A root token on its way: whoever has the unseal key gets it masked with the pad given at the start."""

    nonce: str
    otp: str = field(repr=False)


class System:
    """Seal, root generation, mounts, policies."""

    def __init__(self, barrier: Barrier, tokens: Tokens) -> None:
        self._barrier = barrier
        self._tokens = tokens
        self._attempt: _Attempt | None = None
        self._rules: dict[str, list[Rule]] = {}

    def routes(self) -> Iterable[Route]:
        """Yield the calls of `sys`; those before the unsealing need no token."""
        attempt = "sys/generate-root/attempt"
        init = frozenset({"secret_shares", "secret_threshold"})
        yield Route("read", "sys/health", self._health, public=True, unsealed=False)
        yield Route("read", "sys/seal-status", self._seal_status, public=True, unsealed=False)
        yield Route("update", "sys/init", self._initialise, init, public=True, unsealed=False)
        yield Route("update", "sys/unseal", self._unseal, frozenset({"key"}), public=True, unsealed=False)
        yield Route("update", "sys/seal", self._seal)
        yield Route("update", attempt, self._start_attempt, public=True)
        yield Route("delete", attempt, self._cancel_attempt, public=True)
        key_and_nonce = frozenset({"key", "nonce"})
        yield Route("update", "sys/generate-root/update", self._generate_root, key_and_nonce, public=True)
        yield Route("read", "sys/mounts", self._mounts)
        yield Route("update", "sys/mounts/{name}", self._mount, frozenset({"type", "config"}))
        yield Route("read", "sys/auth", self._auth_methods)
        yield Route("update", "sys/auth/{name}", self._enable_auth, frozenset({"type"}))
        yield Route("update", "sys/policy/{name}", self._write_policy, frozenset({"policy"}))
        yield Route("read", "sys/policy/{name}", self._read_policy)

    def rules_of(self, policies: Iterable[str]) -> list[Rule]:
        """Return every rule of these policies; a policy that does not exist allows nothing."""
        return [rule for name in policies for rule in self._rules_of(name)]

    def mounted(self, path: str) -> bool:
        """Return whether an engine stands where the call goes."""
        parts = path.split("/")
        if parts[0] == "auth":
            return parts[1:2] == ["token"] or self._barrier.get(f"auth/{'/'.join(parts[1:2])}") is not None
        return parts[0] == "sys" or self._barrier.get(f"mount/{parts[0]}") is not None

    def _rules_of(self, name: str) -> list[Rule]:
        if name not in self._rules:
            text = self._barrier.get(f"policy/{name}")
            self._rules[name] = parse(text) if text else []
        return self._rules[name]

    def _status(self) -> dict[str, Any]:
        shares = int(self._barrier.initialized)
        seal = {"type": "shamir", "t": shares, "n": shares, "progress": 0, "version": VERSION}
        return {**seal, "initialized": self._barrier.initialized, "sealed": self._barrier.sealed}

    def _seal_status(self, _: Call) -> Answer:
        return Answer(body=self._status())

    def _health(self, _: Call) -> Answer:
        status = 501 if not self._barrier.initialized else 503 if self._barrier.sealed else 200
        return Answer(body={**self._status(), "standby": self._barrier.sealed}, status=status)

    def _initialise(self, call: Call) -> Answer:
        if self._barrier.initialized:
            raise Refused(400, "Vault is already initialized")
        if (call.parameters.get("secret_shares"), call.parameters.get("secret_threshold")) != (1, 1):
            raise Refused(400, "the built-in development server makes one key share")
        key = self._barrier.initialise()
        self._barrier.unseal(key)
        root = self._tokens.make_root()
        self._barrier.seal()
        in_base64 = base64.b64encode(bytes.fromhex(key)).decode()
        return Answer(body={"keys": [key], "keys_base64": [in_base64], "root_token": root})

    def _unseal(self, call: Call) -> Answer:
        if not self._barrier.initialized:
            raise Refused(400, "Vault is not initialized")
        if self._barrier.sealed:
            self._barrier.unseal(call.text("key"))
        return Answer(body=self._status())

    def _seal(self, _: Call) -> Answer:
        self._barrier.seal()
        self._rules.clear()
        self._attempt = None
        return Answer(status=204)

    def _start_attempt(self, _: Call) -> Answer:
        if self._attempt:
            raise Refused(400, "root generation already in progress")
        otp = "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH))
        self._attempt = _Attempt(str(uuid.uuid4()), otp)
        begun = {"nonce": self._attempt.nonce, "otp": otp, "otp_length": TOKEN_LENGTH}
        return Answer(body={**begun, "started": True, "complete": False, "progress": 0, "required": 1})

    def _cancel_attempt(self, _: Call) -> Answer:
        self._attempt = None
        return Answer(status=204)

    def _generate_root(self, call: Call) -> Answer:
        attempt = self._attempt
        if attempt is None:
            raise Refused(400, "no root generation in progress")
        if call.text("nonce") != attempt.nonce:
            raise Refused(400, "incorrect nonce supplied")
        if not self._barrier.opens(call.text("key")):
            raise Refused(400, "root generation failed: invalid key")
        self._attempt = None
        masked = bytes(
            a ^ b for a, b in zip(self._tokens.make_root().encode(), attempt.otp.encode(), strict=True)
        )
        encoded = base64.b64encode(masked).decode().rstrip("=")
        made = {"encoded_token": encoded, "encoded_root_token": encoded, "nonce": attempt.nonce}
        return Answer(body={**made, "started": True, "complete": True, "progress": 1, "required": 1})

    def _mounts(self, _: Call) -> Answer:
        mounts = {f"{path.removeprefix('mount/')}/": kept for path, kept in self._barrier.under("mount/")}
        return Answer(data={"sys/": {"type": "system"}, **mounts})

    def _mount(self, call: Call) -> Answer:
        return self._placed("mount", call, _ENGINES)

    def _auth_methods(self, _: Call) -> Answer:
        methods = {f"{path.removeprefix('auth/')}/": kept for path, kept in self._barrier.under("auth/")}
        return Answer(data={"token/": {"type": "token"}, **methods})

    def _enable_auth(self, call: Call) -> Answer:
        return self._placed("auth", call, frozenset({"approle"}))

    def _placed(self, kind: str, call: Call, known: frozenset[str]) -> Answer:
        """Put an engine where it stands in the built-in development server: at the path of its own name."""
        name, engine = call.names["name"], call.text("type")
        if engine not in known or name != engine:
            raise Refused(
                400, f"the built-in development server mounts {', '.join(sorted(known))}, each at its name"
            )
        if self._barrier.get(f"{kind}/{name}") is not None:
            raise Refused(400, f"path is already in use at {name}/")
        self._barrier.put(f"{kind}/{name}", {"type": engine})
        return Answer(status=204)

    def _write_policy(self, call: Call) -> Answer:
        name, text = call.names["name"], call.text("policy")
        if name == "root":
            raise Refused(400, "cannot update root policy")
        self._rules[name] = parse(text)
        self._barrier.put(f"policy/{name}", text)
        return Answer(status=204)

    def _read_policy(self, call: Call) -> Answer:
        name = call.names["name"]
        text = self._barrier.get(f"policy/{name}")
        if text is None:
            raise Refused(404)
        return Answer(data={"name": name, "rules": text})
