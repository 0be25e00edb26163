"""Ingestion as its callers meet it: real Great Expectations, Vault, ledger and policy."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from assay import encrypted
from assay.contracts import DatasetBatch, Fact, FactKind, body_of, sha256_hex
from assay.custody.chain import revoked_key
from assay.errors import Unavailable
from assay.ledger import Ledger, Record
from tests.integration.ingestion.conftest import Platform
from tests.support.data import DANA

GOOD = (
    b"client_id,age,email\n1,30,ada.canary@x.example\n2,40,bea.canary@x.example\n3,50,cyd.canary@x.example\n"
)
MIXED = GOOD + b"4,101,dee.canary@x.example\n" + b"5,60,no-address-canary\n"


def pushed(platform: Platform, content: bytes, **params: str) -> dict[str, Any]:
    answer = platform.push(content, **params)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(answer: httpx.Response, status: int, title: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["title"] == title
    assert problem["fix"]
    return problem


def test_a_batch_becomes_a_fact_that_names_only_ciphertext(platform: Platform) -> None:
    platform.define()
    said = pushed(platform, GOOD)
    assert (said["rows"], said["quarantined"], said["reasons"], said["duplicate_of"]) == (3, 0, [], None)
    record = platform.started[0].follower.record(said["fact"])
    assert record is not None
    body = body_of(record.fact, DatasetBatch)
    assert record.about == f"dataset/demo/{platform.dataset}"
    assert record.fact.subjects == (("snapshot", said["digest"]),)
    assert body.contributors == (DANA,)
    assert body.tags["email"] == ("pii", "email")
    assert body.columns == {
        "client_id": "int32",
        "age": "int8",
        "email": "string",
        "recorded_at": "timestamp[us]",
    }
    assert sha256_hex(GOOD).encode() not in record.fact.payload()
    assert b"wrapped" not in record.fact.payload()


def test_features_alone_gets_key_and_ciphertext_and_the_rows_are_whole(platform: Platform) -> None:
    platform.define()
    said = pushed(platform, GOOD)
    with platform.be("/svc/core/features") as features:
        released = features.post("/v1/keys", json={"fact": said["fact"]}).json()
        ciphertext = features.get(f"/v1/objects/{said['digest']}").content
    assert released["digest"] == said["digest"] == sha256_hex(ciphertext)
    table = encrypted.read(ciphertext, base64.b64decode(released["key"]))
    assert table["client_id"].to_pylist() == [1, 2, 3]
    assert {str(moment) for moment in table["recorded_at"].to_pylist()} == {"2005-05-01 00:00:00"}
    for path in (f"/people/{DANA}", "/svc/core/training", "/run/run-1"):
        refused(platform.be(path).post("/v1/keys", json={"fact": said["fact"]}), 403, "Forbidden")
        refused(platform.be(path).get(f"/v1/objects/{said['digest']}"), 403, "Forbidden")


def test_bad_rows_go_to_quarantine_with_reasons_and_without_values(platform: Platform) -> None:
    platform.define()
    said = pushed(platform, MIXED)
    assert (said["rows"], said["quarantined"]) == (3, 2)
    assert said["reasons"] == [
        {"expectation": "expect_column_values_to_be_between", "column": "age", "rows": 1},
        {"expectation": "expect_column_values_to_match_regex", "column": "email", "rows": 1},
    ]
    answer = platform.dana.get(f"/v1/datasets/{platform.dataset}/batches/{said['fact']}/quarantine")
    assert [row["row"] for row in answer.json()["rows"]] == [4, 5]
    assert answer.json()["rows"][1]["reasons"] == ["expect_column_values_to_match_regex(email)"]
    assert "canary" not in answer.text


def test_no_plaintext_is_on_disk_after_good_and_bad_rows(platform: Platform) -> None:
    platform.define()
    pushed(platform, MIXED)
    files = [path for path in platform.world.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert b"canary" not in path.read_bytes(), path


def test_evidence_and_lineage_say_what_was_checked_and_no_value(platform: Platform) -> None:
    platform.define()
    said = pushed(platform, MIXED)
    event = platform.dana.get(f"/v1/lineage/{said['fact']}").json()
    (output,) = event["outputs"]
    assert event["eventType"] == "COMPLETE"
    assert output["facets"]["version"]["datasetVersion"] == said["digest"]
    assertions = output["facets"]["dataQualityAssertions"]["assertions"]
    assert len(assertions) == 5
    assert all(one["success"] for one in assertions)
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3


def test_the_same_bytes_pushed_again_are_the_same_batch(platform: Platform) -> None:
    platform.define()
    first = pushed(platform, MIXED)
    again = platform.push(MIXED, batch="another-name")
    assert again.status_code == 200
    assert again.json() == {**first, "duplicate_of": first["fact"]}
    assert len(platform.batches()) == 1


def test_the_same_bytes_pushed_at_once_are_one_batch_also_at_two_replicas(own: Platform) -> None:
    own.define()
    one = own.dana
    own.start()
    other = own.dana
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda by: own.push_as(by, GOOD), (one, other, one, other)))
    found = [answer.json() for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({said["fact"] for said in found}) == 1
    assert any(said["duplicate_of"] is None for said in found)  # at both replicas, when they append at once
    follower = own.started[0].follower
    follower.catch_up()
    assert len(follower.records(FactKind.BATCH)) == 1
    assert len([path for path in _objects(own.world.folder) if path.parent.name == "keys"]) == 1


def test_batches_that_race_for_one_head_all_get_in(platform: Platform) -> None:
    platform.define()
    contents = [GOOD + b"%d,33,x@x.example\n" % number for number in range(10, 16)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda content: pushed(platform, content), contents))
    assert len({said["fact"] for said in found}) == 6
    listed = platform.batches()
    assert {row["fact"] for row in listed} == {said["fact"] for said in found}


class Once:
    """A ledger whose first append fails, before or after it was taken; everything else is the real one's."""

    def __init__(self, ledger: Ledger, *, taken: bool) -> None:
        self._ledger = ledger
        self._taken = taken
        self._failed = False

    def append(self, fact: Fact) -> Record:
        """Fail the first time."""
        if self._failed:
            return self._ledger.append(fact)
        self._failed = True
        if self._taken:
            self._ledger.append(fact)
        raise Unavailable("the ledger does not answer")

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)


