"""Every way we could think of to have an unapproved model answer: each is tried, each is refused.

Beside each stands its control: the same attack where the check that stops it has been taken out, and there the
predictor does answer with what nobody approved. An attack without a control says why in `UNCONTROLLED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.errors import ServiceError
from tests.attacks import unguarded, ways
from tests.attacks.stand import Stand
from tests.attacks.unguarded import STANDING
from tests.attacks.ways import Attack

Unguard = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def stand(tmp_path: Path) -> Iterable[Stand]:
    made = Stand(tmp_path)
    STANDING[:] = [made]
    yield made
    made.close()


@dataclass(frozen=True)
class Way:
    """An attack, and what must be taken out for it to succeed; None: see `UNCONTROLLED`."""

    attack: Attack
    unguard: Unguard | None


WAYS: dict[str, Way] = {
    "alias row: another number": Way(ways.row("UPDATE alias SET number = 2"), unguarded.no_belief),
    "alias row: deleted": Way(ways.row("DELETE FROM alias"), None),
    "version row: another fact": Way(ways.version_row, unguarded.no_belief),
    "word rows: another version's approvals": Way(ways.words_row, unguarded.no_gate),
    "note rows: tags like the platform's": Way(ways.notes_row, unguarded.no_gate),
    "position row: replayed over edited rows": Way(ways.position_row, unguarded.no_belief),
    "object: a file's bytes": Way(ways.file_swapped, unguarded.no_digests),
    "object: a manifest": Way(ways.manifest_swapped, unguarded.no_digests),
    "object: between verifying and loading": Way(
        ways.swapped_after_verifying, unguarded.loads_what_lies_there
    ),
    "rollout: no approvals": Way(ways.rollout_unapproved, unguarded.no_gate),
    "rollout: another version's approvals": Way(
        ways.rollout_with_the_others_approvals, unguarded.any_statement
    ),
    "rollout: another version's package": Way(
        ways.rollout_of_another_package, unguarded.any_neighbours_and_bytes
    ),
    "rollout: another version's number": Way(ways.rollout_of_another_number, unguarded.any_neighbours),
    "rollout: another version's evidence": Way(ways.rollout_of_other_evidence, None),
    "alias: moved with the registry's key": Way(ways.alias_by_the_registry, unguarded.no_gate),
    "alias: one that is free": Way(ways.free_alias, unguarded.no_gate),
    "approvals: of another environment": Way(ways.approvals_of_another_environment, unguarded.any_statement),
    "version: other bytes under a run's name": Way(ways.renamed_version, None),
    "version: signed by another key": Way(ways.signed_by_another_key, unguarded.no_signature_check),
    "approval: by who started the run": Way(ways.starter_approves, unguarded.no_contributors),
    "approval: replayed after its withdrawal": Way(ways.replayed_approval, unguarded.replays),
    "approval: another's signature": Way(ways.forged_approval, unguarded.any_signer),
    "evaluation: on the rows it was trained on": Way(ways.measured_on_its_own_rows, unguarded.any_rows),
    "downgrade: rolled out again": Way(ways.downgrade, unguarded.no_revocations),
    "downgrade: rolled back": Way(ways.downgrade_by_rolling_back, unguarded.no_revocations),
    "downgrade: the old rollout said again": Way(ways.downgrade_by_the_old_fact, unguarded.no_revocations),
    "downgrade: after its run was revoked": Way(
        ways.downgrade_after_its_run_was_revoked, unguarded.no_revocations
    ),
    "revoked: an approver": Way(ways.revoked_approver, unguarded.no_people_revoked),
    "revoked: an approval, while it is verified": Way(
        ways.revoked_while_it_is_verified, unguarded.no_revocations
    ),
    "revoked: the key of its version's fact": Way(ways.revoked_model_key, unguarded.no_revocations),
}
UNCONTROLLED = {
    "alias row: deleted": "nothing is there to be served: the attack only makes the registry refuse",
    "rollout: another version's evidence": "evidence is recomputed from the log; what a rollout lists is only compared",
    "version: other bytes under a run's name": "three comparisons stand one behind the other; two have controls above",
}


def succeeds(stand: Stand, attack: Attack) -> bool:
    """Try an attack; say whether the endpoint answers with what may not."""
    with suppress(ServiceError):
        attack(stand)
    return stand.answers_unapproved()


@pytest.mark.threat("T-REG-09", "T-REG-12")
@pytest.mark.parametrize("name", WAYS)
def test_what_nobody_approved_does_not_answer(stand: Stand, name: str) -> None:
    assert not succeeds(stand, WAYS[name].attack)


@pytest.mark.control("T-REG-09", "T-REG-12")
@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.unguard])
def test_control_without_its_check_the_attack_succeeds(
    stand: Stand, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguard = WAYS[name].unguard
    assert unguard is not None
    unguard(monkeypatch)
    assert succeeds(stand, WAYS[name].attack)


def test_every_attack_has_a_control_or_a_reason() -> None:
    assert {name for name, way in WAYS.items() if way.unguard is None} == set(UNCONTROLLED)


def test_what_two_people_approved_does_answer(stand: Stand) -> None:
    stand.desk.approved(2)
    stand.roll_out(number=2)
    assert stand.endpoint.state()["number"] == 2


def test_the_stand_answers_with_the_approved_version(stand: Stand) -> None:
    assert stand.endpoint.state()["number"] == 1
