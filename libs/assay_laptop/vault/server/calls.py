"""A request on its way to an engine: routes, what each takes, and how it is answered or refused."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from assay_laptop.vault.server.tokens import Token

Operation = Literal["read", "update", "delete", "list"]
CENTURY = 100 * 365 * 24 * 3600
OPERATIONS: Mapping[str, Operation] = {
    "GET": "read",
    "POST": "update",
    "PUT": "update",
    "DELETE": "delete",
    "LIST": "list",
}


class Refused(Exception):
    """A request is refused, with Vault's status and words."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = errors


@dataclass(frozen=True)
class Call:
    """One request: names from its path, its parameters, the secret in its token header and whose token that is."""

    names: Mapping[str, str]
    parameters: Mapping[str, Any]
    bearer: str = field(default="", repr=False)
    token: Token | None = None

    def text(self, name: str) -> str:
        """Return a parameter that must be a string."""
        value = self.parameters.get(name)
        if not isinstance(value, str):
            raise Refused(400, f"missing or malformed {name}")
        return value


@dataclass(frozen=True)
class Answer:
    """What is answered: `data` or `auth` in Vault's envelope, else a bare `body`, or nothing (204)."""

    data: Mapping[str, Any] | None = None
    auth: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    text: str | None = None
    status: int = 200

    def envelope(self) -> dict[str, Any]:
        """Return Vault's envelope around data or auth."""
        return enveloped(data=self.data, auth=self.auth)


def enveloped(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON members
    """Return Vault's envelope with these members set."""
    empty = {"data": None, "auth": None, "wrap_info": None, "warnings": None}
    leaseless = {"lease_id": "", "renewable": False, "lease_duration": 0}
    return {"request_id": secrets.token_hex(16), **leaseless, **empty, **members}


@dataclass(frozen=True)
class Route:
    """Where a call goes. `public` needs no token, `unsealed` an open storage; `exists` tells create from update.

    `sudo` is a capability that is needed besides.
    """

    operation: Operation
    pattern: str
    handle: Callable[[Call], Answer]
    takes: frozenset[str] = frozenset()
    public: bool = False
    unsealed: bool = True
    exists: Callable[[str], bool] | None = None
    sudo: bool = False

    def match(self, operation: Operation, path: str) -> Mapping[str, str] | None:
        """Return the names in a path, None when this is not its route."""
        if operation != self.operation:
            return None
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[a-zA-Z0-9_.-]+)", self.pattern), path)
        return found.groupdict() if found else None

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that were set; one we do not know is refused, not ignored."""
        given = {name: value for name, value in parameters.items() if value is not None}
        unknown = sorted(
            name for name, value in given.items() if name not in self.takes and value is not False
        )
        if unknown:
            raise Refused(400, f"the built-in development server does not know {', '.join(unknown)} here")
        return {name: value for name, value in given.items() if name in self.takes}


def find(routes: Iterable[Route], operation: Operation, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the first route of a path with the names in it."""
    for route in routes:
        names = route.match(operation, path)
        if names is not None:
            return route, names
    return None


def seconds(value: Any, default: int = 0) -> int:  # noqa: ANN401 - a JSON value
    """Return a duration: a number of seconds, or `90s`, `15m`, `24h`; a century at most."""
    if value is None or value == "":
        return default
    found = re.fullmatch(r"(\d{1,10})([smh]?)", str(value))
    length = int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else CENTURY + 1
    if length > CENTURY:
        raise Refused(400, f"{str(value)[:40]!r} is no duration")
    return length


def listed(value: Any) -> list[str]:  # noqa: ANN401 - a JSON value
    """Return words: a list of strings, or one string with commas between."""
    words = value.split(",") if isinstance(value, str) else [] if value is None else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Refused(400, f"{str(value)[:40]!r} is no list of words")
    return [word.strip() for word in words if word.strip()]
