"""`assay webhook`: who outside is told of versions, decisions, aliases and revocations."""

from __future__ import annotations

import sys

import click

from assay.cli.context import Context, as_person, show

EVENTS = (
    "model_version.created",
    "model_version_alias.created",
    "approval.created",
    "rejection.created",
    "withdrawal.created",
    "revocation.created",
    "revocation.deleted",
    "model_version_alias.deleted",
)


@click.group()
def webhook() -> None:
    """Tell somebody outside what happens in the registry."""


@webhook.command()
@click.argument("name")
@click.argument("url")
@click.option("--event", "events", multiple=True, type=click.Choice(EVENTS), help="Default: all of them.")
@click.option("--form", type=click.Choice(["mlflow", "cloudevents"]), default="mlflow", show_default=True)
@as_person
@click.pass_obj
def add(context: Context, name: str, url: str, events: tuple[str, ...], form: str, as_: str | None) -> None:
    """Register a webhook, and print its secret: it is shown this once."""
    with context.session(as_) as session:
        show(session.webhooks.add(name, url, events or EVENTS, form=form))


@webhook.command(name="list")
@as_person
@click.pass_obj
def list_(context: Context, as_: str | None) -> None:
    """List the webhooks, and how their last try went."""
    with context.session(as_) as session:
        show({"webhooks": session.webhooks.all()})


@webhook.command()
@click.argument("name")
@as_person
@click.pass_obj
def test(context: Context, name: str, as_: str | None) -> None:
    """Send an event of no meaning now; exits 1 when it is not taken, and wakes a disabled webhook when it is."""
    with context.session(as_) as session:
        found = session.webhooks.test(name)
    show(found)
    if found["success"] is not True:
        sys.exit(1)


@webhook.command()
@click.argument("name")
@as_person
@click.pass_obj
def remove(context: Context, name: str, as_: str | None) -> None:
    """Forget a webhook and its secret."""
    with context.session(as_) as session:
        session.webhooks.remove(name)
    click.echo(f"{name} is told nothing more")


COMMANDS = [webhook]
