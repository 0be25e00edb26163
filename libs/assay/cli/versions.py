"""Versions, and what no longer counts: `assay version`, `promote`, `rollout`, `rollback`, `revoke`, `reinstate`."""

from __future__ import annotations

import re

import click

from assay.cli.context import Context, as_person, show
from assay.cli.history import ALIAS
from assay.contracts import sha256_hex
from assay.errors import BadRequest

MODEL = re.compile(r"(?:models:/)?(?P<name>[a-z0-9-]+)/(?P<number>[1-9][0-9]{0,8})")


def model_version(text: str) -> tuple[str, int]:
    """Read `models:/credit-default/2`, with or without the scheme."""
    found = MODEL.fullmatch(text)
    if not found:
        raise BadRequest(f"{text!r} is not models:/NAME/NUMBER")
    return found["name"], int(found["number"])


def named_thing(kind: str, name: str) -> str:
    """Return what a revocation names: `identity` and `/svc/core/features` are `identity/svc/core/features`."""
    if kind not in {"identity", "person", "key", "dependency"}:
        raise BadRequest(f"{kind!r} is none of identity, person, key, dependency")
    return f"{kind}/{name.removeprefix('/')}"


def endpoint_name(text: str) -> tuple[str, str]:
    """Read `prod/credit`: environment and endpoint."""
    environment, slash, place = text.partition("/")
    if not (environment and slash and place):
        raise BadRequest(f"{text!r} is not ENVIRONMENT/NAME", fix="name an endpoint as prod/credit")
    return environment, place


@click.command()
@click.argument("model")
@as_person
@click.pass_obj
def version(context: Context, model: str, as_: str | None) -> None:
    """Show one version, its evidence and its approvals: assay version models:/credit-default/1."""
    name, number = model_version(model)
    with context.session(as_) as session:
        show(session.models.version(name, number))


@click.command()
@click.argument("model")
@click.option("--alias", default="champion", show_default=True)
@click.option("--to", "environment", required=True, type=click.Choice(["dev", "test", "prod"]))
@as_person
@click.pass_obj
def promote(context: Context, model: str, alias: str, environment: str, as_: str | None) -> None:
    """Move an alias through the gate of an environment."""
    name, number = model_version(model)
    with context.session(as_) as session:
        show(session.models.move_alias(name, alias, number, environment))


@click.group()
def alias() -> None:
    """Names of versions that move without a gate: challenger, candidate, shadow, baseline."""


@alias.command(name="remove")
@click.argument("name", metavar="MODEL@ALIAS")
@click.option(
    "--in", "environment", default="prod", show_default=True, type=click.Choice(["dev", "test", "prod"])
)
@as_person
@click.pass_obj
def remove_alias(context: Context, name: str, environment: str, as_: str | None) -> None:
    """Take an alias off; what it meant stays in its history. A protected one (champion) changes at its gate."""
    found = ALIAS.fullmatch(name)
    if not found:
        raise BadRequest(f"{name[:80]!r} is not MODEL@ALIAS")
    with context.session(as_) as session:
        show(session.models.remove_alias(found["model"], found["alias"], environment))


@click.command()
@click.argument("model")
@click.option("--endpoint", required=True, metavar="ENVIRONMENT/NAME", help="For example prod/credit.")
@click.option("--reason", required=True)
@as_person
@click.pass_obj
def rollout(context: Context, model: str, endpoint: str, reason: str, as_: str | None) -> None:
    """Make an endpoint answer with a version."""
    name, number = model_version(model)
    environment, place = endpoint_name(endpoint)
    with context.session(as_) as session:
        show(session.endpoints.roll_out(environment, place, name, number, reason))


@click.command()
@click.option("--endpoint", required=True, metavar="ENVIRONMENT/NAME")
@click.option("--reason", required=True)
@as_person
@click.pass_obj
def rollback(context: Context, endpoint: str, reason: str, as_: str | None) -> None:
    """Return an endpoint to the version before."""
    environment, place = endpoint_name(endpoint)
    with context.session(as_) as session:
        show(session.endpoints.roll_back(environment, place, reason))


@click.command()
@click.argument("fact")
@click.argument("name", default="")
@click.option("--what", default="fact", show_default=True, help="In words: approval, version, batch, …")
@click.option("--reason", default="")
@click.option(
    "--no-way-back",
    is_flag=True,
    help="Revoke the ledger, the registry or the last administrators all the same.",
)
@click.option("--preview", is_flag=True, help="Show what would stop, and revoke nothing.")
@as_person
@click.pass_obj
def revoke(
    context: Context,
    fact: str,
    name: str,
    what: str,
    reason: str,
    as_: str | None,
    *,
    no_way_back: bool,
    preview: bool,
) -> None:
    """Say that FACT (a digest) no longer counts, or `identity /svc/core/features`, `person ID`, `key ID`."""
    if not (preview or reason):
        raise click.UsageError("Missing option '--reason': it stands in the ledger for good.")
    with context.session(as_) as session:
        named = named_thing(fact, name) if name else ""
        if preview:
            revokes = sha256_hex(named.encode()) if named else fact
            show(session.models.revocation_preview(revokes, what=named or what))
        elif named:
            show(session.models.revoke_named(named, reason=reason, no_way_back=no_way_back))
        else:
            show(session.models.revoke(fact, what=what, reason=reason))


@click.command()
@click.argument("fact")
@click.argument("name", default="")
@click.option("--what", default="fact", show_default=True, help="In words, where FACT is a digest.")
@click.option("--reason", required=True)
@as_person
@click.pass_obj
def reinstate(context: Context, fact: str, name: str, what: str, reason: str, as_: str | None) -> None:
    """End a revocation of FACT, or of `identity /svc/core/features`, `person ID`, `key ID`."""
    with context.session(as_) as session:
        named = named_thing(fact, name) if name else ""
        revokes = sha256_hex(named.encode()) if named else fact
        show(session.models.reinstate(revokes, what=named or what, reason=reason))


COMMANDS = [version, promote, alias, rollout, rollback, revoke, reinstate]
