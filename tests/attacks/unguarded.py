"""Checks taken out, one at a time: what the controls of `test_unapproved` stand on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assay.contracts import Approval, FactKind, body_of
from assay.custody import Judgement, approvals, judging, manifest
from assay.custody.chain import Chain
from assay.ledger import Record, admission
from assay.ledger.known import Known
from assay.objects import Objects
from services.registry import deciding
from services.registry.believing import Believed
from services.registry.domain import VersionRow
from services.registry.packages import Packages, _bound
from tests.attacks.stand import Loaded, Stand

verify: Any = import_module("assay.custody.verify")
chain: Any = import_module("assay.custody.chain")
STANDING: list[Stand] = []  # the stand of the running test


def no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Judgement, "require", lambda self: self)


def no_belief(patch: pytest.MonkeyPatch) -> None:
    """Have the registry say what its tables say."""

    def version(self: Believed, row: VersionRow) -> Record:
        record = self.log.record(row.fact)
        assert record is not None
        return record

    patch.setattr(Believed, "_version", version)
    patch.setattr(Believed, "alias", lambda self, _e, model, _a: _of_row(self, model))
    no_gate(patch)


def _of_row(believed: Believed, model: str) -> Record:
    row = believed._shelf.aliases(model)[0]
    found = believed.log.record(row.fact)
    assert found is not None
    said = replace(found.signed.fact, body={**found.fact.body, "number": row.number}, _payload=None)
    return replace(found, signed=replace(found.signed, fact=said))


def no_digests(patch: pytest.MonkeyPatch) -> None:
    """Have nobody compare bytes: not the store, not the loader."""
    patch.setattr(Objects, "get_addressed", lambda self, digest: self.get(f"sha256/{digest[:2]}/{digest}"))
    patch.setattr(Packages, "_open", opens_anything)
    any_bytes(patch)
    no_gate(patch)


def opens_anything(self: Packages, package: str, digest: str) -> bytes:
    """Open what is sealed for any package, and take what is sealed for none as it lies there."""
    data = self._objects.get(f"sealed/{package}/{digest}")
    for version in STANDING[0].desk.world.follower.records(FactKind.VERSION):
        other = version.fact.body["package"]
        with suppress(InvalidTag, ValueError):
            return AESGCM(self._data_key(other)).decrypt(data[:12], data[12:], _bound(other, digest))
    return data


def any_bytes(patch: pytest.MonkeyPatch) -> None:
    """Have the loader take whatever came, and its card for the one that is listed."""
    registry = STANDING[0].desk.registry
    card = registry.packages.card(STANDING[0].version(1).fact.body["package"])
    patch.setattr(verify, "check_bytes", lambda *_: None)
    patch.setattr(verify, "card_digest", lambda _files: card)


def no_signature_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verify, "verify_manifest", lambda *_: None)


def no_revocations(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judging, "require_unrevoked", lambda *_: None)
    patch.setattr(approvals, "_stands", lambda *_: None)


def no_contributors(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Chain, "contributors", frozenset({"p-nobody"}))


def any_statement(patch: pytest.MonkeyPatch) -> None:
    """Have an approval count for whatever it is listed under."""
    for module in (approvals, deciding):
        patch.setattr(module, "check_statement", lambda *_: None)
    patch.setattr(approvals, "_said", lambda record, _about: _carried(record))
    patch.setattr(approvals, "_stands", lambda *_: None)


def _carried(record: Record) -> Any:  # noqa: ANN401 - what `_said` returns
    body = body_of(record.fact, Approval)
    return body, body.assertion


def any_signer(patch: pytest.MonkeyPatch) -> None:
    for module in (approvals, deciding):
        patch.setattr(module, "check_assertion", lambda *_: None)
    patch.setattr(admission, "_verify", lambda *_: None)


def replays(patch: pytest.MonkeyPatch) -> None:
    for module in (approvals, deciding):
        patch.setattr(module, "said_before", lambda *_: False)
    patch.setattr(Known, "is_spent", lambda *_: False)


def any_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain, "_evaluates", lambda *_: True)


def no_people_revoked(patch: pytest.MonkeyPatch) -> None:
    """Have a revoked person keep word and role."""
    no_revocations(patch)
    no_gate(patch)


def any_neighbours(patch: pytest.MonkeyPatch) -> None:
    """Have a rollout name one version and another's package."""

    def of_move(facts: Any, move: Record, body: Any) -> Chain:  # noqa: ANN401 - a rollout's body
        whole: Chain = chain._of_version(facts, chain._need(facts, body.version, FactKind.VERSION))
        found = tuple(chain._need(facts, digest) for digest in body.approvals)
        return replace(whole, approvals=found, move=move)

    patch.setattr(chain, "_of_move", of_move)
    no_gate(patch)


def any_neighbours_and_bytes(patch: pytest.MonkeyPatch) -> None:
    any_neighbours(patch)
    any_bytes(patch)


def loads_what_lies_there(patch: pytest.MonkeyPatch) -> None:
    """Have the loader read the store again instead of taking the bytes that were verified."""
    patch.setattr(Loaded, "of", classmethod(lambda cls, package: cls(_again(package))))


def _again(package: Any) -> dict[str, bytes]:  # noqa: ANN401 - a verified package
    packages = STANDING[0].desk.registry.packages
    return {
        entry["path"]: opens_anything(packages, package.digest, entry["sha256"])
        for entry in manifest(package.files)
    }
