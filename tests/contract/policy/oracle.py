"""The rights once more, in Python: read from the table as text, judged without any engine of OPA's."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from assay.web.caller import Caller

RIGHTS = Path(__file__).parents[3] / "infra/opa/rights.rego"
Table = dict[str, dict[str, Any]]


@cache
def table() -> Table:
    """Return the table of rights; its names of lists are put in their places."""
    text = re.sub(r"#.*", "", RIGHTS.read_text())
    lists = dict(re.findall(r"^(\w+) := (\[[^\]]*\])", text, re.MULTILINE))
    body = text[text.index("table := ") + len("table := ") :]
    for name, items in lists.items():
        body = re.sub(rf"(?<=: ){name}(?=[,\s}}])", items, body)
    found: Table = json.loads(re.sub(r",(\s*[\]}])", r"\1", body))
    return found


def may(rights: Table, action: str, caller: Caller, *, home: str, resource_tenant: str | None = None) -> bool:
    """Say whether somebody may, about what is their own, having just signed in; `home` is the platform's tenant."""
    row = rights.get(action, {})
    if not caller.tenant or resource_tenant not in {None, caller.tenant}:
        return False
    if row.get("platform") and caller.tenant != home:
        return False
    return _holds(row, action, caller)


def _holds(row: dict[str, Any], action: str, caller: Caller) -> bool:
    people = row.get("people", [])
    has_role = caller.person is not None and ("*" in people or bool(caller.roles & set(people)))
    match caller.identity.segments:
        case ("people", _):
            return has_role and caller.grant is None
        case ("svc", "core", name):
            services, delegates = row.get("services", []), row.get("delegates", [])
            own = name in services or "*" in services
            if caller.grant is None:
                return own
            return (own or name in delegates) and caller.grant.allows(action) and has_role
        case ("run", _):
            return row.get("runs") in {"own", "any"}
        case ("svc", _, "predictor", _):
            return row.get("predictors") is True
    return False
