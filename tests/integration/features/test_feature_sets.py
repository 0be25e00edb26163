"""Features as its callers meet it: Feast over sealed batches read from ingestion, orders, keys, revocation."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from typing import Any

import httpx
import polars as pl
import pytest

from assay.contracts import FeatureSet, body_of
from assay.custody.chain import revoked_key
from tests.integration.features.conftest import DATES, EVALUATOR, Platform
from tests.support.data import DANA

COUNT = 60


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def clients(**columns: pl.Expr) -> pl.DataFrame:
    ids = pl.DataFrame({"client_id": range(1, COUNT + 1)}).cast(pl.Int32)
    return ids.with_columns(
        sex=(pl.col("client_id") % 2 + 1).cast(pl.Int8),
        default=(pl.col("client_id") % 3 == 0).cast(pl.Int8),
        email=pl.format("canary{}@x.example", "client_id"),
        recorded_at=pl.lit(at("2005-04-01")),
        **columns,
    )


def statements() -> pl.DataFrame:
    """April and May for all but client 1; client 2's April is late, client 3's corrected, 4's planted."""
    ids = pl.DataFrame({"client_id": range(2, COUNT + 1)}).cast(pl.Int32)
    rows = []
    for dated, recorded, step in (("2005-04-30", "2005-05-01", 100), ("2005-05-31", "2005-06-01", 200)):
        late = pl.when((pl.col("client_id") == 2) & (step == 100)).then(pl.lit(at("2005-05-20")))
        rows.append(
            ids.select(
                "client_id",
                dated=pl.lit(at(dated)),
                bill=(pl.col("client_id") + step).cast(pl.Int32),
                recorded_at=late.otherwise(pl.lit(at(recorded))),
            )
        )
    corrected = {"client_id": 3, "dated": at("2005-04-30"), "bill": 999, "recorded_at": at("2005-05-10")}
    planted = {"client_id": 4, "dated": at("2005-05-31"), "bill": 99999, "recorded_at": at("2005-11-15")}
    more = pl.DataFrame([corrected, planted], schema=rows[0].schema)
    return pl.concat([*rows, more])


@dataclass
class Built:
    """A feature set on a platform."""

    platform: Platform
    facts: list[str]
    said: dict[str, Any]

    def train(self) -> pl.DataFrame:
        """Read the train split as the run it was ordered for."""
        order = self.platform.order("order-training", feature_set=self.said["fact"])
        return self.platform.rows("/run/run-1", order, "train")

    def test(self) -> pl.DataFrame:
        """Read the test split as the evaluator."""
        order = self.platform.order(
            "order-evaluator", feature_set=self.said["fact"], identity=EVALUATOR, splits=["test"]
        )
        return self.platform.rows("/svc/core/evaluator", order, "test")


def pushed(platform: Platform) -> list[str]:
    tags = {"email": ["pii", "email"], "sex": ["protected"]}
    return [
        platform.push(platform.clients, clients(), tags=tags, purposes=["credit-scoring", "research"]),
        platform.push(platform.statements, statements()),
    ]


def built(platform: Platform) -> Built:
    facts = pushed(platform)
    assert platform.define().is_success
    answer = platform.build(facts)
    assert answer.is_success, answer.text
    return Built(platform, facts, answer.json())


