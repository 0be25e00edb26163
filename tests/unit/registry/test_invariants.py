"""Invariants of custody as a machine of states: whatever people do, in whatever order, what is in prod was approved.

The machine drives the real registry, log, custody and rules through what people may do; beside it runs a small
model of who said what. After every step: a version moves into prod exactly when the model says it may, what
moved before counts exactly while what it stands on stands, and heads only grow. Breaking one check is found.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import Alias, Environment, FactKind, body_of
from assay.custody import approvals as counting
from assay.custody import judge_move
from assay.custody.card import card_digest
from assay.custody.chain import Chain, revoked_person
from assay.errors import ServiceError
from assay.identity.enrol import role_fact
from assay.ledger import Record
from assay.ledger.known import Known
from tests.unit.custody.world import MODEL, TENANT, World
from tests.unit.registry.desk import PROD, Desk

APPROVERS = ("amir", "bea", "eve")  # eve is made an approver; she had a hand in version 2
NEEDED = 2  # the gate of tier `limited` in prod
HOUR = 3600
NUMBERS = (1, 2)
WALKS, STEPS = 16, 12


@dataclass
class Word:
    """What somebody said last about a version."""

    verb: str
    fact: str
    ends: int  # seconds since 1970
    revoked: bool = False


@dataclass
class Model:
    """Who said what: the whole truth of this small world."""

    words: dict[tuple[str, int], Word] = field(default_factory=dict)
    holding: set[str] = field(default_factory=lambda: set(APPROVERS))
    gone: set[str] = field(default_factory=set)
    contributors: dict[int, set[str]] = field(default_factory=lambda: {1: set(), 2: {"eve"}})
    moves: dict[str, tuple[int, tuple[str, ...]]] = field(
        default_factory=dict
    )  # alias fact -> version, approvals

    def stands(self, name: str, number: int) -> bool:
        """Say whether somebody's yes stands, whenever it ends."""
        word = self.words.get((name, number))
        if self.contributors[number] & self.gone:  # what a revoked person had a hand in is revoked with them
            return False
        if word is None or word.verb != "approve" or word.revoked:
            return False
        return name in self.holding and name not in self.gone and name not in self.contributors[number]

    def yes(self, number: int, now: int) -> set[str]:
        """Return whose yes counts now."""
        return {n for n in APPROVERS if self.stands(n, number) and now < self.words[n, number].ends}


