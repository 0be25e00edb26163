"""Gates and approvals: `assay gate`, `assay statement`, `assay approve`, `assay reject`, `assay withdraw`."""

from __future__ import annotations

import sys

import click

from assay.cli.context import Context, as_person, show
from assay.cli.versions import model_version
from assay.client.sign_in import passkey_of
from assay.contracts import canonical, sha256_hex

environment_option = click.option(
    "--to", "environment", required=True, type=click.Choice(["dev", "test", "prod"])
)


@click.command()
@click.argument("model")
@environment_option
@as_person
@click.pass_obj
def gate(context: Context, model: str, environment: str, as_: str | None) -> None:
    """Say whether a version may go to an environment, and what is missing. Exit 0 pass, 1 fail."""
    name, number = model_version(model)
    with context.session(as_) as session:
        verdict = session.models.gate(name, number, environment)
    show(verdict)
    sys.exit(0 if verdict.get("passed") is True else 1)


@click.command()
@click.argument("model")
@environment_option
@click.option("--verb", default="approve", type=click.Choice(["approve", "reject", "withdraw"]))
@as_person
@click.pass_obj
def statement(context: Context, model: str, environment: str, verb: str, as_: str | None) -> None:
    """Show what I would sign, in full, and its digest."""
    name, number = model_version(model)
    with context.session(as_) as session:
        wanted = session.approvals.statement(name, number, environment, verb=verb)
    show({"statement": wanted, "sha256": sha256_hex(canonical(wanted))})


def _signing(verb: str, says: str) -> click.Command:
    @click.command(name=verb, help=says)
    @click.argument("model")
    @environment_option
    @as_person
    @click.pass_obj
    def sign(context: Context, model: str, environment: str, as_: str | None) -> None:
        name, number = model_version(model)
        with context.session(as_) as session:
            passkey = passkey_of(session.platform, session.identity.folder.name)
            show(session.approvals.approve(passkey, name, number, environment, verb=verb))

    return sign


COMMANDS = [
    gate,
    statement,
    _signing("approve", "Sign a version for an environment with my (software) passkey."),
    _signing("reject", "Say no to a version for an environment, signed."),
    _signing("withdraw", "Take my approval of a version back, signed."),
]
