"""The ledger's routes, for those who bring their own verifier."""

from __future__ import annotations

import base64

import httpx
import pytest

from assay.ledger import Record
from assay.ledger.bundle import read_path
from assay.ledger.checkpoint import Checkpoint, open_note
from assay.ledger.known import head_key
from assay.ledger.maps import verify_map_proof
from assay.ledger.tree import leaf_hash, verify_consistency, verify_inclusion
from services.ledger.log import Log
from tests.support.ledger import House, run


@pytest.fixture
def record(house: House, log: Log) -> Record:
    return log.append(house.signer.sign(run("r-1")))


def note(house: House, text: str) -> Checkpoint:
    return open_note(text, house.root.log_origin, house.root.log_key_pem)


def test_a_fact_comes_with_the_proof_that_it_is_in_the_log(house: House, log: Log, record: Record) -> None:
    with house.http(log, "/people/p-dana") as http:
        answer = http.get(f"/v1/facts/{record.digest}").json()
    checkpoint = note(house, answer["checkpoint"])
    leaf = leaf_hash(record.signed.to_bytes())
    verify_inclusion(leaf, answer["index"], checkpoint.size, read_path(answer["path"]), checkpoint.root)


def test_inclusion_and_consistency_are_given_for_any_signed_sizes(
    house: House, log: Log, record: Record
) -> None:
    log.publisher.covering(record.index + 1, 30)
    first, second = 5, record.index + 1
    with house.http(log, "/svc/prod/predictor/credit") as http:
        path = http.get("/v1/proofs/inclusion", params={"digest": record.digest, "size": second}).json()[
            "path"
        ]
        shown = http.get("/v1/proofs/consistency", params={"first": first, "second": second}).json()["path"]
        beyond = http.get("/v1/proofs/consistency", params={"first": first, "second": 10_000})
        outside = http.get("/v1/proofs/inclusion", params={"digest": record.digest, "size": 2})
    root = log.tree.root(second)
    verify_inclusion(leaf_hash(record.signed.to_bytes()), record.index, second, read_path(path), root)
    verify_consistency(first, second, read_path(shown), log.tree.root(first), root)
    assert beyond.status_code == outside.status_code == 400


def test_heads_and_revocations_are_proven_by_get(house: House, log: Log, record: Record) -> None:
    log.publisher.covering(record.index + 1, 30)
    with house.http(log, "/people/p-dana") as http:
        for path in ("/v1/heads", "/v1/proofs/heads"):
            answer = http.get(path, params={"about": "run/r-1"}).json()
            root = note(house, answer["checkpoint"]).heads
            shown = verify_map_proof(root, head_key("run/r-1"), answer["heads"][0]["proof"])
            assert shown == bytes.fromhex(record.digest)
        answer = http.get("/v1/proofs/revocations", params={"key": ["a" * 64, "b" * 64]}).json()
    root = note(house, answer["checkpoint"]).revocations
    for one in answer["revocations"]:
        assert verify_map_proof(root, bytes.fromhex(one["key"]), one["proof"]) is None


def test_the_checkpoint_is_a_signed_note_and_can_be_waited_for(house: House, log: Log) -> None:
    with house.http(log, "/people/p-dana") as http:
        now = http.get("/v1/checkpoint")
        first = note(house, now.text)
        assert now.headers["content-type"].startswith("text/plain")
        log.append(house.signer.sign(run("r-1")))
        later = http.get("/v1/checkpoint", params={"after_ms": first.time_ms, "seconds": 10})
    assert note(house, later.text).time_ms > first.time_ms


def test_entries_are_given_in_pages(house: House, log: Log) -> None:
    with house.http(log, "/people/p-dana") as http:
        page = http.get("/v1/entries", params={"start": 1, "limit": 2}).json()
        assert http.get("/v1/entries", params={"limit": 100_000}).status_code == 422
    assert page["start"] == 1
    assert [base64.b64decode(one["payload"]) for one in page["entries"]] == [
        entry.fact.payload() for entry in log.entries(1, 2)
    ]


def search(http: httpx.Client, **params: str) -> list[str]:
    return [one["about"] for one in http.get("/v1/search", params=params).json()["facts"]]


def test_facts_are_found_by_kind_and_prefix(house: House, log: Log, record: Record) -> None:
    with house.http(log, "/people/p-ada") as http:
        assert search(http, kind="run") == search(http, about_prefix="run/r") == ["run/r-1"]
        assert search(http, kind="policy", about_prefix="run/") == []
        assert search(http, about_prefix="root") == ["root"]
        assert search(http, about_prefix="100%_") == []
        assert http.get("/v1/search", params={"kind": "nonsense"}).status_code == 422


def test_places_beyond_any_log_are_refused_and_break_nothing(house: House, log: Log) -> None:
    beyond = str(1 << 64)
    with house.http(log, "/people/p-ada") as http:
        for path in ("/v1/entries", "/v1/search"):
            assert http.get(path, params={"start": beyond}).status_code == 422
        assert http.get("/v1/entries", params={"start": "0", "limit": "1"}).json()["entries"]


def test_a_person_without_a_role_searches_nothing(house: House, log: Log) -> None:
    with house.http(log, "/people/p-dana") as http:
        refused = http.get("/v1/search", params={"kind": "role"})
    assert refused.status_code == 403
    assert refused.json()["title"] == "Forbidden"


def test_malformed_envelopes_are_refused_and_move_nothing(house: House, log: Log) -> None:
    size = len(log.entries(0, 1000))
    with house.http(log, "/svc/core/training") as http:
        for body in (b"[]", b"{}", b'{"payload": "a", "payload": "b"}', b"nonsense", b'{"payloadType": 1}'):
            assert http.post("/v1/facts", content=body).status_code in {400, 422}
        assert http.post("/v1/facts", content=b" " * 200_000).status_code == 413
    assert len(log.entries(0, 1000)) == size
