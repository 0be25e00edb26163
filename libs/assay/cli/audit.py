"""The ledger, checked from outside: the group `assay audit`."""

from __future__ import annotations

import sys

import click

from assay.cli import audit_search
from assay.cli.context import Context, as_person
from assay.errors import ServiceError


@click.group()
def audit() -> None:
    """The ledger, checked from outside."""


@audit.command(name="verify")
@as_person
@click.pass_obj
def audit_verify(context: Context, as_: str | None) -> None:
    """Recompute the whole log: every signature, every assertion, the tree and both maps."""
    from assay.ledger import Follower

    with context.session(as_) as session:
        follower = Follower(session.ledger, session.root, lease_seconds=60)
        try:
            size = follower.catch_up()
        except ServiceError as refusal:
            click.secho(f"REFUSED: {refusal.detail}", fg="red", err=True)
            sys.exit(1)
        checkpoint = session.ledger.checkpoint()
    click.echo(
        f"log of {size} entries verified against {session.root.log_origin}; root {checkpoint.root.hex()}"
    )


for each in audit_search.COMMANDS:
    audit.add_command(each)

COMMANDS = [audit]
