"""AppRole: a role id and a secret id that works as often as its role says, here once, become a token."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Iterable
from typing import Any

from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Answer, Call, Refused, Route, listed, seconds
from assay_laptop.vault.server.tokens import Clock, Tokens

_ROLE = "auth/approle/role/{name}"
_MOST_USES = 1_000_000
_WRONG = "invalid role or secret ID"
_TAKES = frozenset(
    {
        "token_policies",
        "token_no_default_policy",
        "token_period",
        "bind_secret_id",
        "secret_id_num_uses",
        "secret_id_ttl",
    }
)


class AppRole:
    """Roles and their secret ids, which are kept under a digest."""

    def __init__(self, barrier: Barrier, tokens: Tokens, clock: Clock) -> None:
        self._barrier = barrier
        self._tokens = tokens
        self._clock = clock

    def routes(self) -> Iterable[Route]:
        """Yield the calls of the mount `approle`."""
        yield Route("update", _ROLE, self._write, _TAKES)
        yield Route("read", f"{_ROLE}/role-id", self._role_id)
        yield Route("update", f"{_ROLE}/secret-id", self._secret_id, frozenset({"metadata"}))
        yield Route(
            "update", "auth/approle/login", self._login, frozenset({"role_id", "secret_id"}), public=True
        )

    def _write(self, call: Call) -> Answer:
        asked = call.parameters
        if not asked.get("token_no_default_policy") or not asked.get("bind_secret_id"):
            raise Refused(400, "a role here has no default policy, and needs a secret id")
        period = seconds(asked.get("token_period"))
        if period <= 0:
            raise Refused(400, "a role here needs a token_period")
        path = f"approle/role/{call.names['name']}"
        known = self._barrier.get(path) or {"role_id": str(uuid.uuid4())}
        role = {
            "role_id": known["role_id"],
            "policies": _policies(asked.get("token_policies")),
            "period": period,
            "uses": _uses(asked.get("secret_id_num_uses", 0)),
            "ttl": seconds(asked.get("secret_id_ttl")),
        }
        self._barrier.put(path, role)
        return Answer(status=204)

    def _role(self, name: str) -> dict[str, Any]:
        role: dict[str, Any] | None = self._barrier.get(f"approle/role/{name}")
        if role is None:
            raise Refused(404, f'role "{name}" does not exist')
        return role

    def _role_id(self, call: Call) -> Answer:
        return Answer(data={"role_id": self._role(call.names["name"])["role_id"]})

    def _secret_id(self, call: Call) -> Answer:
        name = call.names["name"]
        role = self._role(name)
        secret_id, accessor = str(uuid.uuid4()), secrets.token_hex(12)
        expires = self._clock() + role["ttl"] if role["ttl"] else None
        self._sweep()
        kept = {"role": name, "uses": role["uses"], "expires": expires}
        self._barrier.put(_path(secret_id), kept | {"metadata": _metadata(call.parameters.get("metadata"))})
        limits = {"secret_id_num_uses": role["uses"], "secret_id_ttl": role["ttl"]}
        return Answer(data={"secret_id": secret_id, "secret_id_accessor": accessor, **limits})

    def _login(self, call: Call) -> Answer:
        path = _path(call.text("secret_id"))
        secret = self._barrier.get(path)
        if secret is None or (secret["expires"] is not None and secret["expires"] <= self._clock()):
            raise Refused(400, _WRONG)
        role = self._role(secret["role"])
        if not hmac.compare_digest(role["role_id"].encode(), call.text("role_id").encode()):
            raise Refused(400, _WRONG)
        self._use(path, secret)
        metadata = secret["metadata"] | {"role_name": secret["role"]}
        bearer, token = self._tokens.make(
            role["policies"], name="approle", period=role["period"], metadata=metadata
        )
        return Answer(auth=token.auth(bearer))

    def _use(self, path: str, secret: dict[str, Any]) -> None:
        """Count one use, on disk before the login is answered; the last one removes the secret id."""
        if secret["uses"] == 1:
            self._barrier.delete(path)
        elif secret["uses"]:
            self._barrier.put(path, secret | {"uses": secret["uses"] - 1})

    def _sweep(self) -> None:
        now = self._clock()
        for path, secret in self._barrier.under("approle/secret/"):
            if secret["expires"] is not None and secret["expires"] <= now:
                self._barrier.delete(path)


def _path(secret_id: str) -> str:
    return f"approle/secret/{hashlib.sha256(secret_id.encode()).hexdigest()}"


def _metadata(value: Any) -> dict[str, str]:  # noqa: ANN401 - a JSON value
    """Return what is noted on a secret id: JSON text of an object of strings, as Vault takes it."""
    try:
        noted = json.loads(value) if value else {}
    except (TypeError, ValueError) as error:
        raise Refused(400, "metadata is no JSON text") from error
    if not isinstance(noted, dict) or not all(isinstance(each, str) for each in noted.values()):
        raise Refused(400, "metadata is no object of strings")
    return noted


def _uses(value: Any) -> int:  # noqa: ANN401 - a JSON value
    """Return how often a secret id works; 0 is as often as one likes."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_USES:
        raise Refused(400, "secret_id_num_uses is no number of uses")
    return value


def _policies(names: Any) -> list[str]:  # noqa: ANN401 - a JSON value
    policies = listed(names)
    if "root" in policies:
        raise Refused(400, "a role cannot give the root policy")
    return policies
