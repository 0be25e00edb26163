"""Every read and refusal of an authenticated caller is in the journal before its answer leaves."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.journal import Journal, JournalEdited, verify
from assay.ledger import Record
from tests.integration.journal.conftest import Journaled
from tests.unit.journal.log import Log

TRACE = "ab" * 16
JOURNAL = "journal/svc/core/registry"


class Facts:
    """The plain log, asked by digest."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def fact(self, digest: str) -> Record:
        """Return a fact by digest."""
        return next(record for record in self._log.records if record.digest == digest)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Journaled]:
    made = Journaled(tmp_path, capacity=2)
    try:
        yield made
    finally:
        made.close()


def test_a_read_is_journaled_with_ids_and_nothing_else(journaled: Journaled) -> None:
    answer = journaled.client().get(
        "/v1/models/credit-default",
        params={"email": "erika@example.com"},
        headers={"traceparent": f"00-{TRACE}-{'cd' * 8}-01"},
    )
    assert answer.status_code == 200
    (entry,) = journaled.entries()
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "type": "assay-access/v1",
        "identity": "spiffe://assay.test/people/p-ada",
        "person": "p-ada",
        "tenant": "demo",
        "action": "lab/read",
        "route": "GET /v1/models/{name}",
        "kind": "read",
        "resource": {"name": "credit-default"},
        "outcome": "allowed",
        "policy": "revision",
        "trace": TRACE,
    }


def test_the_entry_is_durable_before_the_answer_leaves(journaled: Journaled, tmp_path: Path) -> None:
    """Another reader of the file, who sees only what is committed, finds it as soon as the answer is there."""
    journaled.client().get("/v1/models/credit-default")
    with sqlite3.connect(tmp_path / "journal.db") as other:
        assert other.execute("SELECT count(*) FROM entry").fetchone() == (1,)


def test_a_refusal_by_policy_is_journaled_by_name(journaled: Journaled) -> None:
    journaled.edge.policy.actions.remove("lab/read")
    assert journaled.client("/svc/core/serving").get("/v1/models/credit-default").status_code == 403
    (entry,) = journaled.entries()
    assert (entry["outcome"], entry["refusal"], entry["person"]) == ("refused", "Forbidden", None)
    assert entry["identity"] == "spiffe://assay.test/svc/core/serving"
    assert journaled.done == []


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/v1/models/missing", "NotFound"),
        ("GET", "/v1/nowhere", "NotFound"),
        ("DELETE", "/v1/models/x", "MethodNotAllowed"),
        ("GET", "/v1/broken", "InternalError"),
        ("POST", "/v1/models/x", "Invalid"),
    ],
)
def test_whatever_a_caller_is_refused_with_is_journaled(
    journaled: Journaled, method: str, path: str, refusal: str
) -> None:
    journaled.client().request(method, path)
    assert [entry["refusal"] for entry in journaled.entries()] == [refusal]


def test_a_refused_health_check_is_journaled_and_an_answered_one_is_not(journaled: Journaled) -> None:
    client = journaled.client()
    assert client.get("/v1/health").status_code == 200
    assert journaled.entries() == []
    journaled.edge.policy.actions.remove("lab/health")
    client.get("/v1/health")
    assert [entry["refusal"] for entry in journaled.entries()] == ["Forbidden"]


def test_a_change_whose_fact_names_the_caller_is_not_journaled_again_and_others_are(
    journaled: Journaled,
) -> None:
    client = journaled.client()
    assert client.post("/v1/models/a", json={"by": "p-ada"}).status_code == 200
    assert journaled.entries() == []
    assert client.post("/v1/models/a", json={}).status_code == 200
    assert client.post("/v1/models/a", json={"by": "p-bea"}).status_code == 200
    no_fact, of_another = journaled.entries()
    assert no_fact["kind"] == of_another["kind"] == "change"
    assert "facts" not in no_fact
    (digest,) = of_another["facts"]
    assert re.fullmatch(r"[0-9a-f]{64}", digest)


def test_repeats_of_a_refusal_are_counted(journaled: Journaled) -> None:
    client = journaled.client()
    for _ in range(50):
        client.get("/v1/models/missing")
    journaled.journaling.lander.land()
    one, count = journaled.entries()
    assert (one["refusal"], count["refusal"], count["count"]) == ("NotFound", "NotFound", 49)


@pytest.mark.parametrize("allowed", [True, False], ids=["answered", "refused"])
@pytest.mark.parametrize(
    "text",
    [
        "erika.mustermann@example.com",
        "Erika Mustermann",
        "DE89370400440532013000",
        "hvs.CAESIJlWh",
        "correct-horse-battery-staple",
        "0123456789abcdef" * 4,
    ],
)
def test_what_somebody_writes_into_a_path_that_names_nothing_of_ours_is_not_kept(
    journaled: Journaled, text: str, *, allowed: bool
) -> None:
    if not allowed:
        journaled.edge.policy.actions.remove("lab/read")
    answer = journaled.client().get(f"/v1/models/{text}", headers={"x-note": text})
    assert answer.is_success is allowed
    (entry,) = journaled.entries()
    assert text not in str(entry)
    assert entry["resource"] == {}


