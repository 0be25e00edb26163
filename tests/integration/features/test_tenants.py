"""Two tenants in the same services: each sees, names, decrypts and learns from its own, and nothing of the other."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import httpx
import pytest

from assay.contracts import Fact, FeatureSet, body_of
from tests.integration.features.conftest import EVALUATOR, Platform
from tests.integration.features.test_feature_sets import Built, built, clients, refused, statements
from tests.support.data import DANA

ZOE, ACME = "p-zoe", "acme"


@dataclass
class Acting(Platform):
    """The same services, met by one person in one tenant."""

    who: str = DANA
    tenant: str | None = None

    def be(self, path: str, service: str = "features") -> httpx.Client:
        """Connect as a peer; people are this one, in this tenant."""
        http = super().be(path.replace(DANA, self.who), service)
        if self.tenant is not None:
            http.headers["Assay-Tenant"] = self.tenant
        return http


@pytest.fixture
def dana(own: Platform) -> Acting:
    return Acting(own.world, own.engine, own.suffix, own.started)


def told(own: Platform, fact: Fact) -> None:
    """Append a fact and let every service follow it."""
    signed = own.world.log.publisher.newest().checkpoint.size
    own.world.append(fact)
    while own.world.log.publisher.newest().checkpoint.size <= signed:
        time.sleep(0.01)
    for app in own.world.apps.values():
        app.state.edge.follower.catch_up()


@pytest.fixture
def zoe(own: Platform) -> Acting:
    told(own, own.world.house.role_fact(ZOE, "data-scientist", "p-ada", "p-grace", tenant=ACME))
    return Acting(own.world, own.engine, own.suffix, own.started, ZOE, ACME)


def test_two_tenants_use_the_same_names_and_meet_only_their_own(dana: Acting, zoe: Acting) -> None:
    ours, theirs = built(dana), built(zoe)
    assert not set(ours.facts) & set(theirs.facts)
    for mine, platform, foreign in ((ours, dana, theirs), (theirs, zoe, ours)):
        with platform.be(f"/people/{DANA}", "ingestion") as ingestion:
            listed = ingestion.get(f"/v1/datasets/{platform.clients}/batches").json()["batches"]
            assert [batch["fact"] for batch in listed] == [mine.facts[0]]
            quarantine = f"/v1/datasets/{platform.clients}/batches/{foreign.facts[0]}/quarantine"
            refused(ingestion.get(quarantine), 404, "UnknownBatch")
            refused(ingestion.get(f"/v1/lineage/{foreign.facts[0]}"), 404, "UnknownBatch")
        with platform.be(f"/people/{DANA}") as features:
            assert features.get(f"/v1/feature-sets/{mine.said['fact']}").is_success
            absent = refused(features.get(f"/v1/feature-sets/{'0' * 64}"), 404, "UnknownFeatureSet")
            there = refused(
                features.get(f"/v1/feature-sets/{foreign.said['fact']}"), 404, "UnknownFeatureSet"
            )
            assert set(absent) == set(there)
        refused(platform.build(foreign.facts), 404, "UnknownBatch")
        refused(platform.build([mine.facts[0], foreign.facts[1]]), 404, "UnknownBatch")


def test_keys_and_held_out_rows_are_of_a_tenant(dana: Acting, zoe: Acting) -> None:
    ours, theirs = built(dana), built(zoe)
    bodies = {}
    for made, tenant in ((ours, "demo"), (theirs, ACME)):
        record = made.platform.started[-1].follower.record(made.said["fact"])
        assert record is not None
        assert record.fact.tenant == tenant
        bodies[tenant] = body_of(record.fact, FeatureSet)
        assert bodies[tenant].key.startswith(f"features-{tenant}-")
    assert ours.said["splits"] != theirs.said["splits"]
    held = [set(made.said["splits"].values()) for made in (ours, theirs)]
    assert not held[0] & held[1]


def test_a_batch_key_is_named_by_its_tenant(zoe: Acting) -> None:
    fact = zoe.push("clients", clients())
    zoe.started[-1].follower.catch_up()
    record = zoe.started[-1].follower.record(fact)
    assert record is not None
    assert record.about == f"dataset/{ACME}/clients"
    assert str(record.fact.body["key"]).startswith(f"batch-{ACME}-clients-")


@pytest.mark.parametrize(("who", "tenant"), [(DANA, ACME), (ZOE, None), (ZOE, "demo"), (ZOE, "other")])
def test_who_holds_no_role_in_a_tenant_does_nothing_there(zoe: Acting, who: str, tenant: str | None) -> None:
    fact = zoe.push("clients", clients())
    stranger = replace(zoe, who=who, tenant=tenant)
    with stranger.be(f"/people/{DANA}", "ingestion") as ingestion:
        refused(ingestion.get("/v1/datasets/clients/batches"), 403, "Forbidden")
        refused(ingestion.get(f"/v1/lineage/{fact}"), 403, "Forbidden")
    refused(stranger.define(), 403, "Forbidden")
    refused(stranger.build([fact]), 403, "Forbidden")


def test_an_order_of_one_tenant_opens_nothing_of_another(dana: Acting, zoe: Acting) -> None:
    theirs = built(zoe)
    order = dana.order(
        "order-evaluator", feature_set=theirs.said["fact"], splits=["test"], identity=EVALUATOR
    )
    wanted = {"order": order, "split": "test"}
    with dana.be("/svc/core/evaluator") as here:
        refused(here.post("/v1/keys", json=wanted), 404, "UnknownFeatureSet")
        refused(here.get(f"/v1/objects/{theirs.said['splits']['test']}"), 404, "UnknownFeatureSet")
    with zoe.be("/svc/core/evaluator") as there:
        assert there.post("/v1/keys", json=wanted).is_success


def test_personal_data_is_built_on_for_a_purpose_its_contract_names(dana: Acting) -> None:
    made: Built = built(dana)
    problem = refused(dana.build(made.facts, purpose="marketing"), 403, "Forbidden")
    assert problem["rule"] == "features/build-feature-set.purpose"
    assert "credit-scoring, research" in problem["detail"]
    refused(dana.build(made.facts, purpose=""), 403, "Forbidden")


def test_data_of_a_project_is_built_on_by_its_members(dana: Acting) -> None:
    facts = [
        dana.push(dana.clients, clients(), project="credit", purposes=["research"]),
        dana.push(dana.statements, statements()),
    ]
    assert dana.define().is_success
    problem = refused(dana.build(facts), 403, "Forbidden")
    assert problem["rule"] == "features/build-feature-set.project"
    assert "project credit" in problem["detail"]
    told(dana, dana.world.house.role_fact(DANA, "project-credit", "p-ada", "p-grace"))
    assert dana.build(facts).is_success
