"""The `assay` command: one module a topic; a refusal prints its name, its reason and its fix and exits 1."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import click

from assay import __version__
from assay.cli import (
    audit,
    evidence,
    gates,
    history,
    people,
    pipeline,
    policy,
    predictions,
    proofs,
    requests,
    trust,
    versions,
    webhooks,
)
from assay.cli.context import Context, refuse
from assay.errors import ServiceError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", envvar="ASSAY_HOME", help="The platform's folder (default: ~/.assay).")
@click.option("--tenant", envvar="ASSAY_TENANT", help="The tenant to act in (default: the platform's own).")
@click.version_option(__version__)
@click.pass_context
def assay(ctx: click.Context, home: str | None, tenant: str | None) -> None:
    """Models with proof of where they came from, who tested them and who said yes."""
    ctx.obj = Context(home, tenant)


TOPICS = (
    people,
    trust,
    pipeline,
    versions,
    evidence,
    gates,
    requests,
    predictions,
    proofs,
    history,
    audit,
    policy,
    webhooks,
)

for module in TOPICS:
    for command in module.COMMANDS:
        assay.add_command(command)

if importlib.util.find_spec("assay_laptop") is not None:  # the laptop profile comes with the checkout only
    for command in importlib.import_module("assay_laptop.commands").COMMANDS:
        assay.add_command(command)


def main() -> None:
    """Run the command; refusals end as three lines on standard error and exit status 1."""
    try:
        assay(standalone_mode=False)
    except ServiceError as refusal:
        refuse(refusal)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
