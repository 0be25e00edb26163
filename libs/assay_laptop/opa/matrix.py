"""`python -m assay_laptop.opa.matrix`: who may call which route, asked of the policy itself, as docs/routes.md.

The routes are those the services declare, each with its permission; the answers are the checked-in policy.wasm's,
for the route alone: what a use case decides on the resource comes on top. `--check` fails when the page is stale.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from assay.contracts import PersonId, SpiffeId
from assay.policy import OpaWasm, subject_document
from assay.web.caller import Caller
from assay.web.routes import PUBLIC, PermittedRoute, Routes

DOMAIN: Final = "assay.demo"
HERE, ELSEWHERE = "demo", "acme"
ROLES: Final = ("administrator", "approver", "risk", "operator", "data-scientist", "founder")
SERVICES: Final = (
    "evaluator",
    "features",
    "identity",
    "ingestion",
    "ledger",
    "opa",
    "registry",
    "serving",
    "tracking",
    "training",
    "witness",
)
PAGE: Final = Path(__file__).parents[3] / "docs/routes.md"
POLICY: Final = Path(__file__).parents[3] / "infra/opa/policy.wasm"
RUN: Final = "run-demo-0123456789abcdef"
_FILES: Final = frozenset({"api.py", "asking_api.py", "mlflow_api.py", "inline.py", "ui.py"})
_PROBED: Final[Mapping[str, Any]] = MappingProxyType({"run": RUN, "owner": f"spiffe://{DOMAIN}/run/{RUN}"})


@dataclass(frozen=True)
class Row:
    """One route: where it is declared, its method and path, and what it asks for."""

    service: str
    method: str
    path: str
    permission: str


def rows() -> list[Row]:
    """Return every route that a module of ours declares, over parts that are never called."""
    services = Path(__file__).parents[3] / "services"
    found: set[Row] = set()
    for path in sorted(services.rglob("*.py")):
        if path.name in _FILES or (path.parent.name == "ui" and path.name != "__init__.py"):
            name = path.relative_to(services.parent).with_suffix("").as_posix().replace("/", ".")
            found |= set(_declared(name))
    return sorted(found, key=lambda row: (row.service, row.path, row.method))


def _declared(module: str) -> Iterator[Row]:
    loaded = importlib.import_module(module)
    for name, function in vars(loaded).items():
        if not name.strip("_").endswith(("routes", "pages")) or getattr(function, "__module__", "") != module:
            continue
        returns = str(inspect.signature(function).return_annotation)
        if "Routes" not in returns and "InlineRoute" not in returns:
            continue
        made = function(**_stand_ins(function))
        for route in made.router.routes if isinstance(made, Routes) else made:
            if isinstance(route, PermittedRoute):
                yield from _rows_of(_service(module), route)


def _rows_of(service: str, route: PermittedRoute) -> Iterator[Row]:
    for method in sorted(route.methods or ()):
        yield Row(service, method, route.path, route.permission)


def _service(module: str) -> str:
    parts = module.split(".")
    return "evaluator" if "evaluator" in parts else parts[1]


def _stand_ins(function: Any) -> dict[str, Any]:  # noqa: ANN401 - any function
    wanted = inspect.signature(function).parameters
    return {name: 1 if str(each.annotation) == "int" else object() for name, each in wanted.items()}


def subjects() -> dict[str, Caller]:
    """Return who asks, by the columns of the page: people just signed in, services without a grant, others."""
    people = {role: _caller("/people/p-one", "p-one", {role}) for role in ROLES if role != "founder"}
    founder = _caller("/people/p-one", "p-one", {"founder"}, tenant=ELSEWHERE)
    services = {f"svc {name}": _caller(f"/svc/core/{name}") for name in SERVICES}
    return {
        "no role": _caller("/people/p-one", "p-one"),
        **people,
        "founder elsewhere": founder,
        **services,
        "run": _caller(f"/run/{RUN}"),
        "predictor": _caller("/svc/prod/predictor/credit"),
        "gateway": _caller("/svc/prod/gateway"),
    }


def _caller(path: str, person: str = "", roles: Collection[str] = (), *, tenant: str = HERE) -> Caller:
    return Caller(
        SpiffeId(DOMAIN, path),
        PersonId(person) if person else None,
        frozenset(roles),
        tenant=tenant,
        platform=tenant == HERE,
        signed_in=time.time() if person else None,
    )


def allowed(policy: OpaWasm, caller: Caller, permission: str) -> bool:
    """Say whether a subject may use routes of a permission, about its own things where it takes an owner."""
    context = {"time_ns": time.time_ns()}
    owned = dict(_PROBED) | {"owner": str(caller.person or caller.identity)}
    if caller.identity.run is None:
        owned.pop("run")
    return policy.decide(permission, subject_document(caller), owned, context).allow


def page() -> str:
    """Return docs/routes.md."""
    policy, asking, found = OpaWasm(POLICY), subjects(), rows()
    answers = {
        permission: [allowed(policy, caller, permission) for caller in asking.values()]
        for permission in {row.permission for row in found} - {PUBLIC}
    }
    lines = [_HEAD.format(routes=len(found), subjects=len(asking))]
    for service in sorted({row.service for row in found}):
        columns = " | ".join(asking)
        lines += [f"\n## {service}\n", f"| route | permission | {columns} |"]
        lines.append("|---" * (len(asking) + 2) + "|")
        for row in (one for one in found if one.service == service):
            marks = ["✓" if yes else "·" for yes in answers.get(row.permission, [True] * len(asking))]
            lines.append(f"| `{row.method} {row.path}` | {row.permission} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


_HEAD: Final = """# Who may call which route

Made by `python -m assay_laptop.opa.matrix` from the routes that the services declare and the answers of
`infra/opa/policy.wasm`; a test refuses a stale page. {routes} routes, {subjects} kinds of caller.

A mark is what is decided before the body is read: the caller acts in the platform's own tenant (*founder elsewhere*: in
another one), people have just signed in, services carry no grant, and runs and owners ask about their own. On the
resource itself more is decided: tenant, purpose, region, environment, tier, sign-in and calendar
(`infra/opa/conditions.rego`). Whoever is revoked is refused everywhere before policy is asked; `public` is the login
exchange and its pages, on a listener of their own."""


def main() -> int:
    """Write the page, or with `--check` say whether it is stale."""
    fresh = page()
    if "--check" in sys.argv[1:]:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != fresh
        print(
            "docs/routes.md is stale: run python -m assay_laptop.opa.matrix"
            if stale
            else "docs/routes.md holds"
        )
        return int(stale)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
