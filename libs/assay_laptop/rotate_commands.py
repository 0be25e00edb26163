"""The group `assay rotate`: replacing what everything stands on, while it runs."""

from __future__ import annotations

import click

from assay.cli.context import Context
from assay_laptop.home import Home


@click.group()
def rotate() -> None:
    """Replace what everything stands on: all but signing keys while it runs."""


@rotate.command("ca")
@click.option("--finish", is_flag=True, help="Drop the old root, once nothing of it is in use any more.")
@click.option("--now", is_flag=True, help="With --finish: do not wait for people's and runs' certificates.")
@click.pass_obj
def ca(context: Context, *, finish: bool, now: bool) -> None:
    """Replace the root of the platform's certificates; both are believed until `--finish`."""
    from assay_laptop import rotation

    home = Home.at(context.home)
    if finish:
        rotation.finish(home, say=click.echo, now=now)
    else:
        rotation.begin(home, say=click.echo)


@rotate.command("encryption")
@click.pass_obj
def encryption(context: Context) -> None:
    """Give every key that encrypts batches and feature sets a new version; what was sealed before still opens."""
    from assay.vault.rotation import rotate_encryption
    from assay_laptop import rotation

    with rotation.administered(Home.at(context.home)) as admin:
        rotated = rotate_encryption(admin)
    click.echo(f"{len(rotated)} keys have a new version; older ones open what they sealed")


@rotate.command("database")
@click.argument("service")
@click.pass_obj
def database(context: Context, service: str) -> None:
    """Change the password Vault lends a SERVICE's PostgreSQL users with to one that only Vault knows."""
    from assay.vault.database import rotate_database
    from assay_laptop import rotation

    with rotation.administered(Home.at(context.home)) as admin:
        rotate_database(admin, service)
    click.echo(f"Vault alone knows the password with which it lends users of {service}'s database")


@rotate.command("signing")
@click.option("--as", "founders", multiple=True, required=True, help="A founder who says it; once for each.")
@click.pass_obj
def signing(context: Context, founders: tuple[str, ...]) -> None:
    """Give every key that signs (but the log's own) a new version, listed by a next root; the platform is down."""
    from assay_laptop.genesis.succession import rotate_signing

    rotate_signing(Home.at(context.home), founders, say=click.echo)
