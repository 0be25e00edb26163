"""What each kind of fact says, as frozen pydantic models; verifiers read one with `body_of`.

A run's body is SLSA provenance v1 (`assay.custody.provenance`); the root's is in `assay.ledger.root`.
Digests are SHA-256, 64 hex digits; `facts` members name other facts by digest: the chain.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.contracts.facts import Fact
from assay.errors import BadRequest

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
T = TypeVar("T", bound="Body")


class Body(BaseModel):
    """A predicate without its header; unknown members are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Assertion(Body):
    """What a person says: a statement (the challenge is its RFC 8785 SHA-256) and proof.

    `authenticator_data`, `client_data` and `signature` are base64url without padding, as a browser gives them.
    """

    statement: dict[str, Any]
    person: str
    credential_id: str
    authenticator_data: str
    client_data: str
    signature: str


class CredentialBound(Body):
    """A credential of a person. `public_key` is the COSE key, base64url; `software` is for demonstrations."""

    person: str
    credential_id: str
    public_key: str
    software: bool
    assertions: tuple[Assertion, ...]


class RoleGranted(Body):
    """A person holds a role from here on; `ended` takes it away again."""

    person: str
    role: str
    ended: bool = False
    assertions: tuple[Assertion, ...]


class PolicyActivated(Body):
    """The policy in force: SHA-256 of `policy.wasm`, of the signed bundle and of the preview administrators saw."""

    revision: Digest
    bundle: Digest
    preview: Digest
    assertions: tuple[Assertion, ...]


class DatasetBatch(Body):
    """One immutable snapshot; the first subject is the ciphertext and `key` the transit key's name."""

    dataset: str
    batch: str
    media_type: str
    rows: int
    quarantined: int
    columns: dict[str, str]  # name -> Arrow type
    tags: dict[str, tuple[str, ...]]  # column -> tags, e.g. ("pii", "email")
    suite: Digest  # of the Great Expectations suite's canonical JSON
    result: Digest  # of the validation result's canonical JSON
    success: bool
    source: str
    key: str
    openlineage: Digest  # of the event's canonical JSON
    contributors: tuple[str, ...]
    purposes: tuple[str, ...] = ()  # what it may be used for; none named: policy says
    region: str = ""  # where it may be worked on, by the table of infra/opa/limits.rego; "" is anywhere
    project: str = ""  # a label below the tenant


class FeatureSet(Body):
    """Point-in-time rows of one view over these batches. Subjects: one encrypted object per split."""

    view: str
    definition: Digest  # of the view's definition
    features: tuple[str, ...]  # names, in the order a model sees them
    splits: dict[str, Digest]  # "train", "test" -> ciphertext digest
    rows: dict[str, int]
    as_of: tuple[str, ...]  # RFC 3339 dates
    facts: tuple[Digest, ...]  # dataset batches
    key: str
    tags: dict[str, tuple[str, ...]]
    contributors: tuple[str, ...]
    purpose: str = ""  # stated when it was built


class Evaluation(Body):
    """Measures of one package on rows its run was not given."""

    package: Digest
    run: Digest  # run fact
    feature_set: Digest  # feature-set fact
    rows: Digest  # ciphertext of the evaluated split
    metrics: dict[str, float]  # auc, f1, brier, ece, threshold, n
    slices: dict[str, dict[str, dict[str, float]]]  # attribute -> group -> metric -> value
    calibration: tuple[tuple[float, float, float], ...]  # (mean predicted, observed rate, rows)
    roc: tuple[tuple[float, float], ...] = ()  # (false-positive rate, recall), both rising from 0 to 1
    deciles: dict[str, tuple[float, ...]] = Field(default_factory=dict)  # feature -> its 10 %, 20 % … 90 %


EvidenceType = Literal[
    "fairness", "robustness", "privacy", "scan", "data", "sbom", "model-card", "risk-record"
]


class Evidence(Body):
    """One typed statement about a package; its document is kept under `content`, the digest of its bytes.

    `figures` are what gates judge; `facts` what it was derived from; `by` the person or service that says it.
    """

    package: Digest
    type: EvidenceType
    content: Digest
    media_type: str
    figures: dict[str, float]
    facts: tuple[Digest, ...]
    by: str
    valid_until: str | None = None  # RFC 3339; afterwards it is stale


class Version(Body):
    """A number given to a package. `signature` is SHA-256 of the OpenSSF bundle kept beside the package."""

    trust_domain: str
    model: str
    number: int
    package: Digest
    signature: Digest
    run: Digest  # run fact
    checkpoint: str
    tier: Literal["low", "limited", "high"]
    contributors: tuple[str, ...]


class Approval(Body):
    """An approval, rejection or withdrawal: the person's assertion over the canonical statement."""

    model: str
    number: int
    version: Digest  # version fact
    assertion: Assertion


class Delegation(Body):
    """Somebody lets another decide in a role of theirs while they are away; `ended` takes it back.

    Times are seconds since 1970. The assertion is the one's own: nobody is made a delegate by others.
    """

    person: str
    to: str
    role: str
    not_before: int
    until: int
    ended: bool = False
    assertion: Assertion


class Alias(Body):
    """`models:/<model>@<alias>` names this version from here on; `ended`: it did until here, and names nothing."""

    model: str
    alias: str
    number: int
    version: Digest
    approvals: tuple[Digest, ...]
    evidence: tuple[Digest, ...]
    policy: str  # revision that judged; "" for an alias that moves without a gate
    ended: bool = False


class Rollout(Body):
    """Desired state of an endpoint, appended before a predictor loads."""

    endpoint: str
    model: str
    number: int
    version: Digest
    package: Digest
    approvals: tuple[Digest, ...]
    evidence: tuple[Digest, ...]
    policy: str
    reason: str


class JournalBatch(Body):
    """Merkle root (RFC 9162) of receipts, reads or refusals, in order."""

    identity: str
    sequence: int
    count: int
    root: Digest


class Revocation(Body):
    """What no longer counts: a fact's digest, or SHA-256 of `key/<keyid>`, `person/<id>`, `identity/<id>`."""

    revokes: Digest
    what: str
    reason: str
    by: str
    ended: bool = False


def body_of(fact: Fact, as_: type[T]) -> T:
    """Read a fact's body; raises BadRequest when it is not one of that shape."""
    try:
        return as_.model_validate(fact.body)
    except ValidationError as error:
        raise BadRequest(
            f"{fact.kind} {fact.digest[:12]} has a malformed body: {error.error_count()} errors"
        ) from error
