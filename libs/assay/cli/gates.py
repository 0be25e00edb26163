"""Gates and approvals: `assay gate`, `assay statement`, `assay approve`, `assay reject`, `assay withdraw`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import click

from assay.cli.context import Context, as_person, refuse, show
from assay.cli.versions import model_version
from assay.client.sign_in import passkey_of
from assay.contracts import Conditions, canonical, sha256_hex
from assay.errors import ServiceError

C = TypeVar("C", bound=Callable[..., Any])

environment_option = click.option(
    "--to", "environment", required=True, type=click.Choice(["dev", "test", "prod"])
)
endpoint_option = click.option(
    "--endpoint", default="", help="Judge it for this endpoint of the environment."
)
role_option = click.option("--role", default="approver", show_default=True, help="The role I decide in.")

standing_in_option = click.option("--standing-in", is_flag=True, help="In the role of somebody who is away.")
LIMITS = [
    click.option(
        "--until",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="Nothing answers on it after this: 2026-12-24T12:00:00Z.",
    ),
    click.option(
        "--only-endpoint",
        multiple=True,
        metavar="NAME",
        help="It counts for this endpoint alone; repeatable.",
    ),
]


def limits_options(command: C) -> C:
    """Add the options by which an approval is limited."""
    for option in LIMITS:
        command = option(command)
    return command


@click.group()
def gate() -> None:
    """The gate of an environment: evidence, measures and approvals, judged by policy."""


@gate.command()
@click.argument("model")
@environment_option
@endpoint_option
@as_person
@click.pass_obj
def check(context: Context, model: str, environment: str, endpoint: str, as_: str | None) -> None:
    """Judge a version for an environment, as JSON. Exit 0 pass, 1 fail, 2 inconclusive, or not judged at all."""
    try:
        name, number = model_version(model)
        with context.session(as_) as session:
            verdict = session.models.gate(name, number, environment, endpoint)
    except ServiceError as refusal:
        show({"outcome": "inconclusive", "refusal": refusal.problem()})
        refuse(refusal)
        sys.exit(2)
    show(verdict)
    sys.exit(_status(verdict))


@gate.command()
@click.argument("model")
@environment_option
@endpoint_option
@as_person
@click.pass_obj
def explain(context: Context, model: str, environment: str, endpoint: str, as_: str | None) -> None:
    """Say in words what stands, what is missing before this can be approved, and how to get it."""
    name, number = model_version(model)
    with context.session(as_) as session:
        verdict = session.models.gate(name, number, environment, endpoint)
    where = f"{environment}/{endpoint}" if endpoint else environment
    click.echo(f"{name} v{number} into {where}: {verdict['outcome']} ({verdict['rule']})")
    if verdict["lowered_from"]:
        click.secho(f"  LOWERED  from tier {verdict['lowered_from']} to {verdict['tier']}", fg="red")
    for one in verdict["evidence"]:
        click.echo(f"  have     {one['kind']}  {one['digest'][:12]}")
    for one in verdict["approvals"]:
        limits = "".join(f", {words}" for words in one["conditions"])
        click.echo(f"  have     approval by {one['person']} as {one['role']}{limits}")
    for one in verdict["missing"]:
        click.echo(
            f"  {'FAILS' if one['state'] == 'fail' else 'missing'}  {one['what']}\n           {one['how']}"
        )
    sys.exit(_status(verdict))


def _status(verdict: Mapping[str, Any]) -> int:
    """Return 0 for a clear pass, 1 for a clear fail, 2 for everything else."""
    if verdict.get("passed") is True and verdict.get("outcome") == "pass":
        return 0
    return 1 if verdict.get("outcome") == "fail" else 2


@click.command()
@click.argument("model")
@environment_option
@click.option("--verb", default="approve", type=click.Choice(["approve", "reject", "withdraw"]))
@limits_options
@as_person
@click.pass_obj
def statement(
    context: Context,
    model: str,
    environment: str,
    verb: str,
    until: datetime | None,
    only_endpoint: tuple[str, ...],
    as_: str | None,
) -> None:
    """Show what I would sign, in full, and its digest."""
    name, number = model_version(model)
    limits = Conditions.of(only_endpoint, until)
    with context.session(as_) as session:
        wanted = session.approvals.statement(name, number, environment, verb=verb, conditions=limits)
    show({"statement": wanted, "sha256": sha256_hex(canonical(wanted))})


def _signing(verb: str, says: str) -> click.Command:
    @click.command(name=verb, help=says)
    @click.argument("model")
    @environment_option
    @role_option
    @standing_in_option
    @click.option("--reason", default="", help="Signed with it, and in the ledger for good: name nobody.")
    @as_person
    @click.pass_obj
    def sign(
        context: Context,
        model: str,
        environment: str,
        role: str,
        reason: str,
        as_: str | None,
        *,
        standing_in: bool,
        until: datetime | None = None,
        only_endpoint: tuple[str, ...] = (),
    ) -> None:
        name, number = model_version(model)
        with context.session(as_) as session:
            passkey = passkey_of(session.platform, session.identity.folder.name)
            said = session.approvals.approve(
                passkey,
                name,
                number,
                environment,
                verb=verb,
                role=role,
                reason=reason,
                standing_in=standing_in,
                conditions=Conditions.of(only_endpoint, until),
            )
            show(said)

    return limits_options(sign) if verb == "approve" else sign


COMMANDS = [
    gate,
    statement,
    _signing("approve", "Sign a version for an environment with my (software) passkey."),
    _signing("reject", "Say no to a version for an environment, signed."),
    _signing("withdraw", "Take my approval of a version back, signed."),
]
