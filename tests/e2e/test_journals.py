"""Reads and refusals at every service are in its journal, under a root in the ledger within moments."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest

from assay.client import Session
from assay.contracts import FactKind
from assay.errors import ServiceError
from assay.journal import JournalEdited, verify
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT
from tests.conftest import Running

PATIENCE_SECONDS = 30.0
READS = {
    "ledger": "/v1/search",
    "identity": "/v1/people",
    "ingestion": "/v1/datasets/clients/batches",
    "features": f"/v1/feature-sets/{'0' * 64}",  # unknown: a refusal, of somebody who may ask
    "tracking": "/api/2.0/mlflow/experiments/search?max_results=1",
    "training": "/v1/runs",
    "evaluator": f"/v1/evaluations/{'0' * 64}",
    "registry": "/v1/models",
    "serving": "/v1/endpoints",
}
REFUSED = "/v1/no/such/address"


def journal_of(session: Session, service: str, **asked: str) -> list[dict[str, Any]]:
    """Return every entry of a service's journal, page by page."""
    found: list[dict[str, Any]] = []
    start: int | None = 0
    while start is not None:
        page = session.service(service).get("/v1/journal", start=start, limit=1000, **asked)
        found += page["entries"]
        start = page["next"]
    return found


def landed(session: Session, service: str, since: int, **asked: str) -> list[dict[str, Any]]:
    """Return the entries from an index on once all of them have landed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = [one for one in journal_of(session, service, **asked) if one["index"] >= since]
        if found and all(one["landed"] for one in found):
            return found
        assert time.monotonic() < end, found[-3:]
        time.sleep(0.2)


def asks(session: Session, service: str, path: str) -> None:
    """Ask, whatever is answered."""
    try:
        session.service(service).request("GET", path)
    except ServiceError:
        return


@pytest.mark.parametrize("service", sorted(READS))
def test_a_read_and_a_refusal_are_in_the_services_journal_with_their_root_in_the_ledger(
    running: Running, service: str
) -> None:
    ada, dana = running.thread.sessions["ada"], running.thread.sessions["dana"]
    person = str(dana.identity.spiffe_id.person)
    before = ada.service(service).get("/v1/journal", limit=1)["size"]
    asks(dana, service, READS[service])
    asks(dana, service, REFUSED)
    found = landed(ada, service, before, person=person)
    read, refused = found[0], found[-1]
    assert read["entry"]["kind"] == "read"
    assert refused["entry"]["outcome"] == "refused"
    for one in (read, refused):
        record = verify(one, ada.ledger, journal=f"journal/svc/core/{service}")
        assert record is not None
        assert record.fact.body["identity"].endswith(f"/svc/core/{service}")


def test_a_predictors_reads_and_refusals_are_journaled_beside_its_receipts(running: Running) -> None:
    ada, dana = running.thread.sessions["ada"], running.thread.sessions["dana"]
    predictor = ada.endpoints.predictor(ENVIRONMENT, ENDPOINT)
    dana.endpoints.predictor(ENVIRONMENT, ENDPOINT).get("/v2/models")
    shown = predictor.get("/v1/journal", limit=1000)["entries"]
    assert {"assay-receipt/v1", "assay-access/v1"} <= {one["entry"]["type"] for one in shown}


def test_a_state_change_is_one_fact_and_an_entry_only_where_the_fact_does_not_say_who(
    running: Running,
) -> None:
    """An entry names the facts it made that do not say who asked: evidence that was stated, an alias that moved."""
    ada = running.thread.sessions["ada"]
    entries = [one["entry"] for one in journal_of(ada, "registry", outcome="allowed")]
    registered = [ada.ledger.fact(one["facts"][0]) for one in entries if one["action"] == "registry/register"]
    assert all(record.kind is FactKind.VERSION for record in registered)
    promoted = [one for one in entries if one["action"] == "registry/promote"]
    assert promoted
    assert all(ada.ledger.fact(one["facts"][0]).kind is FactKind.ALIAS for one in promoted)


def test_whoever_may_not_read_the_journal_does_not(running: Running) -> None:
    with pytest.raises(ServiceError) as refused:
        running.thread.sessions["dana"].service("registry").get("/v1/journal")
    assert refused.value.status == 403


def test_an_editor_of_a_journals_database_is_noticed(running: Running) -> None:
    ada = running.thread.sessions["ada"]
    before = ada.service("identity").get("/v1/journal", limit=1)["size"]
    asks(ada, "identity", "/v1/people")
    shown = landed(ada, "identity", before)[0]
    assert verify(shown, ada.ledger, journal="journal/svc/core/identity") is not None
    path = running.platform.home.data("identity") / "journal.db"
    edit = "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'allowed', 'refused') AS BLOB) WHERE idx = ?"
    with sqlite3.connect(path, timeout=30) as other:
        saved = other.execute("SELECT body FROM entry WHERE idx = ?", (shown["index"],)).fetchone()[0]
        other.execute(edit, (shown["index"],))
    try:
        page = ada.service("identity").get("/v1/journal", start=shown["index"], limit=1)
        with pytest.raises(JournalEdited):
            verify(page["entries"][0], ada.ledger, journal="journal/svc/core/identity")
    finally:
        with sqlite3.connect(path, timeout=30) as other:
            other.execute("UPDATE entry SET body = ? WHERE idx = ?", (saved, shown["index"]))


def test_an_idle_platform_journals_nothing(running: Running) -> None:
    """What the parts ask of each other all the time is the log itself and health: no entry makes another."""
    ada = running.thread.sessions["ada"]
    sizes = [_settled(ada), _settled(ada)]
    assert sizes[0] == sizes[1]


def _settled(session: Session) -> int:
    """Return the log's size once a second passes in which it does not grow."""
    end = time.monotonic() + PATIENCE_SECONDS
    size = -1
    while (now := session.ledger.checkpoint().size) != size:
        assert time.monotonic() < end, "the log grows without anybody asking for anything"
        size = now
        time.sleep(2.0)
    return size