class Custody:
    """What people do to two versions of one model."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(World(self.folder), self.folder)
        self.world = self.desk.world
        self.world.enrol_by("eve", "approver", by=("ada", "grace"))
        self.desk.trained()
        self.desk.register()
        self.desk.trained(run="run-2", contributors=("dana", "eve"))
        self.desk.register(run="run-2")
        self.model = Model()
        for number in (1, 2):
            self._say("bea", number, "approve", 9)

    def close(self) -> None:
        """Remove the world."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def now(self) -> int:
        """The world's present, in seconds."""
        return self.world.now_ns() // 1_000_000_000

    # ---- what people do

    def approve(self, name: str, number: int, hours: int) -> None:
        """Say yes for some hours."""
        self._say(name, number, "approve", hours)

    def take_back(self, name: str, number: int, verb: str) -> None:
        """Say no, or say nothing any more."""
        self._say(name, number, verb, 9)

    def _say(self, name: str, number: int, verb: str, hours: int) -> None:
        ends = self.now + hours * HOUR
        try:
            said = self.desk.signed(name, number, verb, changed={"expiry": ends})
            record = self.desk.deciding.hand_in(said, by=self.desk.person(name))
        except ServiceError:
            return  # what is not taken in changes nothing: the model stays as it is
        self.model.words[name, number] = Word(verb, record.digest, ends)

    def revoke_what_was_said(self, chance: random.Random) -> None:
        """Revoke the fact of somebody's word."""
        if open_ := sorted(key for key, word in self.model.words.items() if not word.revoked):
            word = self.model.words[chance.choice(open_)]
            self.world.revoke(word.fact)
            word.revoked = True

    def revoke_person(self, name: str) -> None:
        """Revoke somebody, once."""
        if name not in self.model.gone:
            self.world.revoke(revoked_person(self.world.person(name)))
            self.model.gone.add(name)

    def end_role(self, name: str) -> None:
        """Take the role from somebody."""
        if name in self.model.holding:
            end_role(self.world, name)
            self.model.holding.discard(name)

    def let_time_pass(self, hours: int) -> None:
        """Let approvals run out."""
        self.world.start += timedelta(hours=hours)

    # ---- what is always so

    def whoever_tries_to_move_the_alias_succeeds_exactly_when_it_was_approved(self) -> None:
        """After every step somebody tries to get both versions into prod."""
        for number in (1, 2):
            self.promote(number)

    def promote(self, number: int) -> None:
        """Move the alias: exactly when the model says that it may."""
        may = len(self.model.yes(number, self.now + 1)) >= NEEDED
        sure = may == (len(self.model.yes(number, self.now + 3)) >= NEEDED)  # time passes with each fact
        try:
            record = self.desk.promote(number)
        except ServiceError:
            assert not (may and sure), f"version {number} was approved and may not go"
            return
        assert may or not sure, f"version {number} got into prod on {self.model.yes(number, self.now)}"
        self.model.moves[record.digest] = (number, body_of(record.fact, Alias).approvals)

    def what_moved_was_approved_by_two_who_had_no_hand_in_it(self) -> None:
        """Every alias in prod names approvals by enough different people, none of whom contributed."""
        for record in self.world.follower.records(FactKind.ALIAS):
            number, listed = self.model.moves[record.digest]
            people = {self._approver(digest) for digest in listed}
            assert len(people) >= NEEDED
            assert people & {self.world.person(n) for n in self.model.contributors[number]} == set()
            assert self.world.person("dana") not in people

    def what_moved_counts_while_what_it_stands_on_stands(self) -> None:
        """Custody believes the newest move exactly while each approval it lists stands."""
        moves = self.world.follower.records(FactKind.ALIAS)
        if not moves:
            return
        number, listed = self.model.moves[moves[-1].digest]
        by_fact = {word.fact: name for (name, _), word in self.model.words.items()}
        standing = all(digest in by_fact and self.model.stands(by_fact[digest], number) for digest in listed)
        assert self._believed(moves[-1]) is standing

    def heads_only_grow(self) -> None:
        """Each fact about the alias follows the one before."""
        chain = self.world.follower.records(FactKind.ALIAS)
        assert [one.fact.previous for one in chain] == [None, *(one.digest for one in chain)][: len(chain)]

    def _approver(self, digest: str) -> str:
        record = self.world.follower.record(digest)
        assert record is not None
        return record.about.rpartition("/")[2]

    def _believed(self, move: Record) -> bool:
        number = body_of(move.fact, Alias).number
        run = "run-1" if number == 1 else "run-2"
        (files,) = [files for (of, _), files in self.desk.runs.given.items() if of == run]
        try:
            judge_move(
                self.world.follower,
                self.world.root,
                self.world.policy,
                move=move.digest,
                card=card_digest(files),
                now_ns=self.world.now_ns(),
            )
        except ServiceError:
            return False
        return True


def end_role(world: World, name: str) -> None:
    """Have both administrators end somebody's role."""
    person = world.person(name)
    (granted,) = [
        one
        for one in world.log.entries(0)
        if one.kind is FactKind.ROLE
        and (one.fact.body["person"], one.fact.body["role"]) == (person, "approver")
    ]
    bare = role_fact(
        person=person, role="approver", ended=True, tenant=TENANT, time=world.time(), previous=granted.digest
    )
    world._say_of_people(bare, ("ada", "grace"))


