"""Who asks, in the tests of policy."""

from __future__ import annotations

from assay.contracts import PersonId, SpiffeId
from assay.identity.grants import Grant
from assay.web.caller import Caller


def person(name: str, *roles: str) -> Caller:
    return Caller(SpiffeId("assay.demo", f"/people/{name}"), PersonId(name), frozenset(roles))


def service(name: str, *, for_: Caller | None = None, actions: tuple[str, ...] = ()) -> Caller:
    identity = SpiffeId("assay.demo", f"/svc/core/{name}")
    if for_ is None or for_.person is None:
        return Caller(identity, None, frozenset())
    grant = Grant(for_.person, identity, ("evaluator",), actions, 2_000_000_000)
    return Caller(identity, for_.person, for_.roles, grant)


def run(name: str) -> Caller:
    return Caller(SpiffeId("assay.demo", f"/run/{name}"), None, frozenset())


PREDICTOR = Caller(SpiffeId("assay.demo", "/svc/prod/predictor/credit"), None, frozenset())
GATEWAY = Caller(SpiffeId("assay.demo", "/svc/prod/gateway"), None, frozenset())
DANA = person("p-dana", "data-scientist")
AMIR = person("p-amir", "approver")
ADA = person("p-ada", "administrator")
