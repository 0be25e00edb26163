"""Which approvals count. The log admits only real ones, so a forged one is put in front of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.contracts import Assertion, Environment, Fact, FactKind, SignedFact, canonical, sha256_hex
from assay.custody import Judgement, judge_move
from assay.custody.approvals import Approvable, count_approval
from assay.custody.card import card_digest
from assay.custody.chain import revoked_key, revoked_person
from assay.custody.errors import ApprovalDoesNotCount, GateNotMet, SelfApproval, WrongSubject
from assay.custody.judging import approvable
from assay.errors import ServiceError, SignatureInvalid
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, role_fact
from assay.ledger import Record
from assay_laptop.genesis.people import founders_say
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.world import DOMAIN, ORIGIN, TENANT, World, digest_of


def about(judgement: Judgement, world: World) -> Approvable:
    return approvable(judgement.chain, world.root, judgement.environment, judgement.kinds)


def forged(record: Record, **body: object) -> Record:
    """Return a record whose body says something else: what an edited store would hand out."""
    fact = Fact(
        record.kind,
        record.about,
        TENANT,
        record.fact.time,
        {**record.fact.body, **body},
        environment=record.fact.environment,
        previous=record.fact.previous,
    )
    return Record(record.index, SignedFact(fact, record.signed.keyid, record.signed.signature))


def test_two_approvers_are_needed(candidate: Candidate) -> None:
    before = candidate.judged()
    candidate.world.approve(before, "amir")
    assert not candidate.judged().verdict.passed
    candidate.world.approve(before, "bea")
    after = candidate.judged()
    assert after.verdict.passed
    assert {approval.person for approval in after.approvals} == {"p-amir", "p-bea"}


def test_one_person_twice_counts_once(candidate: Candidate) -> None:
    before = candidate.judged()
    candidate.world.approve(before, "amir")
    candidate.world.approve(before, "amir", nonce=digest_of("again"))
    after = candidate.judged()
    assert len(after.approvals) == 1
    assert not after.verdict.passed


def test_one_person_with_two_credentials_counts_once(candidate: Candidate) -> None:
    world = candidate.world
    second = SoftwareAuthenticator.create("p-amir", "localhost", ORIGIN, world.folder / "second.json")
    bare = credential_fact(
        person="p-amir",
        credential_id=second.credential.credential_id,
        public_key=second.credential.public_key,
        software=True,
        tenant=TENANT,
        time=world.time(),
    )
    said = [a.model_dump() for a in founders_say(world.people, bare, DOMAIN)]
    world.log.append(replace(bare, body={**bare.body, "assertions": said}))
    world.follower.catch_up()
    before = candidate.judged()
    world.approve(before, "amir")
    world.decide(second.assert_(world.statement(before, "amir", nonce=digest_of("second"))), before)
    after = candidate.judged()
    assert [approval.person for approval in after.approvals] == ["p-amir"]
    assert not after.verdict.passed


@pytest.mark.parametrize("contributor", ["amir", "bea"])
def test_a_contributor_cannot_approve_whoever_the_pipeline_ran_as(world: World, contributor: str) -> None:
    candidate = registered(world, contributors=("dana", contributor))
    before = candidate.judged()
    record = world.approve(before, contributor)
    with pytest.raises(SelfApproval):
        count_approval(world.follower, world.root, record, about(before, world), at_ns=world.now_ns())
    after = candidate.judged()
    assert after.approvals == ()
    assert record.digest in after.dropped


def test_who_changed_the_data_is_a_contributor(world: World) -> None:
    features = world.feature_set(world.batch("2005-04", contributors=("amir",)))
    candidate = registered(world)
    run = world.run(features, {"epoch-9": candidate.version.fact.body["package"]}, run="run-2")
    version, _ = world.version(run, "epoch-9", candidate.files)
    assert "p-amir" in world.judge(version, candidate.files).chain.contributors


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("trust_domain", "other.demo"),
        ("tenant", "other"),
        ("model", "credit-premium"),
        ("number", 2),
        ("environment", "dev"),
        ("tier", "low"),
        ("verb", "reject"),
        ("package", "f" * 64),
        ("evidence", ["f" * 64]),
        ("evidence", []),
        ("person", "p-bea"),
        ("type", "assay-login/v1"),
        ("version", 2),
        ("log_size", "1"),
        ("nonce", ""),
        ("extra", 1),
    ],
)
def test_an_approval_of_anything_else_does_not_count(
    candidate: Candidate, member: str, value: object
) -> None:
    """Amir really signs it; it stands under this version all the same."""
    world, before = candidate.world, candidate.judged()
    true = world.approve(before, "amir")
    signed = world.people["amir"].passkey.assert_({**world.statement(before, "amir"), member: value})
    record = forged(true, assertion=signed.model_dump(mode="json"))
    with pytest.raises(WrongSubject):
        count_approval(world.follower, world.root, record, about(before, world), at_ns=world.now_ns())


def test_the_log_does_not_even_take_an_approval_of_another_version(candidate: Candidate) -> None:
    before = candidate.judged()
    with pytest.raises(SignatureInvalid):
        candidate.world.approve(before, "amir", number=2)


def test_evidence_left_out_is_noticed(candidate: Candidate) -> None:
    """Whoever was not shown the evaluation has not approved it."""
    before = candidate.judged()
    seen = [digest for digest, kind in before.kinds.items() if kind != "evaluation"]
    candidate.world.approve(before, "amir", evidence=sorted(seen))
    (why,) = candidate.judged().dropped.values()
    assert "evaluation" in why


@pytest.mark.parametrize("before_it", [True, False])
def test_nobody_approves_over_a_log_that_did_not_hold_the_version(
    candidate: Candidate, *, before_it: bool
) -> None:
    """What came after the log somebody saw need not be listed: so they saw the version at least."""
    world, judged = candidate.world, candidate.judged()
    size = judged.chain.version.index if before_it else 0
    shown = sorted(digest for digest, kind in judged.kinds.items() if kind in {"run", "signature", "card"})
    log_root = world.follower.root_at(size).hex()
    given = {"log_size": size, "log_root": log_root, "evidence": shown if size else []}
    record = world.approve(judged, "amir", **given)
    with pytest.raises(WrongSubject, match="did not hold the version"):
        count_approval(world.follower, world.root, record, about(judged, world), at_ns=world.now_ns())
    assert candidate.judged().approvals == ()


def test_later_evidence_does_not_undo_an_approval(candidate: Candidate) -> None:
    candidate.approved()
    candidate.world.evaluation(
        candidate.run, candidate.version.fact.body["package"], candidate.features, auc=0.77
    )
    assert candidate.judged().verdict.passed


def test_revoked_evidence_undoes_it(candidate: Candidate) -> None:
    candidate.approved()
    candidate.world.revoke(candidate.evaluation.digest)
    after = candidate.judged()
    assert after.approvals == ()
    assert len(after.dropped) == 2


@pytest.mark.parametrize(("not_before", "expiry"), [(60, 3600), (-3600, -60), (0, 0)])
def test_an_approval_counts_only_while_it_is_in_force(
    candidate: Candidate, not_before: int, expiry: int
) -> None:
    world, before = candidate.world, candidate.judged()
    now = world.now_ns() // 1_000_000_000
    record = world.approve(before, "amir", not_before=now + not_before, expiry=now + expiry)
    with pytest.raises(ApprovalDoesNotCount, match="expired"):
        count_approval(world.follower, world.root, record, about(before, world), at_ns=now * 1_000_000_000)


@pytest.mark.parametrize(("member", "value"), [("expiry", 2**53 - 1), ("not_before", -(2**52))])
def test_nobody_approves_for_ever(candidate: Candidate, member: str, value: int) -> None:
    """A gate that asks for an end asks for one that comes."""
    world, before = candidate.world, candidate.judged()
    record = world.approve(before, "amir", **{member: value})
    with pytest.raises(ApprovalDoesNotCount, match="days at most"):
        count_approval(world.follower, world.root, record, about(before, world), at_ns=world.now_ns())
    assert candidate.judged().approvals == ()


def test_a_withdrawn_approval_does_not_count(candidate: Candidate) -> None:
    world = candidate.world
    after = candidate.approved()
    statement = world.statement(after, "amir", verb="withdraw")
    world.decide(world.people["amir"].passkey.assert_(statement), after, FactKind.WITHDRAWAL)
    now = candidate.judged()
    assert [approval.person for approval in now.approvals] == ["p-bea"]


@pytest.mark.parametrize(
    ("verb", "kind"), [("withdraw", FactKind.WITHDRAWAL), ("reject", FactKind.REJECTION)]
)
def test_what_runs_stops_when_somebody_it_stands_on_says_something_else(
    candidate: Candidate, verb: str, kind: FactKind
) -> None:
    """The rollout lists the approval for good; whether it still stands is asked of the log at every use."""
    world, approved = candidate.world, candidate.approved()
    move, card = world.rollout(approved).digest, card_digest(candidate.files)

    def judged() -> Judgement:
        now = world.now_ns()
        return judge_move(world.follower, world.root, world.policy, move=move, card=card, now_ns=now)

    assert judged().verdict.passed
    said = world.people["amir"].passkey.assert_(world.statement(approved, "amir", verb=verb))
    world.decide(said, approved, kind)
    with pytest.raises(GateNotMet, match="1 more of 2 approvals"):
        judged()


def test_what_was_withdrawn_cannot_be_said_again_by_others(candidate: Candidate) -> None:
    """The registry still has amir's old assertion; the log refuses it, and so does every loader."""
    world, before = candidate.world, candidate.judged()
    first = world.approve(before, "amir")
    withdrawn = world.decide(
        world.people["amir"].passkey.assert_(world.statement(before, "amir", verb="withdraw")),
        before,
        FactKind.WITHDRAWAL,
    )
    old = Assertion.model_validate(first.fact.body["assertion"])
    with pytest.raises(SignatureInvalid):
        world.decide(old, before)
    replayed = Record(
        99, replace(first.signed, fact=replace(first.fact, previous=withdrawn.digest, _payload=None))
    )
    facts = _Forked(world, replayed)
    with pytest.raises(ApprovalDoesNotCount, match="once before"):
        count_approval(facts, world.root, replayed, about(before, world), at_ns=world.now_ns())  # type: ignore[arg-type]