def test_a_refusal_about_something_the_facts_name_says_what(journaled: Journaled) -> None:
    journaled.edge.policy.actions.remove("lab/read")
    journaled.client().get("/v1/models/credit-default")
    assert journaled.entries()[0]["resource"] == {"name": "credit-default"}


def test_a_full_journal_stops_answers_before_any_work_and_recovers_by_landing(small: Journaled) -> None:
    client = small.client()
    assert [client.get("/v1/models/a").status_code for _ in range(2)] == [200, 200]
    refused = client.get("/v1/models/a")
    assert (refused.status_code, refused.json()["title"]) == (503, "JournalFull")
    assert len(small.done) == 2
    assert client.get("/v1/health").status_code == 200
    small.journaling.lander.land()
    assert client.get("/v1/models/a").status_code == 200


def test_an_answer_that_cannot_be_journaled_does_not_leave(journaled: Journaled) -> None:
    client = journaled.client()
    journaled.journaling.journal._store._writer.execute("DROP TABLE entry")
    refused = client.get("/v1/models/a")
    assert (refused.status_code, refused.json()["title"]) == (503, "JournalBroken")
    assert "credit" not in refused.text


def test_what_a_restart_finds_is_landed_before_anything_is_answered(tmp_path: Path) -> None:
    before = Journal(tmp_path / "journal.db", lease_seconds=60)
    before.append({"type": "left"})
    before.close()
    made = Journaled(tmp_path)
    try:
        client = made.client()
        assert client.get("/v1/models/a").json()["title"] == "JournalUnsent"
        made.journaling.lander.land()
        assert client.get("/v1/models/a").status_code == 200
        assert made.journaling.journal.place(0) is not None
    finally:
        made.close()


def test_the_journal_is_searched_by_who_what_and_when_page_by_page(journaled: Journaled) -> None:
    ada, bea = journaled.client(), journaled.client("/people/p-bea")
    for name in ("a", "b", "c"):
        ada.get(f"/v1/models/{name}")
        bea.get(f"/v1/models/{name}")
    bea.get("/v1/models/missing")

    def found(**asked: str) -> list[str]:
        answer = ada.get("/v1/journal", params=asked).json()
        return [entry["entry"]["resource"].get("name", "") for entry in answer["entries"]]

    assert found(person="p-bea", action="lab/read") == ["a", "b", "c", ""]
    assert found(about="b") == ["b", "b"]
    assert found(outcome="refused") == [""]
    assert found(identity="spiffe://assay.test/people/p-ada", action="lab/read") == ["a", "b", "c"]
    assert found(since="2999-01-01T00:00:00Z") == []
    assert found(until="2000-01-01T00:00:00") == []
    first = ada.get("/v1/journal", params={"limit": "4"}).json()
    rest = ada.get("/v1/journal", params={"start": str(first["next"])}).json()
    assert len(first["entries"]) == 4
    assert rest["entries"][0]["index"] == first["next"]


def test_only_whom_policy_lets_reads_the_journal_and_that_is_journaled(journaled: Journaled) -> None:
    ada = journaled.client()
    ada.get("/v1/journal")
    assert journaled.entries()[0]["action"] == "audit/read-journal"
    journaled.edge.policy.actions.remove("audit/read-journal")
    assert ada.get("/v1/journal").status_code == 403


def test_an_entry_proves_its_place_under_the_root_in_the_ledger(journaled: Journaled) -> None:
    client = journaled.client()
    for name in ("a", "b", "c"):
        client.get(f"/v1/models/{name}")
    shown = client.get("/v1/journal").json()["entries"]
    assert [one["landed"] for one in shown] == [None, None, None]
    journaled.journaling.lander.land()
    shown = client.get("/v1/journal").json()["entries"]
    for one in shown[:3]:
        record = verify(one, Facts(journaled.log), journal=JOURNAL)
        assert record is not None
        assert record.about == JOURNAL


@pytest.mark.parametrize(
    "edit",
    [
        """UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'p-ada', 'p-bea') AS BLOB) WHERE idx = 1""",
        "UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 0) WHERE idx = 1",
        "UPDATE entry SET leaf = zeroblob(32) WHERE idx = 0",
    ],
)
def test_whoever_edits_the_journals_file_is_noticed(journaled: Journaled, tmp_path: Path, edit: str) -> None:
    client = journaled.client()
    for name in ("a", "b", "c"):
        client.get(f"/v1/models/{name}")
    journaled.journaling.lander.land()
    facts = Facts(journaled.log)
    genuine = client.get("/v1/journal").json()["entries"][:3]
    assert all(verify(one, facts, journal=JOURNAL) for one in genuine)
    with sqlite3.connect(tmp_path / "journal.db") as other:
        other.execute(edit)
    shown = client.get("/v1/journal").json()["entries"][:3]
    assert sum(_refused(one, facts) for one in shown) >= 1


def _refused(shown: dict[str, Any], facts: Facts) -> bool:
    try:
        return verify(shown, facts, journal=JOURNAL) is None
    except JournalEdited:
        return True
