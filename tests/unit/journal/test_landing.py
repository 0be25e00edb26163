"""Landing: every batch once, in order, whatever is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.contracts import Fact, FactKind, JournalBatch, body_of
from assay.errors import HeadMoved, Unavailable
from assay.journal import Journal, Lander, Owner, Refusals
from assay.ledger import Record
from tests.unit.journal.conftest import OWNER, Opens
from tests.unit.journal.log import Log


def _bodies(log: Log) -> list[JournalBatch]:
    return [body_of(record.fact, JournalBatch) for record in log.records]


def test_a_batch_lands_as_a_journal_fact_of_the_environment(opens: Opens) -> None:
    journal, log = opens(), Log()
    journal.append({"n": 0})
    Lander(journal, log, OWNER).land()
    fact = log.records[0].fact
    assert (fact.kind, fact.about) == (FactKind.JOURNAL, "journal/svc/prod/predictor/credit")
    assert fact.environment is OWNER.environment
    assert _bodies(log)[0].identity == "spiffe://assay.demo/svc/prod/predictor/credit"


def test_nothing_waiting_lands_nothing(opens: Opens) -> None:
    log = Log()
    assert Lander(opens(), log, OWNER).land() == 0
    assert log.records == []


def test_batches_follow_each_other_without_gap(opens: Opens) -> None:
    journal, log = opens(), Log()
    lander = Lander(journal, log, OWNER)
    for size in (1, 3, 2):
        for n in range(size):
            journal.append({"n": n})
        lander.land()
    assert [(b.sequence, b.count) for b in _bodies(log)] == [(0, 1), (1, 3), (2, 2)]


def test_a_lost_answer_is_asked_again_and_lands_once(opens: Opens) -> None:
    journal, log = opens(), Log()
    journal.append({"n": 0})
    log.loses_answers = True
    with pytest.raises(Unavailable):
        Lander(journal, log, OWNER).land()
    log.loses_answers = False
    journal.append({"n": 1})
    Lander(journal, log, OWNER).land()
    assert [b.count for b in _bodies(log)] == [1, 1]


def test_a_batch_whose_answer_was_lost_lands_once_even_after_a_restart(opens: Opens) -> None:
    before, log = opens(), Log()
    before.append({"n": 0}, key="r-0")
    log.loses_answers = True
    with pytest.raises(Unavailable):
        Lander(before, log, OWNER).land()
    before.close()
    log.loses_answers = False
    after = opens()
    Lander(after, log, OWNER).land()
    assert len(log.records) == 1
    assert _landed(after, "r-0") == log.records[0].digest


def test_unsent_records_land_before_newer_ones(opens: Opens) -> None:
    before, log = opens(), Log()
    log.down = True
    before.append({"n": 0}, key="old")
    with pytest.raises(Unavailable):
        Lander(before, log, OWNER).land()
    before.close()
    log.down = False
    after = opens()
    lander = Lander(after, log, OWNER)
    lander.land()
    after.append({"n": 1}, key="new")
    lander.land()
    assert [_landed(after, key) for key in ("old", "new")] == [r.digest for r in log.records]


def test_a_journal_whose_file_was_lost_goes_on_after_the_head(opens: Opens, tmp_path: Path) -> None:
    lost, log = opens(), Log()
    lost.append({"n": 0})
    Lander(lost, log, OWNER).land()
    fresh = Journal(tmp_path / "fresh.db", lease_seconds=60)
    fresh.append({"n": 1})
    Lander(fresh, log, OWNER).land()
    fresh.close()
    assert [b.sequence for b in _bodies(log)] == [0, 1]


def test_a_head_that_moved_is_read_again(opens: Opens) -> None:
    journal, log = opens(), Log()
    lander = Lander(journal, log, OWNER)
    journal.append({"n": 0})
    lander.land()
    other = log.records[0].fact
    journal.append({"n": 1})
    log.append(type(other)(other.kind, other.about, other.tenant, "", other.body, previous=other.digest))
    lander.land()
    assert len(log.records) == 3


def test_an_identity_that_journals_twice_is_refused_in_the_end(opens: Opens) -> None:
    class Racing(Log):
        def append(self, fact: Fact) -> Record:
            raise HeadMoved(f"somebody else is always faster about {fact.about}")

    journal = opens()
    journal.append({"n": 0})
    with pytest.raises(HeadMoved):
        Lander(journal, Racing(), OWNER).land()


def test_repeats_of_a_refusal_are_counted_not_repeated(opens: Opens) -> None:
    journal, log = opens(), Log()
    refusals = Refusals(journal, lambda: "2026-01-01T00:00:00Z")
    for _ in range(1000):
        refusals.note(caller="spiffe://assay.demo/people/p-1", action="POST /x", refusal="Forbidden")
    lander = Lander(journal, log, Owner(OWNER.identity), before=refusals.flush)
    lander.land()
    assert sum(b.count for b in _bodies(log)) <= 2


def test_many_kinds_of_refusals_cannot_fill_the_journal(opens: Opens) -> None:
    journal, log = opens(), Log()
    refusals = Refusals(journal, lambda: "2026-01-01T00:00:00Z")
    for n in range(5000):
        refusals.note(caller=f"spiffe://assay.demo/people/p-{n}", action="POST /x", refusal="Forbidden")
    Lander(journal, log, OWNER, before=refusals.flush).land()
    assert sum(b.count for b in _bodies(log)) < 300


def test_while_the_ledger_is_down_refusals_do_not_fill_the_disk(opens: Opens) -> None:
    journal, log = opens(capacity=10), Log()
    refusals = Refusals(journal, lambda: "2026-01-01T00:00:00Z")
    lander = Lander(journal, log, OWNER, before=refusals.flush)
    log.down = True
    for n in range(1000):
        refusals.note(caller=f"spiffe://assay.demo/people/p-{n}", action="POST /x", refusal="Forbidden")
        with pytest.raises(Unavailable):
            lander.land()
    log.down = False
    lander.land()
    lander.land()
    assert sum(b.count for b in _bodies(log)) < 300


def _landed(journal: Journal, key: str) -> str | None:
    found = journal.find(key)
    return found[1].fact if found and found[1] else None