class _Forked:
    """The follower, except that one more record is the newest of what it is about."""

    def __init__(self, world: World, newest: Record) -> None:
        self._world, self._newest = world, newest

    def head(self, about: str) -> Record | None:
        return self._newest if about == self._newest.about else self._world.follower.head(about)

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.follower, name)


def test_an_approval_by_another_person_under_this_name_does_not_count(candidate: Candidate) -> None:
    """Bea signs, and her word is put where amir's would stand."""
    world, before = candidate.world, candidate.judged()
    true = world.approve(before, "amir")
    said = world.people["bea"].passkey.assert_(world.statement(before, "bea"))
    stolen = said.model_copy(update={"person": "p-amir"})
    for assertion in (said, stolen):
        record = forged(true, assertion=assertion.model_dump(mode="json"))
        with pytest.raises(ServiceError):
            count_approval(world.follower, world.root, record, about(before, world), at_ns=world.now_ns())


def test_a_credential_nobody_bound_does_not_count(candidate: Candidate) -> None:
    world, before = candidate.world, candidate.judged()
    true = world.approve(before, "amir")
    stranger = SoftwareAuthenticator.create("p-amir", "localhost", ORIGIN, world.folder / "stranger.json")
    said = stranger.assert_(world.statement(before, "amir"))
    record = forged(true, assertion=said.model_dump(mode="json"))
    with pytest.raises(ApprovalDoesNotCount, match="no such credential"):
        count_approval(world.follower, world.root, record, about(before, world), at_ns=world.now_ns())


