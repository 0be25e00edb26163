"""The writer: any number of tasks and threads wait for one commit, and what is signed is what was committed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from assay.contracts import SignedFact, SpiffeId
from assay.errors import HeadMoved, SignatureInvalid
from assay.ledger import Record
from assay.ledger.known import Maps
from assay.ledger.root import VerifiedFact
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.committed import Committed
from services.ledger.log import Log
from services.ledger.waiting import Appended
from tests.support.ledger import DOMAIN, House, revocation, run

TRAINING = SpiffeId.parse(f"spiffe://{DOMAIN}/svc/core/training")
Answers = list[Appended | BaseException]


async def together(log: Log, facts: list[SignedFact]) -> Answers:
    return await asyncio.gather(
        *(log.appended(lambda one=one: one, TRAINING) for one in facts),  # type: ignore[misc]
        return_exceptions=True,
    )


def test_tasks_of_an_event_loop_are_each_told_their_own_place(house: House, log: Log) -> None:
    facts = [house.signer.sign(run(f"r-{n}")) for n in range(40)]
    answers = asyncio.run(together(log, facts))
    for signed, answer in zip(facts, answers, strict=True):
        assert isinstance(answer, Appended)
        assert log.entry(answer.index) == Record(answer.index, signed)


def test_of_tasks_that_move_one_head_one_wins_and_the_others_are_told_by_whom(house: House, log: Log) -> None:
    rivals = [house.signer.sign(run("r-1", time=f"2026-01-02T03:04:{n:02d}Z")) for n in range(30)]
    answers = asyncio.run(together(log, rivals))
    (winner,) = [one for one in answers if isinstance(one, Appended)]
    lost = [one for one in answers if isinstance(one, HeadMoved)]
    assert len(lost) == len(rivals) - 1
    assert {one.extra["head"] for one in lost} == {winner.digest}


def test_a_task_that_stopped_waiting_stops_nobody_else(house: House, log: Log) -> None:
    async def leave() -> Appended:
        gone = log.placed(log.prepared(house.signer.sign(run("r-1"))))
        gone.cancel()
        return await log.placed(log.prepared(house.signer.sign(run("r-2"))))

    assert asyncio.run(leave()).index == log.entries(0, 1000)[-1].index


def test_a_signature_that_does_not_verify_never_reaches_the_writer(house: House, log: Log) -> None:
    forged = replace(house.signer.sign(run("r-1")), signature=house.signer.sign(run("r-2")).signature)
    (answer,) = asyncio.run(together(log, [forged]))
    assert isinstance(answer, SignatureInvalid)
    with pytest.raises(SignatureInvalid):
        log.prepared(forged)


def test_a_signature_verified_by_another_key_than_the_listed_one_is_verified_again(house: House) -> None:
    signed = house.signer.sign(run("r-1"))
    forged = replace(signed, signature=house.signer.sign(run("r-2")).signature)
    elsewhere = VerifiedFact(forged.fact, forged.keyid, forged.signature, house.keys.public_key("grant"))
    with pytest.raises(SignatureInvalid):
        house.root.verify(elsewhere, 5)
    assert house.root.verify(house.root.verified(signed), 5).keyid == signed.keyid


def test_maps_made_at_once_are_those_made_step_by_step(house: House) -> None:
    facts = [run("r-1"), run("r-2"), revocation("a" * 64), revocation("b" * 64)]
    facts += [run("r-1", previous=facts[0].digest)]
    facts += [revocation("a" * 64, ended=True, previous=facts[2].digest)]
    records = [Record(at, house.signer.sign(fact)) for at, fact in enumerate(facts)]
    tree, steps = Tree(), Maps()
    state = Committed(tree, Maps())
    seen = []
    for record in records:
        tree.extend([leaf_hash(record.signed.to_bytes())])
        steps = steps.after([record])
        state = state.after([record])
        seen.append((state, tree.root(), steps))
    for at in (1, 4, 5):
        known, root, maps = seen[at]
        assert (known.root, known.maps) == (root, maps)
        assert (known.maps.heads.root, known.maps.revocations.root) == (
            maps.heads.root,
            maps.revocations.root,
        )
