"""Who I am: `assay login`, `assay whoami`."""

from __future__ import annotations

import click

from assay.cli.context import Context, as_person, show
from assay.client.sign_in import log_in


@click.command()
@click.option("--as", "name", required=True, metavar="NAME", help="A person of a demonstration root.")
@click.pass_obj
def login(context: Context, name: str) -> None:
    """Sign identity's challenge and trade a key made here for a one-hour certificate."""
    person = log_in(context.platform, name)
    click.echo(f"logged in as {name} ({person.spiffe_id}) until {person.not_after:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"certificate and key: {person.combined_path}")


@click.command()
@as_person
@click.pass_obj
def whoami(context: Context, as_: str | None) -> None:
    """Show the certificate's identity and the roles the ledger gives it."""
    with context.session(as_) as session:
        people = session.service("identity").get("/v1/people")["people"]
        mine = [p for p in people if p["person"] == session.identity.spiffe_id.person]
        show({"identity": str(session.identity.spiffe_id), "person": mine[0] if mine else None})


@click.command()
@as_person
@click.pass_obj
def env(context: Context, as_: str | None) -> None:
    """Print the variables for an unchanged MLflow client: eval "$(assay env)"."""
    with context.session(as_) as session:
        for name, value in session.mlflow_environment().items():
            click.echo(f"export {name}={value}")


COMMANDS = [login, whoami, env]
