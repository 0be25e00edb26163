"""Who asks, in the tests of policy: everybody of the platform's own tenant, people just signed in."""

from __future__ import annotations

import time

from assay.contracts import PersonId, SpiffeId
from assay.identity.grants import Grant
from assay.web.caller import Caller

TENANT = "demo"


def of(path: str, person: str | None = None, *roles: str, grant: Grant | None = None) -> Caller:
    """Return a caller of the platform's own tenant."""
    signed_in = time.time() if path.startswith("/people/") else None
    return Caller(
        SpiffeId("assay.demo", path),
        None if person is None else PersonId(person),
        frozenset(roles),
        grant,
        tenant=TENANT,
        platform=True,
        signed_in=signed_in,
    )


def person(name: str, *roles: str) -> Caller:
    return of(f"/people/{name}", name, *roles)


def service(name: str, *, for_: Caller | None = None, actions: tuple[str, ...] = ()) -> Caller:
    path = f"/svc/core/{name}"
    if for_ is None or for_.person is None:
        return of(path)
    grant = Grant(for_.person, SpiffeId("assay.demo", path), ("evaluator",), actions, 2_000_000_000, TENANT)
    return of(path, for_.person, *for_.roles, grant=grant)


def run(name: str) -> Caller:
    return of(f"/run/{name}")


PREDICTOR = of("/svc/prod/predictor/credit")
GATEWAY = of("/svc/prod/gateway")
DANA = person("p-dana", "data-scientist")
AMIR = person("p-amir", "approver")
ADA = person("p-ada", "administrator")