def test_a_flipped_bit_of_the_signature_does_not_count(candidate: Candidate) -> None:
    world, before = candidate.world, candidate.judged()
    true = world.approve(before, "amir")
    assertion = dict(true.fact.body["assertion"])
    assertion["signature"] = assertion["signature"][:-4] + (
        "AAAA" if assertion["signature"][-4:] != "AAAA" else "BBBB"
    )
    with pytest.raises(ApprovalDoesNotCount):
        count_approval(
            world.follower,
            world.root,
            forged(true, assertion=assertion),
            about(before, world),
            at_ns=world.now_ns(),
        )


def test_a_lost_role_stops_counting(candidate: Candidate) -> None:
    world = candidate.world
    candidate.approved()
    head = world.log.head("role/demo/p-amir/approver")
    assert head is not None
    bare = role_fact(
        person="p-amir", role="approver", tenant=TENANT, time=world.time(), ended=True, previous=head.digest
    )
    said = [a.model_dump() for a in founders_say(world.people, bare, DOMAIN)]
    world.log.append(replace(bare, body={**bare.body, "assertions": said}))
    world.follower.catch_up()
    assert [approval.person for approval in candidate.judged().approvals] == ["p-bea"]


def test_revoking_the_approval_its_key_or_its_person_stops_it(world: World) -> None:
    for revoked in ("fact", "person", "key"):
        fresh = World(_folder(world, revoked))
        candidate = registered(fresh)
        after = candidate.approved()
        approval = next(a for a in after.approvals if a.person == "p-amir")
        names = {
            "fact": approval.record.digest,
            "person": revoked_person("p-amir"),
            "key": revoked_key(approval.record.signed.keyid),
        }
        fresh.revoke(names[revoked])
        assert approval.record.digest in candidate.judged().dropped


def _folder(world: World, name: str) -> Path:
    folder = world.folder / name
    folder.mkdir()
    return folder


def test_an_approval_for_prod_says_nothing_about_test(candidate: Candidate) -> None:
    candidate.approved()
    assert candidate.judged(Environment.TEST).approvals == ()


def test_the_challenge_is_the_digest_of_the_statement(candidate: Candidate) -> None:
    record = candidate.world.approve(candidate.judged(), "amir")
    statement = record.fact.body["assertion"]["statement"]
    assert sha256_hex(canonical(statement))
    assert statement["evidence"] == sorted(statement["evidence"])
