"""What a fact of each kind must be about, from its own body: heads are as narrow as the race they decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from assay.contracts import (
    Alias,
    Approval,
    DatasetBatch,
    Delegation,
    Evaluation,
    Evidence,
    Fact,
    FactKind,
    FeatureSet,
    JournalBatch,
    Revocation,
    Rollout,
    SpiffeId,
    Version,
    body_of,
    check_name,
    check_tenant,
)
from assay.errors import BadRequest
from assay.identity.statements import delegation_about

IN_AN_ENVIRONMENT: Final = frozenset(
    {FactKind.APPROVAL, FactKind.REJECTION, FactKind.WITHDRAWAL, FactKind.ALIAS, FactKind.ROLLOUT}
)


def check_about(fact: Fact, trust_domain: str) -> None:
    """Return when a fact is about what its body says, in an environment where its kind belongs to one.

    Credentials, roles and policy are checked with their assertions (`assay.identity.statements`).

    Raises:
        BadRequest: it is not, or its body is malformed.
    """
    if fact.kind is not FactKind.JOURNAL and (fact.environment is not None) is not (
        fact.kind in IN_AN_ENVIRONMENT
    ):
        raise BadRequest(
            f"a {fact.kind} fact {'names no' if fact.environment is None else 'names an'} environment"
        )
    if fact.kind is not FactKind.ROOT:
        check_tenant(fact.tenant)
    expected = _EXPECTED.get(fact.kind)
    if expected is not None and fact.about != (about := expected(fact, trust_domain)):
        raise BadRequest(f"a {fact.kind} fact about {fact.about} speaks of {about}")


def owned_name(kind: FactKind, about: str) -> str | None:
    """Return the name that belongs to the tenant whose fact was the first to use it; None when there is none.

    Names of models, endpoints, runs and evaluated packages are one space for the whole trust domain: what an
    alias, an endpoint or an approval of one tenant says can never be moved by another.
    """
    first, _, rest = about.partition("/")
    match kind:
        case FactKind.VERSION:
            return f"model/{rest.partition('/')[2]}"
        case FactKind.ALIAS:
            return f"model/{rest.partition('/')[2].partition('@')[0]}"
        case FactKind.APPROVAL | FactKind.REJECTION | FactKind.WITHDRAWAL:
            return f"model/{rest.partition('/')[0]}"
        case FactKind.ROLLOUT | FactKind.RUN | FactKind.EVALUATION:
            return f"{first}/{rest}"
    return None


def _batch(fact: Fact, _: str) -> str:
    return f"dataset/{fact.tenant}/{check_name(body_of(fact, DatasetBatch).dataset)}"


def _feature_set(fact: Fact, _: str) -> str:
    body_of(fact, FeatureSet)
    return f"feature-set/{fact.tenant}/{check_name(fact.about.rpartition('/')[2])}"


def _run(fact: Fact, _: str) -> str:
    return f"run/{check_name(fact.about.rpartition('/')[2])}"


def _evaluation(fact: Fact, _: str) -> str:
    return f"evaluation/{body_of(fact, Evaluation).package}"


def _evidence(fact: Fact, _: str) -> str:
    body = body_of(fact, Evidence)
    return f"evidence/{body.package}/{body.type}"


def _version(fact: Fact, trust_domain: str) -> str:
    body = body_of(fact, Version)
    if body.trust_domain != trust_domain:
        raise BadRequest(f"a version of trust domain {body.trust_domain}")
    return f"model/{fact.tenant}/{check_name(body.model)}"


def _decision(fact: Fact, _: str) -> str:
    body = body_of(fact, Approval)
    return f"approval/{check_name(body.model)}/{body.number}/{fact.environment}/{body.assertion.person}"


def _delegation(fact: Fact, _: str) -> str:
    body = body_of(fact, Delegation)
    return delegation_about(fact.tenant, check_name(body.person), check_name(body.role))


def _alias(fact: Fact, _: str) -> str:
    body = body_of(fact, Alias)
    return f"alias/{fact.environment}/{check_name(body.model)}@{check_name(body.alias)}"


def _rollout(fact: Fact, _: str) -> str:
    return f"endpoint/{fact.environment}/{check_name(body_of(fact, Rollout).endpoint)}"


def _journal(fact: Fact, trust_domain: str) -> str:
    identity = SpiffeId.parse(body_of(fact, JournalBatch).identity)
    if identity.domain != trust_domain:
        raise BadRequest(f"a journal of trust domain {identity.domain}")
    return f"journal{identity.path}"


def _revocation(fact: Fact, _: str) -> str:
    return f"revocation/{body_of(fact, Revocation).revokes}"


_EXPECTED: Final[Mapping[FactKind, Callable[[Fact, str], str]]] = MappingProxyType(
    {
        FactKind.BATCH: _batch,
        FactKind.FEATURE_SET: _feature_set,
        FactKind.RUN: _run,
        FactKind.EVALUATION: _evaluation,
        FactKind.EVIDENCE: _evidence,
        FactKind.VERSION: _version,
        FactKind.APPROVAL: _decision,
        FactKind.REJECTION: _decision,
        FactKind.WITHDRAWAL: _decision,
        FactKind.DELEGATION: _delegation,
        FactKind.ALIAS: _alias,
        FactKind.ROLLOUT: _rollout,
        FactKind.JOURNAL: _journal,
        FactKind.REVOCATION: _revocation,
        FactKind.ROOT: lambda *_: "root",
    }
)
