"""An endpoint: the rollouts said about it, what should answer now, and what came before. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from assay.contracts import Environment, Rollout, SpiffeId, check_name
from services.serving.errors import NothingBefore

_ENVIRONMENTS = frozenset(environment.value for environment in Environment)


@dataclass(frozen=True)
class Place:
    """Where an endpoint is: its environment and name."""

    environment: Environment
    name: str

    def __post_init__(self) -> None:
        check_name(self.name, "endpoint")

    @property
    def about(self) -> str:
        """The head of its rollouts."""
        return f"endpoint/{self.environment.value}/{self.name}"

    def identity(self, domain: str) -> SpiffeId:
        """Return who its predictor is."""
        return SpiffeId(domain, f"/svc/{self.environment.value}/predictor/{self.name}")

    @classmethod
    def of(cls, identity: SpiffeId) -> Self | None:
        """Return the place a predictor's identity names, if it is one."""
        match identity.segments:
            case ("svc", environment, "predictor", name) if environment in _ENVIRONMENTS:
                return cls(Environment(environment), name)
        return None


@dataclass(frozen=True)
class Said:
    """One rollout fact: its digest and what it says."""

    digest: str
    rollout: Rollout


@dataclass(frozen=True)
class Endpoint:
    """An endpoint's rollouts, oldest first. The last one is the desired state."""

    place: Place
    said: tuple[Said, ...] = ()

    @property
    def current(self) -> Said | None:
        """What should answer now."""
        return self.said[-1] if self.said else None

    def before(self) -> Said:
        """Return the rollout to go back to; raises NothingBefore.

        Going back is not a step forward: after 1, 2, 1 there is nothing before, and after 1, 2, 3, 2 it is 1.
        """
        standing = _standing(self.said)
        if len(standing) < 2:  # noqa: PLR2004 - the current one and one below it
            raise NothingBefore(f"{self.place.about} has no version before the present one")
        return standing[-2]


def _standing(said: Iterable[Said]) -> list[Said]:
    """Return the rollouts as a stack: saying the version below the top again takes the top away."""
    stack: list[Said] = []
    for one in said:
        versions = [earlier.rollout.version for earlier in stack[-2:]]
        if one.rollout.version in versions:
            stack = stack[: len(stack) - (1 if versions[-1] == one.rollout.version else 2)]
        stack.append(one)
    return stack
