"""Tenants by the hundred thousand: who acts where, on whose, doing what, in which role, through the real policy."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from assay.contracts import PersonId, SpiffeId
from assay.identity.grants import Grant
from assay.policy import OpaWasm, subject_document
from assay.web.caller import Caller
from assay_laptop.opa.matrix import DOMAIN, POLICY, ROLES, SERVICES
from tests.contract.policy.oracle import may, table

HOME = "demo"
TENANTS = (HOME, "acme", "zenith")
WHOSE = (None, *TENANTS)
LEAST = 100_000


def askers() -> Iterator[Caller]:
    """Every kind of caller, in no tenant yet."""
    now = time.time()
    person, people = PersonId("p-one"), SpiffeId(DOMAIN, "/people/p-one")
    held = [frozenset[str](), *(frozenset({role}) for role in ROLES), frozenset(ROLES)]
    for roles in held:
        yield Caller(people, person, roles, signed_in=now)
    actions = tuple(table())
    for name in SERVICES:
        service = SpiffeId(DOMAIN, f"/svc/core/{name}")
        yield Caller(service, None, frozenset())
        for roles in held:
            granted = Grant(person, service, (), actions, 2**40)
            yield Caller(service, person, roles, granted)
            if len(roles) == 1:
                yield Caller(service, person, roles, replace(granted, actions=actions[::2]))
    yield Caller(SpiffeId(DOMAIN, "/run/run-1"), None, frozenset())
    yield Caller(SpiffeId(DOMAIN, "/svc/prod/predictor/credit"), None, frozenset())
    yield Caller(SpiffeId(DOMAIN, "/svc/prod/gateway"), None, frozenset())


def test_no_tenant_reaches_anothers_and_every_right_holds_in_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy, rights, context = OpaWasm(POLICY), table(), {"time_ns": time.time_ns()}
    asked = allowed = 0
    wrong: list[tuple[str, ...]] = []
    for bare in askers():
        for tenant in TENANTS:
            caller = replace(bare, tenant=tenant, platform=tenant == HOME)
            document = subject_document(caller)
            for whose in WHOSE:
                resource = {"run": "run-1", "owner": str(caller.person or caller.identity)}
                resource |= {} if whose is None else {"tenant": whose}
                for action in rights:
                    expected = may(rights, action, caller, home=HOME, resource_tenant=whose)
                    said = policy.decide(action, document, resource, context).allow
                    asked, allowed = asked + 1, allowed + said
                    if said is not expected:
                        wrong.append((str(caller.identity), tenant, str(whose), action, str(said)))
    with capsys.disabled():
        sys.stdout.write(f"\ntenant matrix: {asked} decisions, {allowed} allowed, {len(wrong)} wrong\n")
    assert wrong == []
    assert asked >= LEAST
    assert allowed > asked / 50