@pytest.mark.parametrize(("taken", "status"), [(False, 201), (True, 200)])
def test_a_push_the_ledger_did_not_answer_is_finished_by_the_same_push(
    own: Platform, *, taken: bool, status: int
) -> None:
    own.define()
    own.start(lambda ledger: cast("Ledger", Once(ledger, taken=taken)))
    refused(own.push(GOOD), 503, "Unavailable")
    before = _objects(own.world.folder)
    again = own.push(GOOD)
    assert again.status_code == status
    assert _objects(own.world.folder) == before
    assert [row["fact"] for row in own.batches()] == [again.json()["fact"]]


def test_a_revoked_batch_gives_no_key_and_is_not_taken_again(platform: Platform) -> None:
    platform.define()
    said = pushed(platform, GOOD)
    platform.world.revoke(said["fact"])
    with platform.be("/svc/core/features") as features:
        refused(features.post("/v1/keys", json={"fact": said["fact"]}), 409, "BatchRevoked")
    refused(platform.push(GOOD), 409, "BatchRevoked")
    (row,) = platform.batches()
    assert row["revoked"] is True


def test_a_batch_of_a_revoked_key_gives_no_key(own: Platform) -> None:
    own.define()
    said = pushed(own, GOOD)
    own.world.revoke(revoked_key(own.world.log.entry(own.world.log.index(said["fact"])).signed.keyid))
    with own.be("/svc/core/features") as features:
        refused(features.post("/v1/keys", json={"fact": said["fact"]}), 409, "BatchRevoked")
    assert own.batches()[0]["revoked"] is True


def test_a_lost_database_is_rebuilt_with_the_same_answers(own: Platform) -> None:
    own.define()
    first, second = pushed(own, GOOD), pushed(own, MIXED)
    listed = own.batches()
    for path in own.world.folder.glob("ingestion.db*"):
        path.unlink()
    own.start()
    assert own.batches() == listed
    assert pushed(own, MIXED)["duplicate_of"] == second["fact"]
    with own.be("/svc/core/features") as features:
        assert features.get(f"/v1/objects/{first['digest']}").is_success


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE batches SET rows = 99",
        "UPDATE batches SET snapshot = 'x'",
        "UPDATE batches SET batch = 'other'",
    ],
)
def test_an_edited_row_is_refused_by_name(own: Platform, edit: str) -> None:
    own.define()
    pushed(own, GOOD)
    with sqlite3.connect(own.world.folder / "ingestion.db") as database:
        database.execute(edit)
    refused(own.dana.get("/v1/datasets/clients/batches"), 409, "RowContradictsFact")


def test_a_swapped_sidecar_or_object_is_refused(own: Platform) -> None:
    own.define()
    one, other = pushed(own, GOOD), pushed(own, MIXED)
    objects = own.world.folder / "ingestion-objects"
    (objects / "keys" / f"{one['digest']}.json").write_bytes(
        (objects / "keys" / f"{other['digest']}.json").read_bytes()
    )
    place = objects / "sha256" / one["digest"][:2] / one["digest"]
    place.write_bytes(place.read_bytes()[:-1] + b"!")
    with own.be("/svc/core/features") as features:
        refused(features.post("/v1/keys", json={"fact": one["fact"]}), 422, "SignatureInvalid")
        refused(features.get(f"/v1/objects/{one['digest']}"), 422, "SignatureInvalid")