def step(machine: Custody, chance: random.Random) -> None:
    """Do one thing that people do; saying yes is the most usual."""
    name, number = chance.choice(APPROVERS), chance.choice(NUMBERS)
    match chance.choices(("yes", "back", "revoke", "person", "role", "time"), (10, 3, 2, 1, 1, 2))[0]:
        case "yes":
            machine.approve(name, number, chance.choice((1, 9)))
        case "back":
            machine.take_back(name, number, chance.choice(("reject", "withdraw")))
        case "revoke":
            machine.revoke_what_was_said(chance)
        case "person":
            machine.revoke_person(name)
        case "role":
            machine.end_role(name)
        case _:
            machine.let_time_pass(chance.choice((2, 5)))


def explore(walks: int = WALKS) -> int:
    """Walk many ways through the machine, the same ones in every run; return how often a version moved."""
    moves = 0
    for seed in range(walks):
        machine, chance = Custody(), random.Random(seed)  # noqa: S311 - the same in every run
        try:
            for _ in range(STEPS):
                step(machine, chance)
                machine.whoever_tries_to_move_the_alias_succeeds_exactly_when_it_was_approved()
                machine.what_moved_was_approved_by_two_who_had_no_hand_in_it()
                machine.what_moved_counts_while_what_it_stands_on_stands()
                machine.heads_only_grow()
            moves += len(machine.model.moves)
        finally:
            machine.close()
    return moves


def test_whatever_people_do_only_what_was_approved_is_in_prod() -> None:
    assert explore() > WALKS


def nobody_contributed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chain, "contributors", frozenset({"p-nobody"}))


def one_is_enough(patch: pytest.MonkeyPatch) -> None:
    real = World.__post_init__

    def lenient(world: World) -> None:
        real(world)
        world.policy = Lenient(world.policy)  # type: ignore[assignment]

    patch.setattr(World, "__post_init__", lenient)


class Lenient:
    """The rules, but for a second approver that is never asked for."""

    def __init__(self, rules: Any) -> None:  # noqa: ANN401 - the real policy
        self._rules = rules

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._rules, name)

    def gate(self, question: dict[str, Any]) -> Any:  # noqa: ANN401
        """Judge as if the first yes had been said twice."""
        approvals = question["approvals"]
        again = [(one, f"{one['person']}-again") for one in approvals]
        doubled = [*approvals, *({**one, "person": name, "holder": name} for one, name in again)]
        return self._rules.gate({**question, "approvals": doubled})


def nothing_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(counting, "_stands", lambda *_: None)


def roles_last_for_ever(patch: pytest.MonkeyPatch) -> None:
    real = Known.roles
    held: dict[tuple[int, str], frozenset[str]] = {}

    def remembered(known: Known, person: str, *more: Any) -> frozenset[str]:  # noqa: ANN401 - whatever there is
        mine = id(known), person
        held[mine] = held.get(mine, frozenset()) | real(known, person, *more)
        return held[mine]

    patch.setattr(Known, "roles", remembered)


@pytest.mark.parametrize(
    "break_", [nobody_contributed, one_is_enough, nothing_is_taken_back, roles_last_for_ever]
)
def test_a_check_that_is_broken_on_purpose_is_found(
    break_: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_(monkeypatch)
    with pytest.raises(AssertionError):
        explore()


def test_the_machine_reaches_prod_and_refusals() -> None:
    """Not a machine that can do nothing: two yes get a version in, and a third person's no changes nothing."""
    machine = Custody()
    machine.promote(1)
    assert machine.model.moves == {}
    machine.approve("amir", 1, 9)
    machine.promote(1)
    assert [number for number, _ in machine.model.moves.values()] == [1]
    machine.take_back("amir", 1, "withdraw")
    machine.what_moved_counts_while_what_it_stands_on_stands()
    assert machine.desk.registry.believed.alias(PROD, MODEL, "champion")
    assert Environment.PROD is PROD
    machine.close()
