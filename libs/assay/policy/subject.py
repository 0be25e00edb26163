"""Who asks, in the words of the rules: the subject document built from a caller."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Protocol

from assay.contracts import Environment, PersonId, SpiffeId

SECOND: Final = 1_000_000_000  # nanoseconds
_ENVIRONMENTS: Final = frozenset(environment.value for environment in Environment)


class Granted(Protocol):
    """What a person let a service do in their name."""

    @property
    def actions(self) -> Collection[str]:
        """The actions granted, by name."""


class Subject(Protocol):
    """Who asks: the certificate's identity, the person it is or acts for, their roles, and any grant."""

    @property
    def identity(self) -> SpiffeId:
        """Whom the client certificate names."""

    @property
    def person(self) -> PersonId | None:
        """The person this identity is, or acts for by a verified grant."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles that person holds now."""

    @property
    def tenant(self) -> str:
        """The tenant the request acts in."""

    @property
    def platform(self) -> bool:
        """Whether that is the platform's own tenant."""

    @property
    def signed_in(self) -> float | None:
        """When the person signed in for the certificate shown, in seconds since 1970; None without one."""

    @property
    def grant(self) -> Granted | None:
        """The verified grant a service carries; None for a person's own certificate."""


def subject_document(caller: Subject) -> dict[str, Any]:
    """Return the `subject` member of a question."""
    kind, environment, name = _kind(caller.identity)
    return {
        "identity": str(caller.identity),
        "kind": kind,
        "service": caller.identity.service,
        "run": caller.identity.run,
        "endpoint": name if kind == "predictor" else None,
        "environment": environment,
        "person": caller.person,
        "roles": sorted(caller.roles),
        "tenant": caller.tenant,
        "platform": caller.platform,
        "signed_in_ns": None if caller.signed_in is None else int(caller.signed_in) * SECOND,
        "grant": None if caller.grant is None else {"actions": sorted(caller.grant.actions)},
    }


def _kind(identity: SpiffeId) -> tuple[str, str | None, str | None]:
    """Return what an identity is, its environment and its name; `unknown` is allowed nothing."""
    match identity.segments:
        case ("svc", "core", name):
            return "service", None, name
        case ("svc", environment, "predictor", name) if environment in _ENVIRONMENTS:
            return "predictor", environment, name
        case ("svc", environment, "gateway") if environment in _ENVIRONMENTS:
            return "gateway", environment, None
        case ("run", name):
            return "run", None, name
        case ("people", name):
            return "person", None, name
    return "unknown", None, None
