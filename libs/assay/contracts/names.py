"""Names and identities, and what makes one well-formed."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Self

from assay.errors import BadRequest

PersonId = NewType("PersonId", str)  # opaque; the display name lives in identity's deletable table

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SPIFFE = re.compile(r"spiffe://(?P<domain>[a-z0-9.-]{1,255})(?P<path>(?:/[a-z0-9-]{1,63}){2,4})")


LONGEST_TENANT = 32


class Environment(StrEnum):
    """Where a model answers."""

    DEV = "dev"
    TEST = "test"
    PROD = "prod"


def check_name(name: str, what: str = "name") -> str:
    """Return `name` when it is lower-case letters, digits and inner hyphens, 63 at most.

    Raises:
        BadRequest: it is not; names never become paths, and look-alikes do not exist.
    """
    if not NAME.fullmatch(name):
        raise BadRequest(f"{what} {name[:80]!r} is not 1 to 63 of a-z, 0-9 and inner '-'")
    return name


def check_tenant(tenant: str) -> str:
    """Return a tenant's name when it is one, 32 characters at most: it stands in names of keys and runs.

    Raises:
        BadRequest: it is not.
    """
    if len(tenant) > LONGEST_TENANT:
        raise BadRequest(f"tenant {tenant[:80]!r} has more than {LONGEST_TENANT} characters")
    return check_name(tenant, "tenant")


def new_id(prefix: str) -> str:
    """Return a fresh id such as `run-1f0c…`: the prefix and 16 random hex digits."""
    return f"{prefix}-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class SpiffeId:
    """A workload or person: `spiffe://<trust domain>` with `/svc/core/ledger`, `/people/p-1f` and so on."""

    domain: str
    path: str  # begins with "/"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a SPIFFE id, refusing anything but lower-case segments of 63 letters, digits or hyphens."""
        found = _SPIFFE.fullmatch(text)
        if not found:
            raise BadRequest(f"{text[:200]!r} is not a SPIFFE id of ours")
        return cls(found["domain"], found["path"])

    def __str__(self) -> str:
        return f"spiffe://{self.domain}{self.path}"

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments: `("svc", "core", "ledger")`."""
        return tuple(self.path[1:].split("/"))

    @property
    def person(self) -> PersonId | None:
        """The person this identity is, if it is one."""
        kind, *rest = self.segments
        return PersonId(rest[0]) if kind == "people" and len(rest) == 1 else None

    @property
    def service(self) -> str | None:
        """The core service this identity is, if it is one: `ledger`."""
        return self.segments[2] if self.segments[:2] == ("svc", "core") and len(self.segments) == 3 else None  # noqa: PLR2004

    @property
    def run(self) -> str | None:
        """The training run this identity is, if it is one."""
        kind, *rest = self.segments
        return rest[0] if kind == "run" and len(rest) == 1 else None

    @property
    def endpoint(self) -> str | None:
        """The head of the endpoint whose predictor this identity is, if it is one: `endpoint/prod/credit`."""
        match self.segments:
            case ("svc", environment, "predictor", name):
                return f"endpoint/{environment}/{name}"
        return None
