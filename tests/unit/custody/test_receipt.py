"""A receipt's bundle proves a prediction with the root alone, and no member of it can change unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.contracts import Environment, FactKind
from assay.custody import export, verify_bundle
from assay.custody.chain import revoked_identity, revoked_person
from assay.custody.errors import ApprovalDoesNotCount, ChainBroken, ChainRevoked, ReceiptTooOld, WrongSubject
from assay.custody.people import check_people
from assay.custody.story import Node
from assay.errors import ServiceError, SignatureInvalid
from assay.policy import OpaWasm
from tests.support.members import at, changed_at, leaves
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.receipts import example_receipt, journaled_receipt
from tests.unit.custody.world import POLICY, World


class Exported:
    """A world with one exported bundle."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.candidate = registered(self.world)
        self.judgement = self.candidate.approved()
        self.rollout = self.world.rollout(self.judgement)
        self.part = journaled_receipt(self.world, self.rollout)
        self.bundle = self.again()
        self.now = self.world.log.checkpoint().time_ms / 1000

    def again(self) -> dict[str, Any]:
        """Export anew, as JSON gives it back."""
        bundle = export(self.part, self.world.log, self.world.follower)
        found: dict[str, Any] = json.loads(json.dumps(bundle))
        return found

    def verify(self, bundle: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - VerifiedReceipt
        """Verify offline."""
        return verify_bundle(bundle, self.world.root, now=self.now, **more)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def fresh(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


def titles(node: Node) -> Iterator[str]:
    yield node.title
    for child in node.children:
        yield from titles(child)


def test_the_tree_goes_from_the_receipt_to_the_rows(exported: Exported) -> None:
    verified = exported.verify(exported.bundle)
    lines = list(titles(verified.tree))
    for wanted in (
        "receipt",
        "rollout",
        "approved by p-amir",
        "approved by p-bea",
        "version credit-default v1",
    ):
        assert any(line.startswith(wanted) for line in lines), wanted
    assert lines[-2:] == ["batch statements/2005-04", "batch statements/2005-05"]
    assert "later revocations unknown" in verified.valid_as_of
    assert f"log size {verified.size}" in verified.valid_as_of


def test_it_says_whether_the_rules_were_judged_again(exported: Exported) -> None:
    plain = exported.verify(exported.bundle).tree.children[0].detail
    judged = exported.verify(exported.bundle, policy=exported.world.policy).tree.children[0].detail
    assert "not judged again" in plain
    assert "judged again here" in judged


def test_a_policy_of_another_revision_does_not_judge(exported: Exported) -> None:
    class Other(OpaWasm):
        revision = "other"

    policy = Other(POLICY)
    policy.revision = "other"
    with pytest.raises(WrongSubject, match="policy"):
        exported.verify(exported.bundle, policy=policy)


def test_it_needs_no_network(exported: Exported, socket_disabled: None) -> None:
    assert exported.verify(exported.bundle).size == exported.world.follower.size


def test_an_old_bundle_is_refused_when_freshness_is_asked_for(exported: Exported) -> None:
    later = exported.now + 3600
    verify_bundle(exported.bundle, exported.world.root, now=later)
    with pytest.raises(ReceiptTooOld):
        verify_bundle(exported.bundle, exported.world.root, now=later, max_age=60)


def test_a_bundle_from_the_future_is_refused(exported: Exported) -> None:
    with pytest.raises(SignatureInvalid):
        verify_bundle(exported.bundle, exported.world.root, now=exported.now - 4000)


def test_another_root_refuses_it(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(SignatureInvalid):
        verify_bundle(exported.bundle, World(tmp_path).root, now=exported.now)


def mutated(value: Any, data: st.DataObject) -> Any:  # noqa: ANN401 - JSON
    """Return something near a value: another character, a bit more, another type."""
    if isinstance(value, str) and value:
        at = data.draw(st.integers(0, len(value) - 1))
        letter = data.draw(st.sampled_from("0aA=/+ \n9fZ"))
        near = st.sampled_from(
            [value[:at] + letter + value[at + 1 :], value + letter, value[1:], value.upper()]
        )
        return data.draw(st.one_of(near, st.none(), st.integers(0, 9)))
    if isinstance(value, int):
        return data.draw(
            st.sampled_from([value + 1, value - 1, -value, float(value) + 0.5, str(value), None])
        )
    return data.draw(st.sampled_from([None, {}, [], "", 0, True]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_member_of_a_bundle_can_change_unseen(exported: Exported, data: st.DataObject) -> None:
    paths = [path for path in leaves(exported.bundle) if path]
    path = data.draw(st.sampled_from(paths))
    value = at(exported.bundle, path)
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "double"]))
    other = mutated(value, data) if how == "replace" else None
    bundle = changed_at(exported.bundle, path, how, other)
    if bundle == exported.bundle:
        return
    with pytest.raises(ServiceError):
        exported.verify(bundle)


@pytest.mark.parametrize("other", [{}, "", None, 0, False, ()])
@pytest.mark.parametrize("name", ["roots", "entries", "revocations", "heads"])
def test_an_empty_list_of_proofs_is_an_array_and_nothing_else_that_is_empty(
    exported: Exported, name: str, other: object
) -> None:
    bundle = copy.deepcopy(exported.bundle)
    bundle["proofs"][name] = other
    with pytest.raises(ServiceError):
        exported.verify(bundle)


def test_every_single_member_is_bound(exported: Exported) -> None:
    """Each leaf, one after the other, replaced by something of its own type."""
    for path in leaves(exported.bundle):
        value = at(exported.bundle, path)
        if not path or isinstance(value, dict | list):
            continue
        other = value + 1 if isinstance(value, int) else f"{value}A" if isinstance(value, str) else "A"
        with pytest.raises(ServiceError):
            exported.verify(changed_at(exported.bundle, path, "replace", other))


@pytest.mark.parametrize(
    "junk", [{}, {"type": "x"}, {"type": "assay-receipt-bundle/v1", "receipt": [], "proofs": 1}]
)
def test_what_is_no_bundle_is_refused_by_name(exported: Exported, junk: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        exported.verify(junk)


@pytest.mark.parametrize("what", ["approval", "batch", "run", "approver", "predictor", "journal"])
def test_a_revocation_in_the_chain_shows(fresh: Exported, what: str) -> None:
    whole = fresh.judgement.chain
    names = {
        "approval": fresh.judgement.approvals[0].record.digest,
        "batch": whole.batches[0].digest,
        "run": whole.run.digest,
        "approver": revoked_person("p-bea"),
        "predictor": revoked_identity("svc/prod/predictor/credit"),
        "journal": fresh.part["journal"],
    }
    fresh.world.revoke(names[what], what)
    with pytest.raises(ChainRevoked):
        fresh.verify(fresh.again())


def test_a_bundle_from_before_a_revocation_says_only_as_of_when_it_holds(fresh: Exported) -> None:
    fresh.world.revoke(fresh.candidate.run.digest)
    assert fresh.verify(fresh.bundle).size < fresh.world.follower.size


def test_a_withdrawn_approval_shows(fresh: Exported) -> None:
    world = fresh.world
    said = world.people["amir"].passkey.assert_(world.statement(fresh.judgement, "amir", verb="withdraw"))
    world.decide(said, fresh.judgement, FactKind.WITHDRAWAL)
    with pytest.raises((ApprovalDoesNotCount, ChainBroken)):
        fresh.verify(fresh.again())


def test_a_receipt_of_another_endpoint_or_model_is_refused(fresh: Exported) -> None:
    world = fresh.world
    true = example_receipt(world, fresh.rollout, 0)
    for member, value in (
        ("endpoint", "other"),
        ("environment", "dev"),
        ("number", 2),
        ("package", "f" * 64),
    ):
        part = _journaled(world, {**true, member: value})
        with pytest.raises(WrongSubject):
            fresh.verify(json.loads(json.dumps(export(part, world.log, world.follower))))


def _journaled(world: World, receipt: dict[str, Any]) -> dict[str, Any]:
    """Journal one receipt, whatever it says: what a predictor that lies could do."""
    from assay.contracts import canonical
    from assay.ledger import tree

    leaf = tree.leaf_hash(canonical(receipt))
    body = {
        "identity": "spiffe://assay.demo/svc/prod/predictor/credit",
        "sequence": 1,
        "count": 1,
        "root": leaf.hex(),
    }
    said = world.say(
        FactKind.JOURNAL, "journal/svc/prod/predictor/credit", body, environment=Environment.PROD
    )
    return {"receipt": receipt, "index": 0, "size": 1, "path": [], "journal": said.digest}


def test_a_rollout_that_claims_a_time_before_its_approvals_is_refused_offline_too(fresh: Exported) -> None:
    world = fresh.world
    world.start -= timedelta(hours=1)
    rollout = world.rollout(fresh.judgement)
    world.start += timedelta(hours=1)
    fresh.part = journaled_receipt(world, rollout)
    bundle = fresh.again()
    with pytest.raises(ChainBroken, match="cannot be"):
        fresh.verify(bundle)
    with pytest.raises(ChainBroken, match="cannot be"):
        fresh.verify(bundle, policy=world.policy)


def test_a_receipt_that_was_journaled_before_its_rollout_is_refused(fresh: Exported) -> None:
    """Whoever knows what will be rolled out could journal answers it never gave."""
    world, true = fresh.world, fresh.rollout.fact
    coming = replace(true, time=world.time(), previous=true.digest, _payload=None)
    part = _journaled(world, {**example_receipt(world, fresh.rollout, 0), "rollout": coming.digest})
    world.log.append(coming)
    world.follower.catch_up()
    with pytest.raises(WrongSubject, match="before its rollout"):
        fresh.verify(json.loads(json.dumps(export(part, world.log, world.follower))))


def test_a_receipt_of_another_journal_is_refused(fresh: Exported) -> None:
    """Another endpoint's journal holds the batch; the receipt names the first endpoint."""
    world = fresh.world
    body = dict(world.log.fact(fresh.part["journal"]).fact.body)
    body["identity"] = "spiffe://assay.demo/svc/prod/predictor/other"
    said = world.say(FactKind.JOURNAL, "journal/svc/prod/predictor/other", body, environment=Environment.PROD)
    part = {**fresh.part, "journal": said.digest}
    with pytest.raises(WrongSubject):
        fresh.verify(json.loads(json.dumps(export(part, world.log, world.follower))))


def test_a_role_in_a_file_takes_as_many_administrators_as_it_took_in_the_log(tmp_path: Path) -> None:
    """The log admits none that too few said; whoever reads a file counts again."""
    world = World(tmp_path)
    registered(world)
    world.enrol_by("carl", "approver", by=("ada", "grace"))
    granted = world.follower.head("role/demo/p-carl/approver")
    assert granted is not None
    check_people(world.follower, world.root, granted)
    for kept in ([0], [1], [0, 0]):
        fact = granted.fact
        said = [fact.body["assertions"][n] for n in kept]
        fewer = replace(fact, body={**fact.body, "assertions": said}, _payload=None)
        signed = replace(granted.signed, fact=fewer)
        with pytest.raises(SignatureInvalid, match="too few"):
            check_people(world.follower, world.root, replace(granted, signed=signed))


def test_people_enrolled_by_later_administrators_verify_too(tmp_path: Path) -> None:
    """Ada and grace made carl an administrator and an approver; carl and ada made dora one."""
    world = World(tmp_path)
    candidate = Candidate(**vars(registered(world)))
    world.enrol_by("carl", "administrator", by=("ada", "grace"))
    world.grant_role("carl", "approver", by=("ada", "grace"))
    world.enrol_by("dora", "approver", by=("carl", "ada"))
    before = candidate.judged()
    world.approve(before, "carl")
    world.approve(before, "dora")
    rollout = world.rollout(candidate.judged())
    bundle = export(journaled_receipt(world, rollout), world.log, world.follower)
    verified = verify_bundle(bundle, world.root, now=world.log.checkpoint().time_ms / 1000)
    assert [approval.person for approval in verified.approvals] == ["p-carl", "p-dora"]
