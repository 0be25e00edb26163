"""`assay request`: asking for approval and being asked; `assay delegate`, `assay delegations`: who decides for whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from assay.cli.context import Context, as_person, show
from assay.cli.gates import environment_option, limits_options, role_option, standing_in_option
from assay.cli.versions import model_version
from assay.client.sign_in import passkey_of
from assay.contracts import Conditions, strict_json
from assay.errors import BadRequest

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def request() -> None:
    """Ask people to decide about a version, and see what one is asked."""


@request.command()
@click.argument("model")
@environment_option
@click.option("--note", default="", help="What approvers should know.")
@click.option(
    "--due", type=datetime.fromisoformat, metavar="TIME", help="With its zone: 2026-12-24T12:00:00Z."
)
@as_person
@click.pass_obj
def ask(
    context: Context, model: str, environment: str, note: str, due: datetime | None, as_: str | None
) -> None:
    """Ask approvers to let a version into an environment."""
    name, number = model_version(model)
    with context.session(as_) as session:
        show(session.requests.ask(name, number, environment, note=note, due=due))


@request.command(name="list")
@as_person
@click.pass_obj
def list_(context: Context, as_: str | None) -> None:
    """List what waits for me, and what I asked for."""
    with context.session(as_) as session:
        found = session.requests.inbox()
    for heading, key in (("waits for me", "waiting"), ("asked by me", "asked")):
        click.echo(f"{heading}:")
        for one in found[key] or ():
            click.echo(f"  {line(one)}")


@request.command(name="show")
@click.argument("id_", metavar="ID")
@click.option("--verb", default="approve", type=click.Choice(["approve", "reject", "withdraw"]))
@role_option
@standing_in_option
@click.option("--reason", default="")
@limits_options
@click.option("--statement", type=FILE, help="Check the words of this file, as a page showed them, instead.")
@as_person
@click.pass_obj
def show_(
    context: Context,
    id_: str,
    verb: str,
    role: str,
    reason: str,
    until: datetime | None,
    only_endpoint: tuple[str, ...],
    statement: Path | None,
    as_: str | None,
    *,
    standing_in: bool,
) -> None:
    """Show what I would sign, recomputed here: words, digest, and what this machine checked itself.

    Exits 1 when the registry proposes anything that this machine does not arrive at.
    """
    shown = None if statement is None else strict_json(statement.read_bytes())
    if shown is not None and not isinstance(shown, dict):
        raise BadRequest(f"{statement} is no JSON object")
    with context.session(as_) as session:
        found = session.requests.recomputed(
            id_,
            verb=verb,
            role=role,
            reason=reason,
            standing_in=standing_in,
            shown=shown,
            conditions=Conditions.of(only_endpoint, until),
        )
    click.echo(line(found.request))
    if found.request["note"]:
        click.echo(f"  {found.request['note']}")
    for what, words in found.words:
        click.echo(f"  {what:<24} {words}")
    click.echo(f"  {'digest that is signed':<24} {found.digest}")
    for one in found.checked:
        click.echo(f"  checked here: {one}")


@request.command()
@click.argument("id_", metavar="ID")
@click.argument("text")
@as_person
@click.pass_obj
def question(context: Context, id_: str, text: str, as_: str | None) -> None:
    """Ask whoever asked, instead of deciding."""
    with context.session(as_) as session:
        click.echo(line(session.requests.question(id_, text)))


@request.command()
@click.argument("id_", metavar="ID")
@click.argument("text")
@as_person
@click.pass_obj
def comment(context: Context, id_: str, text: str, as_: str | None) -> None:
    """Comment on a request; from whoever asked it answers a question."""
    with context.session(as_) as session:
        found = session.requests.find(id_)
        show(session.requests.comment(found["model"], found["number"], text, request=id_))


@request.command()
@click.argument("id_", metavar="ID")
@as_person
@click.pass_obj
def withdraw(context: Context, id_: str, as_: str | None) -> None:
    """Take a request of mine back."""
    with context.session(as_) as session:
        click.echo(line(session.requests.withdraw(id_)))


@click.command()
@click.argument("role")
@click.option("--to", "name", default="", help="Who decides meanwhile.")
@click.option(
    "--until", type=datetime.fromisoformat, metavar="TIME", help="With its zone: 2026-12-24T12:00:00Z."
)
@click.option("--end", "ended", is_flag=True, help="I am back: nothing new is said for me.")
@as_person
@click.pass_obj
def delegate(
    context: Context, role: str, name: str, until: datetime | None, as_: str | None, *, ended: bool
) -> None:
    """Let somebody decide in a ROLE of mine while I am away, signed with my (software) passkey."""
    if ended is bool(name and until):
        raise click.UsageError("say --to and --until, or --end")
    with context.session(as_) as session:
        passkey = passkey_of(session.platform, session.identity.folder.name)
        if until is None or ended:
            show(session.delegations.end(passkey, role))
        else:
            to = session.people.named(name)
            show(session.delegations.delegate(passkey, role, to=to, until=until))


@click.command()
@as_person
@click.pass_obj
def delegations(context: Context, as_: str | None) -> None:
    """List who decides for whom, in which role, until when."""
    with context.session(as_) as session:
        show({"delegations": session.delegations.standing()})


def line(found: Mapping[str, Any]) -> str:
    """Return a request in one line."""
    due = f", due {found['due']}" if found["due"] else ""
    what = f"{found['model']} v{found['number']} into {found['environment']}"
    return f"{found['id']}  {what}  {found['state']}, asked by {found['by']}{due}"


COMMANDS = [request, delegate, delegations]
