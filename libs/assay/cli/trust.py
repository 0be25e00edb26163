"""`assay trust`: let this user's browsers know the platform's authority, or forget it."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.context import Context
from assay.client.trust import Authority, BrowserStore, authorities


@click.group()
def trust() -> None:
    """Whether this user's browsers trust the platform's pages."""


@trust.command()
@click.option("--print", "only_print", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_obj
def install(context: Context, *, only_print: bool) -> None:
    """Let this user's browsers trust the platform's authority for servers; no system store is touched."""
    store = BrowserStore(Path.home())
    for authority in authorities(context.folder / "ca.pem"):
        _tell(authority, store)
        if not only_print:
            store.install(authority)
            click.echo("  installed; restart the browser. `assay trust remove` takes it back")


@trust.command()
@click.pass_obj
def remove(context: Context) -> None:
    """Have this user's browsers forget the platform's authority."""
    store = BrowserStore(Path.home())
    for authority in authorities(context.folder / "ca.pem"):
        gone = store.remove(authority)
        click.echo(f"{authority.nickname}: {'removed' if gone else 'was not installed'}")


def _tell(authority: Authority, store: BrowserStore) -> None:
    click.echo(
        f"{authority.nickname}\n  SHA-256 {authority.fingerprint}\n  into {store.folder} (this user's browsers)"
    )
    limit = (
        f"only {', '.join(authority.hosts)}"
        if authority.hosts
        else "ANY host name: trust it on this machine only"
    )
    click.echo(f"  it may certify {limit}")


COMMANDS = [trust]
