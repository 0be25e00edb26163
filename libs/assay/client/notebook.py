"""Asking for an approval from a notebook, and what is missing before there can be one.

    import assay
    assay.missing("models:/credit-default/2", to="prod")
    assay.request_approval("models:/credit-default/2", to="prod", note="better on young clients")

Each opens a session of the last person who logged in, and closes it.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from assay.client.session import connect
from assay.contracts import Environment, check_name
from assay.errors import BadRequest

_MODEL: Final = re.compile(r"(?:models:/)?(?P<name>[^/@]{1,80})/(?P<number>[1-9][0-9]{0,8})")
Home = str | os.PathLike[str] | None


class NoVersionNamed(BadRequest):
    """An approval is of one version, and this names none."""

    fix = "write models:/NAME/NUMBER; an alias means another version tomorrow"


@dataclass(frozen=True)
class Missing:
    """What a gate says of a version. It is true when nothing is missing; a notebook shows it as a list."""

    model: str
    number: int
    environment: str
    outcome: str
    missing: tuple[Mapping[str, Any], ...]

    def __bool__(self) -> bool:
        """Say whether the gate is met."""
        return self.outcome == "pass" and not self.missing

    def __str__(self) -> str:
        """Say it in lines: what is missing, and how to get it."""
        head = f"{self.model} v{self.number} into {self.environment}: {self.outcome}"
        return "\n".join(
            [head, *(f"  {one['state']}: {one['what']}\n    {one['how']}" for one in self.missing)]
        )

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it; every text is escaped."""
        head = html.escape(f"{self.model} v{self.number} into {self.environment}: {self.outcome}")
        rows = "".join(
            f"<li><b>{html.escape(str(one['what']))}</b> ({html.escape(str(one['state']))})<br>"
            f"{html.escape(str(one['how']))}</li>"
            for one in self.missing
        )
        return f"<p>{head}</p><ul>{rows}</ul>"


def request_approval(
    model: str,
    *,
    to: str,
    note: str = "",
    due: datetime | None = None,
    as_: str | None = None,
    home: Home = None,
) -> dict[str, Any]:
    """Ask approvers to decide about a version for an environment; returns the request with its id.

    Raises:
        NoVersionNamed: `model` is not models:/NAME/NUMBER.
    """
    name, number = _version(model)
    with connect(home, as_=as_) as session:
        return session.requests.ask(name, number, Environment(to).value, note=note, due=due)


def missing(model: str, *, to: str, as_: str | None = None, home: Home = None) -> Missing:
    """Return what is missing before a version can be approved for an environment, and how to get it.

    Raises:
        NoVersionNamed: `model` is not models:/NAME/NUMBER.
    """
    name, number = _version(model)
    with connect(home, as_=as_) as session:
        return missing_of(session.models.gate(name, number, Environment(to).value))


def missing_of(verdict: Mapping[str, Any]) -> Missing:
    """Read what the registry says of a gate."""
    return Missing(
        model=str(verdict["model"]),
        number=int(verdict["number"]),
        environment=str(verdict["environment"]),
        outcome=str(verdict["outcome"]),
        missing=tuple(verdict["missing"]),
    )


def _version(model: str) -> tuple[str, int]:
    found = _MODEL.fullmatch(model)
    if not found:
        raise NoVersionNamed(f"{model[:100]!r} names no version")
    return check_name(found["name"], "model"), int(found["number"])
