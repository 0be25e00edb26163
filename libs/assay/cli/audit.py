"""The ledger, checked from outside: the group `assay audit`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from assay.cli import audit_search
from assay.cli.context import Context, as_person, show
from assay.errors import BadRequest
from assay.ledger import LedgerClient, Root
from assay.ledger.auditing import Audit, Finding, Kept
from assay.ledger.auditing import audit as audited
from assay.ledger.bundle import path_json
from assay.ledger.errors import NotWitnessed
from assay.ledger.kept import kept_note, load_kept, save_kept
from assay.ledger.spelling import said_size
from assay.ledger.stored import StoredLog
from assay.ledger.tree import verify_consistency

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
PAGE = 500
since_note = click.option(
    "--checkpoint", type=FILE, help="A note that somebody kept, instead of this client's own memory."
)


@click.group()
def audit() -> None:
    """The ledger, checked from outside."""


@audit.command(name="verify")
@as_person
@since_note
@click.option("--store", type=FILE, help="A ledger's SQLite file, read offline instead of asking the ledger.")
@click.option("--trust-root", type=FILE, help="root.json (default: the platform's pinned one).")
@click.option("--kept", "folder", type=FOLDER, help="Where audits keep what they saw (default: in the home).")
@click.pass_obj
def audit_verify(
    context: Context,
    as_: str | None,
    checkpoint: Path | None,
    store: Path | None,
    trust_root: Path | None,
    folder: Path | None,
) -> None:
    """Recompute the whole log and say where it was changed. Exit 0 clean, 1 changed.

    Every signature, assertion, head and root is recomputed from the entries and compared with the checkpoint and
    the leaf hashes that the last audit kept: what was changed since is named by its index.
    """
    root = Root.load(trust_root or context.platform.root)
    folder = folder or context.folder / "checkpoints" / "audit"
    kept = kept_note(checkpoint, root) if checkpoint else load_kept(folder, root) or _seen(context, root)
    if store is not None:
        done, misfiled = _stored(store, root, kept)
    else:
        with context.session(as_) as session:
            done, misfiled = _asked(session.ledger, root, kept), []
    _say(done, misfiled, root, kept)
    if misfiled or done.findings or done.kept is None:
        sys.exit(1)
    try:
        save_kept(folder, done.kept, root)
    except NotWitnessed as error:
        click.echo(f"nothing new is kept: {error.detail}")


@audit.group()
def proof() -> None:
    """Proofs of the ledger, verified here and printed as JSON."""


@proof.command()
@as_person
@click.argument("digest")
@click.pass_obj
def inclusion(context: Context, as_: str | None, digest: str) -> None:
    """Prove that a fact is in the log."""
    with context.session(as_) as session:
        bundle = session.ledger.proof_bundle([digest], revocation_keys=[])
    show({"checkpoint": bundle["checkpoint"], **bundle["entries"][0]})


@proof.command()
@as_person
@since_note
@click.pass_obj
def consistency(context: Context, as_: str | None, checkpoint: Path | None) -> None:
    """Prove that the log continues the one of a kept checkpoint."""
    with context.session(as_) as session:
        old = kept_note(checkpoint, session.root) if checkpoint else _seen(context, session.root)
        if old is None:
            raise BadRequest("no checkpoint was kept here yet", fix="name one with --checkpoint")
        first, second = sorted((old.checkpoint, session.ledger.checkpoint()), key=lambda one: one.size)
        path = session.ledger.consistency(first.size, second.size)
        verify_consistency(first.size, second.size, path, first.root, second.root)
    show({"first": first.note, "second": second.note, "path": path_json(path)})


def _seen(context: Context, root: Root) -> Kept | None:
    """Return the last checkpoint this client saw while it worked."""
    file = context.folder / "checkpoints" / "client.json"
    return kept_note(file, root) if file.is_file() else None


def _stored(store: Path, root: Root, kept: Kept | None) -> tuple[Audit, list[Finding]]:
    log = StoredLog(store)
    return audited(log.entries(), log.notes(), root, kept, witnessed=False), log.misfiled


def _asked(ledger: LedgerClient, root: Root, kept: Kept | None) -> Audit:
    note = ledger.note()
    return audited(_entries(ledger, said_size(note)), [note], root, kept)


def _entries(ledger: LedgerClient, size: int) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start < size and (page := ledger.envelopes(start, min(PAGE, size - start))):
        yield from enumerate(page, start)
        start += len(page)


def _say(done: Audit, misfiled: list[Finding], root: Root, kept: Kept | None) -> None:
    for finding in (*done.findings, *misfiled):
        click.secho(f"CHANGED: {finding}", fg="red", err=True)
    if done.findings or misfiled:
        return
    if done.kept is None:
        click.secho("NOTHING SIGNED: there is no checkpoint to compare the log with", fg="red", err=True)
        return
    newest = done.kept.checkpoint
    click.echo(f"log of {done.size} entries verified against {root.log_origin}; root {newest.root.hex()}")
    if newest.size < done.size:
        click.echo(
            f"the last {done.size - newest.size} are signed by their services and by no checkpoint yet"
        )
    before = f"size {kept.checkpoint.size}, seen before" if kept else "nothing: this was the first audit here"
    click.echo(f"compared with {before}")


for each in audit_search.COMMANDS:
    audit.add_command(each)

COMMANDS = [audit]
