"""From facts and bytes to a model that may be loaded: the one place a `VerifiedPackage` comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts import Environment, Rollout, Version
from assay.custody.chain import Chain
from assay.custody.facts import Facts
from assay.custody.package import PackageFiles
from assay.errors import NotBuilt
from assay.policy import GateVerdict, Policy

if TYPE_CHECKING:
    from assay.ledger import Record, Root


@dataclass(frozen=True)
class VerifiedApproval:
    """One person's approval that counts: assertion, role, subject and evidence were checked."""

    person: str
    role: str
    roles: frozenset[str]
    record: Record
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a version in an environment, and on what. `dropped`: approval digest -> why not."""

    chain: Chain
    environment: Environment
    approvals: tuple[VerifiedApproval, ...]
    dropped: Mapping[str, str]
    evidence: tuple[str, ...]  # digests: run, evaluations, card, signature
    verdict: GateVerdict


@dataclass(frozen=True)
class VerifiedPackage:
    """The very bytes that were checked, with their proof. Only `verify` makes one."""

    files: PackageFiles
    digest: str
    version: Version
    rollout: Rollout
    judgement: Judgement


def judge(
    facts: Facts,
    root: Root,
    policy: Policy,
    *,
    version: str,
    environment: Environment,
    card: str,
    now_ns: int,
) -> Judgement:
    """Judge a version (fact digest) for an environment; `card` is SHA-256 of its card.json."""
    raise NotBuilt("judge")


def verify(
    facts: Facts,
    root: Root,
    policy: Policy,
    *,
    rollout: str,
    files: PackageFiles,
    signature: bytes,
    now_ns: int,
) -> VerifiedPackage:
    """Verify a rollout's whole chain over these bytes; raises SignatureInvalid or Forbidden by name."""
    raise NotBuilt("verify")
