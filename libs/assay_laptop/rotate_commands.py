"""The group `assay rotate`: replacing what everything stands on, while it runs."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.context import Context, as_person
from assay.client import Session
from assay.client.next_root import Drafted
from assay.client.sign_in import passkey_of
from assay.errors import Conflict, NotFound
from assay.policy.bundle import KEY as POLICY
from assay.policy.bundle import public_pem
from assay_laptop.home import Home


@click.group()
def rotate() -> None:
    """Replace what everything stands on, while it runs."""


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
@click.option(
    "--status", is_flag=True, help="Show the draft that waits: what changes, its digest, who signed it."
)
@click.option("--withdraw", is_flag=True, help="Take the draft back.")
@click.option(
    "--sign", "founders", multiple=True, metavar="NAME", help="Sign with a demonstration's passkey; repeat."
)
@click.option(
    "--policy-author",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another policy author's public key (PEM), for the same next root.",
)
@as_person
@click.pass_obj
def signing(
    context: Context,
    founders: tuple[str, ...],
    policy_author: Path | None,
    as_: str | None,
    *,
    status: bool,
    withdraw: bool,
) -> None:
    """Draft a next root with new versions of the keys that sign, and let the founders say it while all goes on.

    Nothing is in force until enough founders signed, on identity's page or, in a demonstration, with --sign.
    """
    with context.session(as_) as session:
        if withdraw:
            session.next_root.withdraw()
            click.echo("the draft is withdrawn; the root in force goes on")
            return
        waits = status or bool(founders)
        drafted = session.next_root.standing() if waits else _draft(context, session, policy_author)
        names = {each["person"]: each["name"] for each in session.people.all() if each["name"]}
        fact = session.next_root.sign(drafted, [passkey_of(session.platform, one) for one in founders])
        if fact is not None:
            click.echo(
                f"root version {drafted.next.new.version} is in force, by fact {fact}: {drafted.next.digest}"
            )
            return
        shown = session.next_root.standing() if founders else drafted
        click.echo("\n".join(shown.words(names)))
        click.echo(f"founders sign at {session.platform.urls['people']}/next-root")


def _draft(context: Context, session: Session, policy_author: Path | None) -> Drafted:
    """Return the draft that waits, or a new one where none does."""
    from assay_laptop import rotation
    from assay_laptop.genesis.succession import rotated

    author = None if policy_author is None else public_pem(policy_author.read_bytes())
    try:
        waiting = session.next_root.standing()
    except NotFound:
        session.follower.catch_up()
        with rotation.administered(Home.at(context.home)) as admin:
            statement = rotated(admin, session.follower.root, author)
        return session.next_root.draft(statement)
    if author not in {None, waiting.next.new.services.get(POLICY)}:
        raise Conflict("a draft with another policy author waits already", fix="`--withdraw` it first")
    return waiting
