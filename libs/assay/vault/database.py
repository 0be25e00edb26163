"""Users of PostgreSQL that Vault lends: what an administrator puts into Vault for it. Only the real Vault does this.

The files are `infra/postgres`. Each service has a database, and a policy of its own to ask for users of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template

from assay.vault.admin import VaultAdmin
from assay.vault.errors import translated
from assay.vault.layout import POLICIES

FILES = POLICIES.parent / "postgres"
LEASE_SECONDS = 3600
MOST_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server as Vault reaches it; `options` are libpq's, such as `sslmode=verify-full`."""

    host: str
    port: int
    options: str = "sslmode=verify-full"


@dataclass(frozen=True)
class Lending:
    """One service's users: how long one lives, and how long at most however often it is renewed, in seconds."""

    service: str
    password: str = field(repr=False)  # of the user Vault lends others with
    lease_seconds: int = LEASE_SECONDS
    most_seconds: int = MOST_SECONDS


def statements(name: str, service: str, **more: str) -> list[str]:
    """Return the statements of a file of `infra/postgres` for a service."""
    text = Template((FILES / name).read_text(encoding="utf-8"))
    filled = text.safe_substitute(service=_sql_name(service), **more)
    return [line for line in filled.splitlines() if line]


def owner_statements(service: str, password: str) -> list[str]:
    """Return what an administrator of PostgreSQL runs once for a service."""
    return statements("owner.sql", service, password=password)


def configure_database(admin: VaultAdmin, server: Postgres, lent: Sequence[Lending]) -> None:
    """Let Vault lend users of each service's database, and each service ask for its own; may be repeated."""
    client = admin.client
    with translated():
        if "database/" not in client.sys.list_mounted_secrets_engines()["data"]:
            client.sys.enable_secrets_engine("database")
        for one in lent:
            _configure_one(admin, server, one)


def rotate_database(admin: VaultAdmin, service: str) -> None:
    """Change the password Vault lends a service's users with to one that only Vault knows; users lent go on."""
    with translated():
        admin.client.secrets.database.rotate_root_credentials(service)


def _configure_one(admin: VaultAdmin, server: Postgres, lent: Lending) -> None:
    name = _sql_name(lent.service)
    database = admin.client.secrets.database
    address = f"{server.host}:{server.port}/assay_{name}?{server.options}"
    database.configure(
        lent.service,
        "postgresql-database-plugin",
        allowed_roles=[lent.service],
        connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@{address}",
        username=f"assay_{name}_vault",
        password=lent.password,
    )
    database.create_role(
        lent.service,
        lent.service,
        creation_statements=statements("create-user.sql", lent.service),
        renew_statements=statements("renew-user.sql", lent.service),
        revocation_statements=statements("revoke-user.sql", lent.service),
        default_ttl=f"{lent.lease_seconds}s",
        max_ttl=f"{lent.most_seconds}s",
    )
    policy = f"database-{lent.service}"
    text = Template((FILES / "creds.hcl").read_text(encoding="utf-8")).substitute(service=lent.service)
    admin.client.sys.create_or_update_policy(policy, text)
    login = admin.client.auth.approle.read_role(lent.service)["data"]
    admin.client.auth.approle.create_or_update_approle(
        lent.service, token_policies=sorted({*login["token_policies"], policy})
    )


def _sql_name(service: str) -> str:
    return service.replace("-", "_")
