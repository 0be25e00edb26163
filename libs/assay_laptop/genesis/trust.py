"""The trust root: for each kind of fact, whose key counts; said by the founders' passkeys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from assay.contracts import Environment, FactKind
from assay.ledger import SignerEntry, keyid_of, root_payload
from assay.ledger.cosignature import Witness
from assay.ledger.root import root_document
from assay_laptop.genesis.people import Enrolled, founders_of

LIFETIME = timedelta(days=365)
ENVIRONMENTS = (Environment.DEV, Environment.PROD)
SAYS = {
    FactKind.CREDENTIAL: "identity",
    FactKind.ROLE: "identity",
    FactKind.POLICY: "identity",
    FactKind.BATCH: "ingestion",
    FactKind.FEATURE_SET: "features",
    FactKind.RUN: "training",
    FactKind.EVALUATION: "evaluator",
    FactKind.VERSION: "registry",
    FactKind.EVIDENCE: "registry",
    FactKind.APPROVAL: "registry",
    FactKind.REJECTION: "registry",
    FactKind.WITHDRAWAL: "registry",
    FactKind.DELEGATION: "registry",
    FactKind.REVOCATION: "registry",
}
JOURNALS = (
    "ledger",
    "identity",
    "ingestion",
    "features",
    "tracking",
    "training",
    "evaluator",
    "registry",
    "serving",
)
SERVICE_KEYS = ("grant", "order-training", "order-evaluator", "model-signing")
RELYING_PARTY = "localhost"


def signers(trust_domain: str, public_key: Callable[[str], str]) -> Iterable[SignerEntry]:
    """Yield who may say what with which key; `public_key(name)` is Vault's, PEM."""

    def entry(
        kind: FactKind, path: str, key: str, environments: tuple[Environment, ...] | None = None
    ) -> SignerEntry:
        pem = public_key(key)
        identity = f"spiffe://{trust_domain}{path}"
        return SignerEntry(kind, environments, identity, keyid_of(pem), pem)

    yield entry(FactKind.ROOT, "/svc/core/identity", "fact-root")  # carries the founders' word
    for kind, service in SAYS.items():
        yield entry(kind, f"/svc/core/{service}", f"fact-{kind.value}")
    yield entry(FactKind.REVOCATION, "/svc/core/identity", "fact-revocation-people")
    for environment in ENVIRONMENTS:
        one = (environment,)
        yield entry(FactKind.ALIAS, "/svc/core/registry", f"fact-alias-{environment}", one)
        yield entry(FactKind.ROLLOUT, "/svc/core/serving", f"fact-rollout-{environment}", one)
        yield entry(FactKind.JOURNAL, f"/svc/{environment}/predictor/*", f"fact-journal-{environment}", one)
    for service in JOURNALS:
        yield entry(FactKind.JOURNAL, f"/svc/core/{service}", "fact-journal-core")


def root_json(
    people: dict[str, Enrolled],
    trust_domain: str,
    origins: Sequence[str],
    public_key: Callable[[str], str],
    witnesses: Sequence[Witness] = (),
    *,
    policy_author: str,
    demonstration: bool,
) -> bytes:
    """Return root.json, said by all founders; every one of these witnesses must cosign.

    `policy_author` is the key (PEM) that policy is signed with.
    """
    founders = founders_of(people)
    payload = root_payload(
        trust_domain=trust_domain,
        demonstration=demonstration,
        rp_id=RELYING_PARTY,
        origins=origins,
        threshold=len(founders),
        expires=(datetime.now(UTC) + LIFETIME).replace(microsecond=0),
        admins=[founder.credential for founder in founders],
        signers=signers(trust_domain, public_key),
        log_origin=f"{trust_domain}/ledger",
        log_public_key=public_key("log"),
        services={name: public_key(name) for name in SERVICE_KEYS} | {"policy": policy_author},
        witnesses=witnesses,
        quorum=len(witnesses),
    )
    return root_document(payload, [founder.passkey.assert_(payload) for founder in founders])
