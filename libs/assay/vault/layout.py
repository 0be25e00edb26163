"""What Vault holds for Assay, as data: who logs in, who may get which certificate, which keys there are.

Who may use what is in `infra/vault/<name>.hcl`, one policy per login; `configure` puts both into a Vault.
Keys made while the platform runs: `batch-…` by ingestion, `features-…` by features, `packages-…` by the registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from assay.errors import NotFound
from assay.vault import KeyKind

POLICIES = Path(__file__).resolve().parents[3] / "infra" / "vault"
SERVICES = (
    "ledger",
    "witness",
    "identity",
    "opa",
    "ingestion",
    "features",
    "tracking",
    "training",
    "evaluator",
    "registry",
    "serving",
)
ENVIRONMENTS = ("dev", "prod")
LAUNCHER = "launcher"
SESSION_POLICY = "session"
"""What every login may do with its own token; attached beside its own policy."""

WRAPPING_SECONDS = 600
"""How long a part has to start: the life of its wrapped secret id."""

TOKEN_SECONDS = 3600
"""A login's period: it ends unless renewed within it."""

ROOT_SECONDS = 10 * 365 * 24 * 3600
CERTIFICATE_SECONDS = 3600

_SIGNING: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "identity": (
            "fact-root",
            "fact-credential",
            "fact-role",
            "fact-policy",
            "fact-revocation-people",
            "grant",
        ),
        "ingestion": ("fact-dataset-batch",),
        "features": ("fact-feature-set",),
        "training": ("fact-run", "order-training"),
        "evaluator": ("fact-evaluation", "order-evaluator"),
        "registry": (
            "fact-version",
            "fact-evidence",
            "fact-approval",
            "fact-rejection",
            "fact-withdrawal",
            "fact-delegation",
            "fact-revocation",
            "model-signing",
        ),
        "every service with a journal": ("fact-journal-core",),
    }
)
_SIGNING_PER_ENVIRONMENT = ("fact-alias", "fact-rollout", "fact-journal")


@dataclass(frozen=True)
class PkiRole:
    """Who may be certified: `path` of the SPIFFE id, exact, or ending in `*` for a whole prefix.

    Only a `server` may have the names of this host beside its identity.
    """

    name: str
    path: str
    server: bool = True


@dataclass(frozen=True)
class Layout:
    """All that `configure` makes. `policies` is the folder of the `.hcl` files; times are in seconds."""

    logins: Sequence[str]
    pki_roles: Sequence[PkiRole]
    keys: Mapping[str, KeyKind]
    policies: Path = POLICIES
    certificate_seconds: int = CERTIFICATE_SECONDS
    token_seconds: int = TOKEN_SECONDS

    def policy(self, name: str) -> str:
        """Return a policy's text.

        Raises:
            NotFound: the checkout or image has no such file.
        """
        path = self.policies / f"{name}.hcl"
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise NotFound(f"there is no Vault policy {path}") from error


def standard(
    environments: Sequence[str] = ENVIRONMENTS, *, certificate_seconds: int = CERTIFICATE_SECONDS
) -> Layout:
    """Return the layout of a trust domain with these environments."""
    predictors = [f"predictor-{environment}" for environment in environments]
    return Layout(
        logins=(*SERVICES, *predictors, LAUNCHER),
        pki_roles=(
            *(PkiRole(service, f"/svc/core/{service}") for service in SERVICES),
            *(PkiRole(f"predictor-{each}", f"/svc/{each}/predictor/*") for each in environments),
            PkiRole("run", "/run/*", server=False),
            PkiRole("people", "/people/*", server=False),
        ),
        keys=MappingProxyType(dict(_keys(environments))),
        certificate_seconds=certificate_seconds,
    )


def _keys(environments: Sequence[str]) -> list[tuple[str, KeyKind]]:
    per_environment = [f"{key}-{each}" for key in _SIGNING_PER_ENVIRONMENT for each in environments]
    signing = [key for keys in _SIGNING.values() for key in keys]
    return [
        ("log", "ed25519"),
        ("split", "hmac"),
        ("dedup", "hmac"),
        ("webhooks", "aes256-gcm96"),
        *((key, "ecdsa-p256") for key in (*signing, *per_environment)),
    ]
