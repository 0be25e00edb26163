"""The words every part of Assay shares: canonical bytes, names, identities, facts and their bodies.

Pure values: no clock, no network, no disk.
"""

from assay.contracts.bodies import (
    Alias,
    Approval,
    Assertion,
    Body,
    CredentialBound,
    DatasetBatch,
    Delegation,
    Evaluation,
    Evidence,
    FeatureSet,
    JournalBatch,
    PolicyActivated,
    Revocation,
    RoleGranted,
    Rollout,
    Version,
    body_of,
)
from assay.contracts.canonical import canonical, sha256_hex, strict_json
from assay.contracts.conditions import Conditions
from assay.contracts.facts import FACT_TYPE, Fact, FactKind, SignedFact
from assay.contracts.names import Environment, PersonId, SpiffeId, check_name, check_tenant, new_id

__all__ = [
    "FACT_TYPE",
    "Alias",
    "Approval",
    "Assertion",
    "Body",
    "Conditions",
    "CredentialBound",
    "DatasetBatch",
    "Delegation",
    "Environment",
    "Evaluation",
    "Evidence",
    "Fact",
    "FactKind",
    "FeatureSet",
    "JournalBatch",
    "PersonId",
    "PolicyActivated",
    "Revocation",
    "RoleGranted",
    "Rollout",
    "SignedFact",
    "SpiffeId",
    "Version",
    "body_of",
    "canonical",
    "check_name",
    "check_tenant",
    "new_id",
    "sha256_hex",
    "strict_json",
]
