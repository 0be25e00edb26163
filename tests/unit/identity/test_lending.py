"""What a sign-in lends: to one service, for reading at one other, and to the other services nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from assay.contracts import PersonId, SpiffeId
from assay.errors import Forbidden, Unauthenticated
from assay.identity.grants import Grant, verify
from assay.web.caller import Caller
from services.identity.lending import LENT, Lending
from tests.integration.identity.transit import TransitKey
from tests.unit.tracking.front import rules

DOMAIN, HOURS_8, NOW = "assay.test", 8 * 3600, 1_800_000_000
TRACKING = SpiffeId(DOMAIN, "/svc/core/tracking")
DANA = PersonId("p-dana")


@pytest.fixture(scope="module")
def key() -> TransitKey:
    return TransitKey()


@dataclass(frozen=True)
class Rooted:
    """The two members of a root that verifying needs."""

    services: dict[str, str]
    trust_domain: str = DOMAIN


@pytest.fixture
def root(key: TransitKey) -> Rooted:
    return Rooted({"grant": key.public_pem})


@dataclass(frozen=True)
class Platform:
    """Which tenant is the platform's own."""

    tenant: str = "demo"


@pytest.fixture
def lending(key: TransitKey) -> Lending:
    identity = SpiffeId(DOMAIN, "/svc/core/identity")
    return Lending(key, identity, Platform(), HOURS_8, lambda: NOW)


def test_a_sign_in_lends_tracking_the_reading_of_the_registry_while_a_session_may_last(
    lending: Lending, root: Rooted
) -> None:
    grant = verify(lending.to("tracking", DANA), root, TRACKING, "registry", NOW)
    assert (grant.person, grant.tenant, grant.expires) == (DANA, "demo", NOW + HOURS_8)
    assert all(action.startswith("registry/read") for action in grant.actions)
    assert not grant.allows("registry/register")


def test_what_is_lent_counts_for_nobody_else_nowhere_else_and_not_for_longer(
    lending: Lending, root: Rooted
) -> None:
    token = lending.to("tracking", DANA)
    training = SpiffeId(DOMAIN, "/svc/core/training")
    for peer, audience, now in (
        (training, "registry", NOW),
        (TRACKING, "serving", NOW),
        (TRACKING, "registry", NOW + HOURS_8),
    ):
        with pytest.raises(Unauthenticated):
            verify(token, root, peer, audience, now)


def test_other_services_are_lent_nothing(lending: Lending) -> None:
    assert set(LENT) == {"tracking"}
    assert lending.to("registry", DANA) == ""


def test_without_what_somebody_lent_tracking_reads_nothing_at_the_registry() -> None:
    alone = Caller(TRACKING, None, frozenset(), tenant="demo", platform=True)
    for action in LENT["tracking"].actions:
        lent = Grant(DANA, TRACKING, ("registry",), (action,), NOW)
        for_dana = replace(alone, person=DANA, roles=frozenset({"risk"}), grant=lent)
        for_nobody = replace(for_dana, roles=frozenset())
        rules().require(action, for_dana)
        for caller in (alone, for_nobody):
            with pytest.raises(Forbidden):
                rules().require(action, caller)
