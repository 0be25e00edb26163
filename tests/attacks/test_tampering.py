"""Whoever changes the log's entries, proofs or checkpoints is found by an auditor that kept an earlier checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.ledger.auditing import Kept, audit
from assay.ledger.auditing_proofs import audit_proofs
from assay.ledger.errors import LogForked
from assay.ledger.tree import leaf_hash
from tests.support.tampering import KINDS, TARGETS, World, changes, clean_copies, judged

EACH = 8


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("tampering"))


def test_every_change_is_found_and_located(world: World) -> None:
    count = EACH * len(TARGETS) * len(KINDS)
    tally = judged(world, changes(world, seed=20261121), count)
    assert tally.missed == []
    assert tally.elsewhere == []
    assert sum((tally.exact + tally.within).values()) == count


def test_clean_copies_raise_no_alarm(world: World) -> None:
    assert [found for found in clean_copies(world) if found] == []


def test_history_rewritten_with_every_key_passes_only_for_who_kept_nothing(world: World) -> None:
    """The control: without what was kept, a fork by somebody who holds the log's key is a log like any other."""
    entries = (*world.clean.entries[:16], *(world.forged(f"f-{n}") for n in range(10)))
    fork = replace(world.clean, entries=entries, note=world.note_over(entries))
    assert audit(enumerate(fork.entries), [fork.note], world.root).findings == ()
    first = world.audit(fork).findings[0]
    assert (first.what, first.first, first.last) == ("entry", 16, 16)


def test_a_checkpoint_alone_says_between_which_sizes_the_change_lies(world: World) -> None:
    swapped = list(world.clean.entries)
    inert = [at for at, entry in enumerate(swapped) if b'"keyid"' in entry][-3]
    del swapped[inert]
    alone = Kept(world.kept.checkpoint)
    found = audit(enumerate(swapped), [world.clean.note], world.root, alone).findings
    assert any(one.first <= inert <= one.last for one in found)


def test_a_damaged_memory_is_no_witness_against_the_log(world: World) -> None:
    damaged = Kept(world.kept.checkpoint, bytes(len(world.kept.leaves)))
    with pytest.raises(LogForked, match="kept"):
        audit(enumerate(world.clean.entries), [world.clean.note], world.root, damaged)


def test_what_was_found_clean_is_kept_for_the_next_audit(world: World) -> None:
    kept = world.audit(world.clean).kept
    assert kept is not None
    assert kept.checkpoint.note == world.clean.note
    assert kept.leaves == b"".join(map(leaf_hash, world.clean.entries))
    assert world.audit(replace(world.clean, entries=world.clean.entries[:-1])).kept is None


def test_a_proof_that_was_asked_for_and_is_not_there_is_named(world: World) -> None:
    bundle = {**world.clean.bundle, "entries": list(world.clean.bundle["entries"])[1:]}
    (found, *_) = audit_proofs(bundle, world.clean.path, world.root, world.kept, world.asked)
    assert (found.what, found.first) == ("entries proof", 0)


def test_a_note_of_another_log_is_no_checkpoint_of_this_one(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = World(tmp_path_factory.mktemp("other"))
    (found,) = audit([], [world.clean.note], other.root).findings
    assert found.what == "checkpoint"


def test_signatures_in_another_order_are_a_change(world: World) -> None:
    text, _, signatures = world.clean.note.rpartition("\n\n")
    log, witness = signatures.splitlines()
    turned = f"{text}\n\n{witness}\n{log}\n"
    (found, *_) = world.audit(replace(world.clean, note=turned)).findings
    assert found.what == "checkpoint"
