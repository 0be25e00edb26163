"""Projects as a matrix: which data opens for whose memberships, through the real policy, for every role."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations, product

from assay.contracts import PersonId, SpiffeId
from assay.policy import OpaWasm, subject_document
from assay.web.caller import Caller
from assay_laptop.opa.matrix import DOMAIN, POLICY, ROLES
from tests.contract.policy.oracle import table

PROJECTS = ("credit", "fraud", "churn")
BUILD = "features/build-feature-set"


def subsets() -> Iterator[tuple[str, ...]]:
    return (found for size in range(len(PROJECTS) + 1) for found in combinations(PROJECTS, size))


def caller(role: str, projects: tuple[str, ...]) -> Caller:
    roles = frozenset({role, *(f"project-{one}" for one in projects)} - {""})
    identity = SpiffeId(DOMAIN, "/people/p-one")
    return Caller(identity, PersonId("p-one"), roles, tenant="demo", platform=True, signed_in=time.time())


def test_data_opens_exactly_for_members_of_all_its_projects_who_hold_the_right() -> None:
    policy, context = OpaWasm(POLICY), {"time_ns": time.time_ns()}
    holders = set(table()[BUILD]["people"])
    wrong, asked, allowed = [], 0, 0
    for role, member, data in product(("", *ROLES), subsets(), subsets()):
        document = subject_document(caller(role, member))
        said = policy.decide(BUILD, document, {"tenant": "demo", "projects": list(data)}, context).allow
        asked, allowed = asked + 1, allowed + said
        if said is not (role in holders and set(data) <= set(member)):
            wrong.append((role, member, data))
    assert wrong == []
    assert 0 < allowed < asked


def test_a_membership_is_no_right_to_anything() -> None:
    policy, context = OpaWasm(POLICY), {"time_ns": time.time_ns()}
    plain, member = (subject_document(caller("", projects)) for projects in ((), PROJECTS))
    for action in table():
        both = [policy.decide(action, one, {"tenant": "demo"}, context).allow for one in (plain, member)]
        assert both[0] is both[1], action
