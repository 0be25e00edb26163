"""Taking an alias off: a free one by who may set it, a protected one by nobody; every reader knows it is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from assay.custody.chain import chain
from assay.custody.errors import ChainBroken
from assay.custody.history import export_history, history, moves, verify_history
from assay.custody.pack import _moves as named_in_packs
from assay.errors import Forbidden
from assay.ledger import Record
from services.registry.adapters.notes import SqlNotes
from services.registry.catalogue import Catalogue
from services.registry.domain import alias_about
from services.registry.errors import AliasMoved, AliasProtected, UnknownAlias, UnknownModel
from services.registry.mlflow_views import Shown
from services.registry.naming import Naming
from services.registry.revoking import Revoking
from services.registry.showing.past import lines_shown, stood_at
from services.registry.taking_off import take_off
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD, Desk


def _time(record: Record) -> datetime:
    return datetime.fromisoformat(record.fact.time)


ABOUT = alias_about("prod", MODEL, "challenger")


@pytest.fixture
def naming(desk: Desk) -> Naming:
    """Version 1 is registered, and the challenger."""
    desk.trained("epoch-3", "epoch-5")
    desk.register()
    made = Naming(desk.registry, desk.registering, desk.stating, SqlNotes(desk.database))
    made.point(MODEL, "challenger", 1, by=desk.person("dana"))
    return made


def test_a_free_alias_is_taken_off_and_set_again_in_one_chain_of_moves(desk: Desk, naming: Naming) -> None:
    dana = desk.person("dana")
    catalogue = Catalogue(TENANT)
    desk.world.follower.subscribe(catalogue)
    moved = desk.registry.believed.alias(PROD, MODEL, "challenger")
    gone = take_off(desk.registry, MODEL, "challenger", PROD, by=dana, previous=moved.digest)
    assert gone.fact.previous == moved.digest
    with pytest.raises(UnknownAlias):
        desk.registry.believed.alias(PROD, MODEL, "challenger")
    assert (desk.registry.believed.aliases(MODEL), catalogue.aliases(MODEL)) == ([], {})
    assert Shown(desk.registry, naming.kept).model(MODEL)["aliases"] == []
    desk.open()  # rebuilt by replay, it is gone as well
    assert desk.registry.believed.aliases(MODEL) == []
    again = naming.point(MODEL, "challenger", 1, by=dana)
    assert again.fact.previous == gone.digest
    assert desk.registry.believed.alias(PROD, MODEL, "challenger").digest == again.digest


def test_history_shows_the_removal_and_proves_that_nothing_stood_afterwards(
    desk: Desk, naming: Naming
) -> None:
    world = desk.world
    moved = desk.registry.believed.alias(PROD, MODEL, "challenger")
    gone = take_off(desk.registry, MODEL, "challenger", PROD, by=desk.person("dana"))
    again = naming.point(MODEL, "challenger", 1, by=desk.person("dana"))
    told = history(moves(world.log, ABOUT))
    assert [(one.fact, one.until is None) for one in told] == [(again.digest, True), (moved.digest, False)]
    for record, stood in ((moved, moved.digest), (gone, None), (again, again.digest)):
        at = verify_history(export_history(world.log, ABOUT, _time(record)), world.root)
        assert (at.stood.fact if at.stood else None) == stood
        shown = stood_at(desk.registry, ABOUT, _time(record))
        assert (shown.fact if shown else None) == stood
    assert [len(line.spans) for line in lines_shown(desk.registry)] == [2]


def test_what_was_taken_off_begins_no_chain_and_stands_in_no_pack(desk: Desk, naming: Naming) -> None:
    assert naming.registry is desk.registry
    log = desk.registry.log
    version = desk.registry.believed.version(MODEL, 1)
    assert [one.about for one in named_in_packs(log, chain(log, version.digest))] == [ABOUT]
    gone = take_off(desk.registry, MODEL, "challenger", PROD, by=desk.person("dana"))
    assert named_in_packs(log, chain(log, version.digest)) == []
    with pytest.raises(ChainBroken, match="taken off"):
        chain(log, gone.digest)
    assert Revoking(desk.registry).preview(version.digest, what="version").aliases == ()


@pytest.mark.parametrize("spoken", ["champion", "production-approved", "dev-champion"])
def test_a_protected_alias_is_taken_off_by_nobody(desk: Desk, naming: Naming, spoken: str) -> None:
    desk.approved()
    desk.promote()
    size = desk.world.follower.size
    with pytest.raises(AliasProtected, match="protected") as refused:
        naming.take_off(MODEL, spoken, by=desk.person("ada"))
    assert "assay promote" in refused.value.fix
    assert desk.world.follower.size == size
    assert desk.registry.believed.alias(PROD, MODEL, "champion").fact.body["ended"] is False


def test_who_may_not_set_an_alias_takes_none_off(desk: Desk, naming: Naming) -> None:
    with pytest.raises(Forbidden):
        naming.take_off(MODEL, "challenger", by=desk.person("amir"))
    assert desk.registry.believed.aliases(MODEL)


def test_what_is_not_there_is_off_already_for_mlflows_clients(desk: Desk, naming: Naming) -> None:
    dana = desk.person("dana")
    naming.take_off(MODEL, "challenger", by=dana)
    size = desk.world.follower.size
    naming.take_off(MODEL, "challenger", by=dana)
    with pytest.raises(UnknownModel):
        naming.take_off("nowhere", "challenger", by=dana)
    with pytest.raises(UnknownAlias):
        take_off(desk.registry, MODEL, "challenger", PROD, by=dana)
    assert desk.world.follower.size == size


def test_a_move_made_meanwhile_is_not_taken_off_unseen(desk: Desk, naming: Naming) -> None:
    dana = desk.person("dana")
    desk.register("epoch-5")
    seen = desk.registry.believed.alias(PROD, MODEL, "challenger")
    registry = desk.raced_by(lambda: naming.point(MODEL, "challenger", 2, by=dana))
    with pytest.raises(AliasMoved):
        take_off(registry, MODEL, "challenger", PROD, by=dana)
    with pytest.raises(AliasMoved):
        take_off(desk.registry, MODEL, "challenger", PROD, by=dana, previous=seen.digest)
    assert desk.registry.believed.alias(PROD, MODEL, "challenger").fact.body["number"] == 2


def test_of_two_removals_at_once_one_is_made(desk: Desk, naming: Naming) -> None:
    dana = desk.person("dana")
    size = desk.world.follower.size
    late = replace(naming, registry=desk.raced_by(lambda: naming.take_off(MODEL, "challenger", by=dana)))
    late.take_off(MODEL, "challenger", by=dana)
    assert desk.world.follower.size == size + 1
