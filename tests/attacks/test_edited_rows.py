"""Rows edited by whoever may write a database make nothing true: not an alias, not a version, not a role."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from assay.contracts import FactKind, RoleGranted, SignedFact, body_of
from assay.errors import ServiceError
from assay.ledger.errors import LogForked, LogTruncated
from services.ledger.errors import StoreEdited
from tests.support.ledger import House
from tests.unit.custody.world import MODEL
from tests.unit.registry.conftest import desk, registered
from tests.unit.registry.desk import PROD, Desk

__all__ = ["desk", "registered"]


@pytest.mark.threat("T-REG-09")
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE alias SET number = 2",
        "UPDATE alias SET fact = (SELECT fact FROM version WHERE number = 2)",
        "UPDATE version SET number = 3 WHERE number = 2",
        "UPDATE version SET fact = (SELECT fact FROM version WHERE number = 2) WHERE number = 1",
    ],
)
def test_an_edited_row_of_the_registry_makes_nothing_true(registered: Desk, edit: str) -> None:
    registered.approved()
    registered.promote()
    registered.trained(run="run-2")
    registered.register(run="run-2")
    try:
        registered.execute(edit)
    except sqlite3.Error:
        return
    believed = registered.registry.believed
    with suppress(ServiceError):
        read = [believed.alias(PROD, MODEL, "champion"), *(believed.version(MODEL, n) for n in (1, 2))]
        assert [one.fact.body["number"] for one in read] == [1, 1, 2]


def forge_role(store: Path) -> int:
    """Edit every stored role of p-amir to administrator, whatever tables there are; return how many."""
    done = 0
    with closing(sqlite3.connect(store)) as rows:
        for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            rows.execute(f'DROP TRIGGER "{name}"')
        for (table,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in rows.execute(f'PRAGMA table_info("{table}")')]:
                edit = f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?'  # noqa: S608 - the attack
                for (value,) in rows.execute(f'SELECT "{column}" FROM "{table}"').fetchall():  # noqa: S608
                    if isinstance(value, bytes) and (forged := _forged(value)):
                        rows.execute(edit, (forged, value))
                        done += 1
        rows.commit()
    return done


def _forged(value: bytes) -> bytes | None:
    try:
        signed = SignedFact.from_bytes(value)
    except (ServiceError, ValueError):
        return None
    if signed.fact.kind is not FactKind.ROLE or body_of(signed.fact, RoleGranted).person != "p-amir":
        return None
    about = signed.fact.about.replace("approver", "administrator")
    body = {**signed.fact.body, "role": "administrator"}
    forged = replace(signed.fact, about=about, body=body, _payload=None)
    return SignedFact(forged, signed.keyid, signed.signature).to_bytes()


@pytest.mark.threat("T-REG-09", "T-SIG-05")
def test_a_role_edited_in_the_ledgers_own_store_makes_no_administrator(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.open() as log:
        house.found(log)
    assert forge_role(tmp_path / "ledger.db") == 1
    with pytest.raises((StoreEdited, LogForked, LogTruncated, ServiceError)):
        house.open(create=False)


@pytest.mark.control("T-REG-09")
def test_control_an_untouched_store_opens_and_says_who_holds_what(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.open() as log:
        house.found(log)
    with house.open(create=False) as log:
        assert log.roles("p-amir", "demo") == {"approver"}
