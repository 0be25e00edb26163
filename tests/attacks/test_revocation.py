"""A revoked key takes along what it signed, wherever that is used and not only where a model answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.contracts import FactKind
from assay.custody.chain import revoked_key
from assay.custody.errors import ChainRevoked
from services.training import inputs
from services.training.errors import InputRevoked
from services.training.inputs import Inputs
from tests.unit.registry.conftest import desk
from tests.unit.registry.desk import Desk
from tests.unit.training.lab import Lab, opened, revoke

__all__ = ["desk"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "ledger").mkdir()
    with opened(tmp_path / "ledger") as ground:
        yield ground.lab(tmp_path)


@pytest.mark.parametrize("what", ["batch", "feature_set"])
@pytest.mark.threat("T-IAM-06")
def test_nothing_is_trained_on_what_a_revoked_key_signed(lab: Lab, what: str) -> None:
    record = lab.follower.record(getattr(lab, what))
    assert record is not None
    revoke(lab, revoked_key(record.signed.keyid))
    with pytest.raises(InputRevoked):
        Inputs.read(lab.follower, lab.feature_set)


@pytest.mark.parametrize("kind", [FactKind.RUN, FactKind.FEATURE_SET, FactKind.BATCH])
@pytest.mark.threat("T-IAM-06")
def test_nothing_is_registered_on_what_a_revoked_key_signed(desk: Desk, kind: FactKind) -> None:
    desk.trained()
    signed = desk.world.follower.records(kind)[0].signed
    desk.world.revoke(revoked_key(signed.keyid))
    with pytest.raises(ChainRevoked):
        desk.register()


@pytest.mark.control("T-IAM-06")
def test_control_whoever_does_not_ask_after_revocations_trains_on_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = lab.follower.record(lab.feature_set)
    assert record is not None
    revoke(lab, revoked_key(record.signed.keyid))
    monkeypatch.setattr(inputs, "revocation_of", lambda *_: None)
    assert Inputs.read(lab.follower, lab.feature_set).fact == record.digest
