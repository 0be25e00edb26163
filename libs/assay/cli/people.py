"""Who I am: `assay login`, `assay whoami`."""

from __future__ import annotations

import shlex
import webbrowser

import click

from assay.cli.context import Context, as_person, show
from assay.client.sign_in import log_in, log_in_with_browser, log_in_with_device, passkey_of


@click.command()
@click.option("--as", "name", metavar="NAME", help="A person of a demonstration root: no browser.")
@click.option("--device", is_flag=True, help="Confirm in a browser on another machine.")
@click.pass_obj
def login(context: Context, name: str | None, *, device: bool) -> None:
    """Trade a key made here for a one-hour certificate: in the browser, or with `--as` in a demonstration."""
    if name is not None:
        person = log_in(context.platform, name)
    elif device:
        person = log_in_with_device(context.platform, _show_code)
    else:
        person = log_in_with_browser(context.platform, _open)
    who = name or person.person
    click.echo(f"logged in as {who} ({person.spiffe_id}) until {person.not_after:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"certificate and key: {person.combined_path}")


def _open(address: str) -> None:
    click.echo(f"opening {address}\n(no browser here? open it by hand on this machine, or use --device)")
    webbrowser.open(address)


def _show_code(address: str, code: str) -> None:
    click.echo(f"open {address}\nand confirm the code {code}; waiting")


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


@click.group(invoke_without_command=True)
@as_person
@click.pass_context
def people(ctx: click.Context, as_: str | None) -> None:
    """List everybody with the roles the ledger gives them; invite somebody, sign what waits."""
    if ctx.invoked_subcommand is None:
        with ctx.obj.session(as_) as session:
            show(session.people.all())


@people.command()
@click.argument("name")
@as_person
@click.pass_obj
def invite(context: Context, name: str, as_: str | None) -> None:
    """Make a link with which NAME (new or known) makes a passkey: it works once, for fifteen minutes."""
    with context.session(as_) as session:
        show(session.people.invite(name))


@people.command()
@as_person
@click.pass_obj
def pending(context: Context, as_: str | None) -> None:
    """List the passkeys and roles that wait for administrators' signatures."""
    with context.session(as_) as session:
        show(session.people.pending())


@people.command()
@click.argument("proposal")
@click.option("--by", "administrators", multiple=True, required=True, help="Who signs; repeat.")
@as_person
@click.pass_obj
def sign(context: Context, proposal: str, administrators: tuple[str, ...], as_: str | None) -> None:
    """Sign what waits with administrators' (software) passkeys; with others, sign in the browser."""
    with context.session(as_ or administrators[0]) as session:
        show(session.people.sign(proposal, [passkey_of(session.platform, each) for each in administrators]))


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