BAD: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"", {}, 422, "EmptyBatch"),
    (b"client_id,age,email\n", {}, 422, "EmptyBatch"),
    (b"\x00\xff" * 5000, {}, 422, "NotATable"),
    (b"id,age,email\n1,30,a@x\n", {}, 422, "WrongColumns"),
    (b"client_id,age,email\n1,old,a@x\n2,30,b@x\n", {}, 422, "WrongTypes"),
    (b"client_id,age,email\n1,9,a@x\n2,9,b@x\n", {}, 422, "ExpectationsNotMet"),
    (b"client_id,age,email\n1,30,a@x\n", {}, 422, "ExpectationsNotMet"),
    (GOOD, {"batch": "Ada Canary"}, 400, "BadParameter"),
    (GOOD, {"recorded_at": "2999-01-01T00:00:00Z"}, 400, "BadParameter"),
]


@pytest.mark.parametrize(("content", "params", "status", "title"), BAD)
def test_bad_input_is_refused_by_name_and_leaves_nothing(
    platform: Platform, content: bytes, params: dict[str, str], status: int, title: str
) -> None:
    platform.define()
    before = _objects(platform.world.folder)
    problem = refused(platform.push(content, **params), status, title)
    assert "canary" not in str(problem).lower() or title == "BadParameter"
    assert _objects(platform.world.folder) == before
    assert platform.batches() == []


def test_an_unknown_data_set_and_media_type_are_refused(platform: Platform) -> None:
    refused(platform.push(GOOD), 404, "UnknownDataset")
    platform.define()
    answer = platform.dana.post(
        f"/v1/datasets/{platform.dataset}/batches",
        params={"batch": "b"},
        content=GOOD,
        headers={"content-type": "a/b"},
    )
    refused(answer, 415, "UnsupportedMediaType")


def test_more_than_the_limit_is_refused_before_it_is_read(platform: Platform) -> None:
    platform.define()

    def endless() -> Iterator[bytes]:
        for _ in range(10):
            yield b"0" * (1 << 20)

    headers = {"content-type": "text/csv", "content-length": str(1 << 30)}
    answer = platform.dana.post(
        f"/v1/datasets/{platform.dataset}/batches", params={"batch": "b"}, content=endless(), headers=headers
    )
    refused(answer, 413, "TooLarge")


@pytest.mark.parametrize(
    "expectation",
    [
        {"type": "expect_column_values_to_be_impossible", "kwargs": {"column": "age"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "minimum": 1}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "nobody"}},
        {"kwargs": {"column": "age"}},
    ],
)
def test_a_suite_great_expectations_does_not_know_is_no_contract(
    platform: Platform, expectation: dict[str, Any]
) -> None:
    answer = platform.define(suite={"name": "s", "expectations": [expectation]})
    refused(answer, 422, "BadContract")
    refused(platform.push(GOOD), 404, "UnknownDataset")


def test_a_suite_never_runs_code(platform: Platform, tmp_path: Path) -> None:
    """Great Expectations hands a row_condition to `DataFrame.query`, which runs it."""
    trace = tmp_path / "ran"
    sly = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {
            "column": "age",
            "min_value": 0,
            "condition_parser": "pandas",
            "row_condition": f"@pd.io.common.os.system('touch {trace}') == 0",
        },
    }
    refused(platform.define(suite={"name": "s", "expectations": [sly]}), 422, "BadContract")
    assert platform.define().is_success
    assert platform.push(GOOD).is_success
    assert not trace.exists()


def test_an_expectation_that_cannot_be_evaluated_is_no_pass(platform: Platform) -> None:
    odd = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "email", "min_value": 1}}
    assert platform.define(suite={"name": "s", "expectations": [odd]}).is_success
    refused(platform.push(GOOD), 422, "ExpectationBroken")


def test_who_may_not_push_is_refused(platform: Platform) -> None:
    platform.define()
    for path in ("/people/p-amir", "/people/p-nobody", "/svc/core/features", "/run/run-1"):
        answer = platform.be(path).post(
            "/v1/datasets/clients/batches",
            params={"batch": "b"},
            content=GOOD,
            headers={"content-type": "text/csv"},
        )
        refused(answer, 403, "Forbidden")


def _objects(folder: Path) -> set[Path]:
    return {path for path in (folder / "ingestion-objects").rglob("*") if path.is_file()}