def refused(answer: httpx.Response, status: int, title: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["title"] == title
    assert problem["fix"]
    return problem


FEATURES = ["bill_lag_0", "bill_lag_1", "bill_mean", "known", "sex", "months_ahead"]


def test_rows_hold_what_was_known_at_each_date(platform: Platform) -> None:
    made = built(platform)
    rows = pl.concat([made.train(), made.test()])
    assert rows.columns == ["client_id", "as_of", *FEATURES, "label"]
    found = {(row["client_id"], str(row["as_of"])): row for row in rows.iter_rows(named=True)}
    assert rows.select(FEATURES).null_count().sum_horizontal().item() == 0
    expected = {
        (1, DATES[1]): (0.0, 0.0, 0.0, 0.0),  # nothing known: the row is kept
        (2, DATES[0]): (0.0, 0.0, 0.0, 0.0),  # April was late
        (2, DATES[1]): (202.0, 102.0, 152.0, 2.0),
        (3, DATES[0]): (103.0, 0.0, 103.0, 1.0),  # before the correction
        (3, DATES[1]): (203.0, 999.0, 601.0, 2.0),  # after it
        (4, DATES[1]): (204.0, 104.0, 154.0, 2.0),  # the planted value is not used
    }
    seen = 0
    for place, values in expected.items():
        if place in found:
            seen += 1
            assert tuple(found[place][name] for name in FEATURES[:4]) == values, place
    assert seen >= 4
    assert 99999.0 not in rows["bill_lag_0"]


def test_no_client_is_in_both_splits_and_held_out_rows_are_of_the_last_date(platform: Platform) -> None:
    made = built(platform)
    train, test = made.train(), made.test()
    assert not set(train["client_id"]) & set(test["client_id"])
    assert set(train["client_id"]) | set(test["client_id"]) == set(range(1, COUNT + 1))
    assert {str(day) for day in test["as_of"]} == {DATES[-1]}
    assert {str(day) for day in train["as_of"]} == set(DATES)
    assert made.said["rows"] == {"train": train.height, "test": test.height}


def test_the_split_is_the_same_for_every_set_of_the_tenant(platform: Platform) -> None:
    made = built(platform)
    again = platform.build(made.facts).json()
    assert again["fact"] != made.said["fact"]
    assert set(Built(platform, made.facts, again).test()["client_id"]) == set(made.test()["client_id"])


def test_the_fact_names_batches_definition_tags_and_who_contributed(platform: Platform) -> None:
    made = built(platform)
    record = platform.started[0].follower.record(made.said["fact"])
    assert record is not None
    body = body_of(record.fact, FeatureSet)
    assert set(body.facts) == set(made.facts)
    assert body.features == tuple(FEATURES)
    assert body.tags == {"sex": ("protected",)}
    assert body.contributors == (DANA,)
    assert dict(record.fact.subjects) == body.splits
    assert platform.dana.get(f"/v1/feature-sets/{record.digest}").json() == made.said


def test_no_plaintext_row_or_identifier_is_on_disk(platform: Platform) -> None:
    built(platform)
    for path in platform.world.folder.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path


def test_a_run_that_asks_for_held_out_rows_is_refused_whatever_its_order_says(platform: Platform) -> None:
    made = built(platform)
    order = platform.order("order-training", feature_set=made.said["fact"], splits=["train", "test"])
    with platform.be("/run/run-1") as run:
        refused(run.post("/v1/keys", json={"order": order, "split": "test"}), 403, "HeldOut")


@pytest.mark.parametrize("path", ["/run/run-2", "/svc/core/evaluator"])
def test_another_peer_cannot_use_a_runs_order(platform: Platform, path: str) -> None:
    made = built(platform)
    order = platform.order("order-training", feature_set=made.said["fact"])
    with platform.be(path) as peer:
        refused(peer.post("/v1/keys", json={"order": order, "split": "train"}), 403, "OrderRefused")


@pytest.mark.parametrize(
    "path", [f"/people/{DANA}", "/people/p-ada", "/svc/core/training", "/svc/core/serving"]
)
def test_nobody_else_gets_a_key(platform: Platform, path: str) -> None:
    with platform.be(path) as peer:
        refused(peer.post("/v1/keys", json={"order": "x.y.z", "split": "train"}), 403, "Forbidden")


def test_a_person_gets_no_ciphertext_either(platform: Platform) -> None:
    made = built(platform)
    refused(platform.dana.get(f"/v1/objects/{made.said['splits']['train']}"), 403, "Forbidden")


def test_a_revoked_batch_takes_every_set_made_of_it_along(platform: Platform) -> None:
    made = built(platform)
    platform.world.revoke(made.facts[1])
    order = platform.order("order-training", feature_set=made.said["fact"])
    with platform.be("/run/run-1") as run:
        refused(run.post("/v1/keys", json={"order": order, "split": "train"}), 409, "BatchRevoked")
    refused(platform.build(made.facts), 409, "BatchRevoked")


@pytest.mark.parametrize(("signed", "name"), [("batch", "BatchRevoked"), ("set", "FeatureSetRevoked")])
def test_what_a_revoked_key_signed_gives_no_key(own: Platform, signed: str, name: str) -> None:
    made = built(own)
    fact = made.facts[0] if signed == "batch" else made.said["fact"]
    own.world.revoke(revoked_key(own.world.log.entry(own.world.log.index(fact)).signed.keyid))
    order = own.order("order-training", feature_set=made.said["fact"])
    with own.be("/run/run-1") as run:
        refused(run.post("/v1/keys", json={"order": order, "split": "train"}), 409, name)


def test_a_revoked_set_gives_no_key(platform: Platform) -> None:
    made = built(platform)
    platform.world.revoke(made.said["fact"])
    order = platform.order("order-training", feature_set=made.said["fact"])
    with platform.be("/run/run-1") as run:
        refused(run.post("/v1/keys", json={"order": order, "split": "train"}), 409, "FeatureSetRevoked")


def test_a_lost_database_and_registry_are_rebuilt_with_the_same_answers(own: Platform) -> None:
    made = built(own)
    before = made.train()
    for path in own.world.folder.glob("features.db*"):
        path.unlink()
    shutil.rmtree(own.world.folder / "features" / "feast")
    own.start()
    assert made.train().equals(before)
    again = Built(own, made.facts, own.build(made.facts).json())
    assert again.train().equals(before)


def test_a_view_that_was_changed_is_another_definition_and_old_sets_stay(platform: Platform) -> None:
    made = built(platform)
    assert platform.define(missing=-1.0).json()["number"] == 2
    other = Built(platform, made.facts, platform.build(made.facts).json())
    assert -1.0 in other.train()["bill_lag_1"]
    assert -1.0 not in made.train()["bill_lag_1"]


def test_a_label_among_the_features_is_refused(platform: Platform) -> None:
    facts = pushed(platform)
    statements_source, _ = platform.definition()["sources"]
    leaking = {"dataset": platform.clients, "columns": ["sex", "default"]}
    assert platform.define(sources=[statements_source, leaking]).is_success
    refused(platform.build(facts), 422, "LabelLeak")


def test_a_personal_column_is_no_feature(platform: Platform) -> None:
    facts = pushed(platform)
    statements_source, _ = platform.definition()["sources"]
    personal = {"dataset": platform.clients, "columns": ["sex", "email"]}
    assert platform.define(sources=[statements_source, personal]).is_success
    refused(platform.build(facts), 422, "PersonalFeature")


def test_what_makes_no_feature_set_is_refused_by_name(platform: Platform) -> None:
    refused(platform.build(["0" * 64]), 404, "UnknownView")
    facts = pushed(platform)
    platform.define()
    refused(platform.build(["0" * 64]), 404, "UnknownBatch")
    refused(platform.build(facts[:1]), 422, "BadFeatureSet")
    refused(platform.build([]), 422, "BadFeatureSet")
    refused(platform.build(facts, as_of=["2999-01-01"]), 422, "BadFeatureSet")
    refused(platform.build(facts, as_of=["yesterday"]), 422, "BadFeatureSet")
    label = {"dataset": platform.clients, "column": "nobody"}
    refused(platform.build(facts, label=label), 422, "BadFeatureSet")
    refused(platform.build(facts, label={**label, "column": "sex"}), 422, "LabelLeak")
    refused(platform.define(sources=[]), 422, "BadDefinition")
    refused(platform.dana.get(f"/v1/feature-sets/{facts[0]}"), 404, "UnknownFeatureSet")
