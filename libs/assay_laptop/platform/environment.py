"""What a part is told at its start: addresses, folders and its own single-use bootstrap credential."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assay_laptop.home import SERVICES, Home
from assay_laptop.platform.addresses import PAGES, url
from assay_laptop.witness import name_of

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TRACEPARENT")
WEBHOOKS = ("WEBHOOK_PRIVATE", "WEBHOOK_CA")
"""What whoever starts the platform may say of the registry's webhooks: receivers inside, and who certifies them."""
QUIET = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "FEAST_USAGE": "False",
    "GIT_PYTHON_REFRESH": "quiet",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Timing:
    """The platform's clocks, in seconds: how old a checkpoint may be, how long a certificate lives."""

    lease: int = 60
    certificate: int = 3600


def clean_environment() -> dict[str, str]:
    """Return the little of our own environment a part may see, and the switches that keep engines quiet."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | QUIET


def database_url(home: Home, service: str) -> str:
    """Return where a service keeps its projections (the ledger: its log)."""
    return f"sqlite:///{home.data(service)}/{service}.db"


def service_environment(
    service: str,
    home: Home,
    *,
    ports: Mapping[str, int],
    trust_domain: str,
    vault_ca: Path,
    role_id: str,
    wrapped_secret_id: str,
    timing: Timing,
) -> dict[str, str]:
    """Return the settings of one core service (`assay.web.settings.ServiceSettings`)."""
    data, run = home.data(service), home.run / service
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    objects = home.path / "objects" / service
    objects.mkdir(parents=True, exist_ok=True)
    settings = {
        "SERVICE": service,
        "TRUST_DOMAIN": trust_domain,
        "PORT": str(ports[service]),
        "DATA_DIR": str(data),
        "RUN_DIR": str(run),
        "DATABASE_URL": database_url(home, service),
        "OBJECTS_URL": f"file://{objects}",
        "ROOT_PATH": str(home.root),
        "CA_PATH": str(home.ca),
        "VAULT_URL": url(ports, "vault"),
        "VAULT_CA": str(vault_ca),
        "VAULT_ROLE_ID": role_id,
        "VAULT_WRAPPED_SECRET_ID": wrapped_secret_id,
        "OPA_URL": url(ports, "opa"),
        "POLICY_BUNDLES": str(home.policy),
        "LEASE_SECONDS": str(timing.lease),
        "CERTIFICATE_TTL_SECONDS": str(timing.certificate),
        "TELEMETRY_DIR": str(home.telemetry),
    }
    settings |= {f"{name.upper()}_URL": url(ports, name) for name in SERVICES}
    if service == "witness":
        settings["WITNESS_NAME"] = name_of(trust_domain)
    if service == "serving":
        settings["PREDICTOR_CERTIFICATE_TTL_SECONDS"] = str(timing.certificate)
    settings |= {f"{name.replace('-', '_').upper()}_ORIGIN": url(ports, name) for name in PAGES}
    if service == "identity":
        settings["LOGIN_PORT"] = str(ports["login"])
        settings["PEOPLE_PORT"] = str(ports["people"])
    if service in {"registry", "tracking"}:
        settings["PAGES_PORT"] = str(ports[f"{service}-pages"])
    if service == "registry":
        settings |= {each: os.environ[f"ASSAY_{each}"] for each in WEBHOOKS if f"ASSAY_{each}" in os.environ}
    return clean_environment() | {f"ASSAY_{name}": value for name, value in settings.items()}
