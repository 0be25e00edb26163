"""What a name meant when: `assay history credit-default@champion --at 2026-11-20T09:00:00Z`."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import click

from assay.cli.context import Context, as_person, show
from assay.custody.history import export_history, history, moment_of, moves, verify_history
from assay.errors import BadRequest
from assay.ledger import LedgerClient, Root

ALIAS = re.compile(r"(?:models:/)?(?P<model>[a-z0-9-]+)@(?P<alias>[a-z0-9-]+)")
ENDPOINT = re.compile(r"(?P<environment>dev|test|prod)/(?P<endpoint>[a-z0-9-]+)")


def about_of(name: str, environment: str) -> str:
    """Return the head of `model@alias` (in an environment) or of `environment/endpoint`."""
    if found := ALIAS.fullmatch(name):
        return f"alias/{environment}/{found['model']}@{found['alias']}"
    if found := ENDPOINT.fullmatch(name):
        return f"endpoint/{found['environment']}/{found['endpoint']}"
    raise BadRequest(f"{name[:80]!r} is neither MODEL@ALIAS nor ENVIRONMENT/ENDPOINT")


@click.command(name="history")
@click.argument("name")
@click.option(
    "--in", "environment", default="prod", show_default=True, type=click.Choice(["dev", "test", "prod"])
)
@click.option("--at", metavar="TIME", help="What it meant then; without it every move is shown.")
@click.option("--proof", type=click.Path(path_type=Path), help="Write the proof of --at to this file.")
@as_person
@click.pass_obj
def show_history(
    context: Context, name: str, environment: str, at: str | None, proof: Path | None, as_: str | None
) -> None:
    """Say what an alias or endpoint meant when, each move proven by the ledger and checked here."""
    about = about_of(name, environment)
    with context.session(as_) as session:
        if at is None:
            show([stood.to_json() for stood in history(moves(session.ledger, about))])
            return
        _show_at(session.ledger, session.root, about, moment_of(at), proof)


def _show_at(ledger: LedgerClient, root: Root, about: str, at: datetime, proof: Path | None) -> None:
    bundle = export_history(ledger, about, at)
    verified = verify_history(bundle, root)
    show(
        {
            "about": about,
            "at": at.isoformat(),
            "meant": verified.stood.to_json() if verified.stood else None,
            "log_size": verified.size,
        }
    )
    if proof is not None:
        proof.write_text(json.dumps(bundle, indent=1), encoding="utf-8")


COMMANDS = [show_history]
