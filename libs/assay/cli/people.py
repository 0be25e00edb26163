"""Who I am: `assay login`, `assay whoami`."""

from __future__ import annotations

import shlex

import click

from assay.cli.context import Context, as_person, show
from assay.client.sign_in import log_in, passkey_of


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
        mine = [p for p in session.people.all() if p["person"] == session.identity.spiffe_id.person]
        show({"identity": str(session.identity.spiffe_id), "person": mine[0] if mine else None})


@click.command()
@as_person
@click.pass_obj
def env(context: Context, as_: str | None) -> None:
    """Print the variables for an unchanged MLflow client: eval "$(assay env)"."""
    with context.session(as_) as session:
        for name, value in session.mlflow_environment().items():
            click.echo(f"export {name}={shlex.quote(value)}")


@click.command()
@as_person
@click.pass_obj
def people(context: Context, as_: str | None) -> None:
    """List everybody with the roles the ledger gives them."""
    with context.session(as_) as session:
        show(session.people.all())


@click.command()
@click.argument("name")
@click.argument("role")
@click.option(
    "--by", "administrators", multiple=True, required=True, help="An administrator who signs; repeat."
)
@click.option("--end", "ended", is_flag=True, help="Take the role away.")
@as_person
@click.pass_obj
def role(
    context: Context, name: str, role: str, administrators: tuple[str, ...], as_: str | None, *, ended: bool
) -> None:
    """Grant a role, or end it, with administrators' (software) passkeys."""
    with context.session(as_ or administrators[0]) as session:
        passkeys = [passkey_of(session.platform, each) for each in administrators]
        show(session.people.change_role(session.people.named(name), role, passkeys, ended=ended))


COMMANDS = [login, whoami, people, role, env]
