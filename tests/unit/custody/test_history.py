"""What was in production when: answered for any past time, and proven by a file and the root alone."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Alias, Environment, FactKind
from assay.custody.errors import ChainBroken, HistoryUnknown, WrongSubject
from assay.custody.history import BUNDLE, export_history, history, moment_of, moves, verify_history
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger import Record
from tests.unit.custody.world import MODEL, World, digest_of

ABOUT = f"alias/prod/{MODEL}@champion"


class Past:
    """A champion that meant version 1, then 2, then 1 again; moves are a second apart."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.records = [self.move(number) for number in (1, 2, 1)]

    def move(self, number: int, alias: str = "champion") -> Record:
        """Move an alias."""
        body = Alias(
            model=MODEL,
            alias=alias,
            number=number,
            version=digest_of(f"v{number}"),
            approvals=(),
            evidence=(),
            policy=self.world.policy.revision,
        )
        about = f"alias/prod/{MODEL}@{alias}"
        said = body.model_dump(mode="json")
        return self.world.say(FactKind.ALIAS, about, said, environment=Environment.PROD)

    def when(self, place: int, later: float = 0.0) -> datetime:
        """Return the time of a move, and some seconds."""
        return datetime.fromisoformat(self.records[place].fact.time).astimezone(UTC) + timedelta(
            seconds=later
        )

    def proof(self, at: datetime) -> dict[str, Any]:
        """Return the file, as JSON gives it back."""
        found: dict[str, Any] = json.loads(json.dumps(export_history(self.world.log, ABOUT, at)))
        return found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return Past(tmp_path_factory.mktemp("past"))


@pytest.mark.parametrize(
    ("place", "later", "number"), [(0, 0, 1), (0, 0.5, 1), (1, 0, 2), (1, 0.9, 2), (2, 0, 1), (2, 30, 1)]
)
def test_the_file_says_what_was_in_production_then(past: Past, place: int, later: float, number: int) -> None:
    verified = verify_history(past.proof(past.when(place, later)), past.world.root)
    assert verified.stood is not None
    assert (verified.stood.number, verified.stood.fact) == (number, past.records[place].digest)
    assert verified.stood.until == (past.when(place + 1) if place < 2 else None)


def test_before_the_first_move_there_was_provably_nothing(past: Past) -> None:
    assert verify_history(past.proof(past.when(0, -5)), past.world.root).stood is None


def test_a_name_that_never_moved_provably_meant_nothing(past: Past) -> None:
    bundle = export_history(past.world.log, f"alias/prod/{MODEL}@nobody", past.when(2))
    assert verify_history(bundle, past.world.root).stood is None


def test_every_move_is_listed_with_its_end(past: Past) -> None:
    listed = history(moves(past.world.log, ABOUT))
    assert [stood.number for stood in listed] == [1, 2, 1]
    assert [stood.until for stood in listed] == [None, past.when(2), past.when(1)]


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "never", "2026-13-01", ""]
)
def test_a_time_that_is_none_is_refused(past: Past, text: str) -> None:
    """The first and the last day have no hour in every zone."""
    with pytest.raises(BadRequest, match="is no time"):
        moment_of(text)
    bundle = {"type": BUNDLE, "about": ABOUT, "at": text, "proofs": {}}
    with pytest.raises(BadRequest, match="is no time"):
        verify_history(bundle, past.world.root)


def test_the_future_is_not_known(past: Past) -> None:
    far = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(HistoryUnknown):
        past.proof(far)
    with pytest.raises(HistoryUnknown):
        verify_history({**past.proof(past.when(2)), "at": far.isoformat()}, past.world.root)


def test_a_file_said_to_be_about_another_time_says_the_truth_or_nothing(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.records.append(past.move(2))
    first = past.proof(past.when(0))
    with pytest.raises(ChainBroken):
        verify_history({**first, "at": past.when(2).isoformat()}, past.world.root)
    newest = verify_history({**first, "at": past.when(3).isoformat()}, past.world.root).stood
    assert newest is None or newest.fact == past.records[3].digest


def test_a_move_left_out_is_noticed(past: Past) -> None:
    newest, oldest = past.proof(past.when(2)), past.proof(past.when(0))
    without = copy.deepcopy(oldest)
    entries = without["proofs"]["entries"]
    without["proofs"]["entries"] = [e for e in entries if e["index"] != past.records[1].index]
    with pytest.raises(ChainBroken):
        verify_history(without, past.world.root)
    skipping = copy.deepcopy(newest)
    skipping["at"] = past.when(1).isoformat()
    skipping["proofs"]["entries"] += [
        e for e in oldest["proofs"]["entries"] if e["index"] == past.records[0].index
    ]
    with pytest.raises((ChainBroken, SignatureInvalid)):
        verify_history(skipping, past.world.root)


def test_another_names_moves_prove_nothing(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.move(2, "challenger")
    other = export_history(
        past.world.log, f"alias/prod/{MODEL}@challenger", datetime.now(UTC) - timedelta(seconds=1)
    )
    with pytest.raises((ChainBroken, WrongSubject)):
        verify_history({**other, "about": ABOUT}, past.world.root)


@pytest.mark.parametrize("changed", ["type", "about", "at", "proofs"])
def test_what_is_no_history_is_refused(past: Past, changed: str) -> None:
    bundle = past.proof(past.when(1))
    with pytest.raises(BadRequest):
        verify_history({key: value for key, value in bundle.items() if key != changed}, past.world.root)
