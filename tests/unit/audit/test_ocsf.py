"""OCSF events: the numbers a SIEM sorts by, ids and times, and what proves each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay import ocsf
from assay.contracts import Fact, FactKind, JournalBatch, SignedFact, SpiffeId, body_of, canonical
from assay.identity.statements import role_about
from assay.journal import Access, Journal, Journaling, Kind, Lander, Owner, Refusals, search
from assay.journal.reading import Wanted
from assay.ledger import Record, tree
from assay.ledger.tree import leaf_hash
from services.ledger.log import Log
from tests.support.ledger import House, revocation, run
from tests.unit.journal.log import Log as PlainLog

LOG = "assay.demo/ledger"
TIME = "2026-01-02T03:04:05.678Z"
REQUIRED = {
    "activity_id",
    "actor",
    "api",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "src_endpoint",
    "time",
    "type_uid",
}


@pytest.fixture
def facts(tmp_path: Path) -> list[Record]:
    house = House(tmp_path)
    with house.open() as log:
        house.found(log)
        return _appended(house, log)


def _appended(house: House, log: Log) -> list[Record]:
    first = run("r-1", time=TIME)
    log.append(house.signer.sign(first))
    log.append(house.signer.sign(run("r-1", time=TIME, previous=first.digest)))
    log.append(house.signer.sign(revocation("ab" * 32)))
    role = house.role_fact("p-bea", "approver", "p-ada", "p-grace", ended=True, previous=_head(log))
    log.append(house.signer.sign(role))
    return log.entries(0, 100)


def _head(log: Log) -> str:
    record = log.head(role_about("demo", "p-bea", "approver"))
    assert record is not None
    return record.digest


def _events(records: list[Record]) -> list[dict[str, Any]]:
    return [ocsf.of_fact(record, log=LOG, said_by="spiffe://assay.demo/svc/core/x") for record in records]


def test_every_event_has_what_its_class_requires_and_names_its_place_in_the_log(facts: list[Record]) -> None:
    for record, event in zip(facts, _events(facts), strict=True):
        assert set(event) >= REQUIRED
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["category_uid"] == event["class_uid"] // 1000
        assert event["metadata"]["uid"] == record.digest
        assert event["metadata"]["sequence"] == record.index
        assert event["metadata"]["version"]
        assert json.loads(json.dumps(event)) == event


def test_times_are_milliseconds_and_first_and_later_facts_create_and_update(facts: list[Record]) -> None:
    runs = [event for event in _events(facts) if event["api"]["operation"] == "fact/run"]
    assert [event["time"] for event in runs] == [1767323045678] * 2
    assert [event["type_uid"] for event in runs] == [600301, 600303]


def test_roles_credentials_and_revocations_have_their_own_classes(facts: list[Record]) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for event in _events(facts):
        by_kind.setdefault(event["api"]["operation"], []).append(event)
    assert {event["type_uid"] for event in by_kind["fact/role"]} == {300501, 300502}
    ended = by_kind["fact/role"][-1]
    assert (ended["user"]["uid"], ended["privileges"]) == ("p-bea", ["approver"])
    assert ended["actor"]["user"]["uid"] == "p-ada"
    assert {event["type_uid"] for event in by_kind["fact/credential"]} == {300110}
    assert [event["type_uid"] for event in by_kind["fact/revocation"]] == [600304]
    assert by_kind["fact/revocation"][0]["actor"]["user"]["uid"] == "p-ada"


@pytest.fixture
def shown(tmp_path: Path) -> tuple[list[dict[str, Any]], Record]:
    """Entries of a journal that landed as one batch, as the service shows them."""
    journal, log = Journal(tmp_path / "journal.db", lease_seconds=60), PlainLog()
    refusals = Refusals(journal, lambda: TIME)
    lander = Lander(journal, log, Owner(SpiffeId("assay.demo", "/svc/core/registry")), before=refusals.flush)
    journaling = Journaling(journal, refusals, lander, lambda: "r1", lambda: TIME)
    named = Fact(FactKind.VERSION, "model/demo/credit-default", "demo", TIME, {})
    journaling.known.apply(Record(0, SignedFact(named, "key", b"")))
    for action, route, kind in (
        ("registry/read", "GET /v1/models/{name}", Kind.READ),
        ("identity/grant", "POST /v1/grants", Kind.CHANGE),
        ("identity/enrol", "DELETE /v1/people/{person}/name", Kind.CHANGE),
    ):
        journal.append_all([journaling.allowed(_access(action, route, kind))])
    refused = journaling.refused(_access("registry/promote", "POST /v1/x", Kind.CHANGE), "Forbidden")
    assert refused is not None
    journal.append_all([refused])
    for _ in range(3):
        journaling.refused(_access("registry/promote", "POST /v1/x", Kind.CHANGE), "Forbidden")
    lander.land()
    found = search(journal, Wanted(), start=0, limit=100)["entries"]
    journal.close()
    return found, log.records[0]


def _access(action: str, route: str, kind: Kind) -> Access:
    identity = "spiffe://assay.demo/people/p-dana"
    return Access(identity, "p-dana", "demo", action, route, kind, "ab" * 16, {"name": "credit-default"})


def test_reads_changes_grants_and_refusals_are_told_apart(
    shown: tuple[list[dict[str, Any]], Record],
) -> None:
    entries, record = shown
    read, grant, forgotten, refused, counted = [ocsf.of_entry(each, record, log=LOG) for each in entries]
    assert [each["type_uid"] for each in (read, grant, forgotten, refused)] == [
        600302,
        300301,
        600304,
        600301,
    ]
    assert (read["status_id"], refused["status_id"], refused["action_id"]) == (1, 2, 2)
    assert refused["status_detail"] == "Forbidden"
    assert counted["count"] == 3
    assert read["resources"] == [{"uid": "credit-default", "type": "name"}]
    assert read["actor"]["user"] == {"uid": "p-dana", "type_id": 1}
    assert read["metadata"]["correlation_uid"] == "ab" * 16
    for each in (read, grant, forgotten, refused, counted):
        assert set(each) >= REQUIRED


def test_a_line_proves_itself_against_the_journal_fact_it_names(
    shown: tuple[list[dict[str, Any]], Record],
) -> None:
    entries, record = shown
    event = json.loads(json.dumps(ocsf.of_entry(entries[1], record, log=LOG)))
    proof = event["unmapped"]["assay"]
    batch = body_of(record.fact, JournalBatch)
    assert proof["journal"] == record.digest
    leaf = leaf_hash(canonical(proof["entry"]))
    assert leaf.hex() == event["metadata"]["uid"]
    path = [bytes.fromhex(node) for node in proof["leaf"]["path"]]
    tree.verify_inclusion(leaf, proof["leaf"]["index"], batch.count, path, bytes.fromhex(batch.root))


def test_a_person_is_a_user_by_opaque_id_and_a_service_a_system() -> None:
    fact = Fact(FactKind.RUN, "run/r-1", "demo", TIME, {"by": "spiffe://assay.demo/svc/core/training"})
    assert ocsf._user(str(fact.body["by"])) == {"uid": "spiffe://assay.demo/svc/core/training", "type_id": 3}
    assert ocsf._user("spiffe://assay.demo/people/p-ada") == {"uid": "p-ada", "type_id": 1}
