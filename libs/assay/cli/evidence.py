"""What is known of a version: `assay evidence`, `assay card edit`, `assay risk edit`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from assay.cli.context import Context, as_person, show
from assay.cli.versions import model_version
from assay.client import Session
from assay.client.evidence import RISK_DRAFT, card_draft
from assay.contracts import strict_json
from assay.errors import BadRequest, NotFound, ServiceError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
from_file = click.option("--file", type=FILE, help="Take the JSON of this file instead of opening an editor.")
until = click.option("--valid-until", metavar="TIME", help="Afterwards it is stale and counts no more.")


@click.command()
@click.argument("model")
@click.option("--type", "kind", help="Show this statement's document.")
@click.option("--derive", is_flag=True, help="State again what facts and stored bytes say.")
@as_person
@click.pass_obj
def evidence(context: Context, model: str, kind: str | None, derive: bool, as_: str | None) -> None:  # noqa: FBT001 - click's
    """Show what stands about a version: assay evidence models:/credit-default/1."""
    name, number = model_version(model)
    with context.session(as_) as session:
        if kind is not None:
            show(session.evidence.document(name, number, kind))
        else:
            show((session.evidence.derive if derive else session.evidence.all)(name, number))


@click.group()
def card() -> None:
    """The model card of a version, drafted from evidence and edited by people."""


@click.group()
def risk() -> None:
    """The risk record of a version, in the words of NIST's AI RMF: map, measure, manage."""


@card.command(name="edit")
@click.argument("model")
@from_file
@until
@as_person
@click.pass_obj
def card_edit(
    context: Context, model: str, file: Path | None, valid_until: str | None, as_: str | None
) -> None:
    """Write the model card; an approval given over an earlier one no longer counts."""
    name, number = model_version(model)
    with context.session(as_) as session:
        about = About(session, name, number, "model-card")
        _write(about, lambda: card_draft(session.models.version(name, number)), file, valid_until)


@risk.command(name="edit")
@click.argument("model")
@from_file
@until
@as_person
@click.pass_obj
def risk_edit(
    context: Context, model: str, file: Path | None, valid_until: str | None, as_: str | None
) -> None:
    """Write the risk record: what may go wrong, how it is looked at, what is done about it."""
    name, number = model_version(model)
    with context.session(as_) as session:
        _write(About(session, name, number, "risk-record"), lambda: RISK_DRAFT, file, valid_until)


@dataclass(frozen=True)
class About:
    """Which document of which version is written, and by whom."""

    session: Session
    model: str
    number: int
    kind: str

    def standing(self) -> tuple[str, Mapping[str, Any] | None]:
        """Return the fact and the document that stand; empty and None where none does."""
        try:
            found = self.session.evidence.document(self.model, self.number, self.kind)
        except NotFound:
            return "", None
        return str(found["fact"]), found["document"]

    def write(self, text: str, valid_until: str | None, over: str | None) -> None:
        """State a document and print what was stated."""
        document = _read(text)
        evidence = self.session.evidence
        show(evidence.write(self.model, self.number, self.kind, document, valid_until=valid_until, over=over))


def _write(
    about: About, draft: Callable[[], Mapping[str, Any]], file: Path | None, valid_until: str | None
) -> None:
    """State the document of a file, or what an editor makes of what stands; what was edited is never lost."""
    if file is not None:
        about.write(file.read_text(encoding="utf-8"), valid_until, None)
        return
    over, there = about.standing()
    before = json.dumps(draft() if there is None else there, indent=2, ensure_ascii=False)
    text = _edited(before)
    if text.strip() == before.strip() and valid_until is None:
        raise BadRequest("nothing was changed", fix="change the document, or say until when it is valid")
    try:
        about.write(text, valid_until, over)
    except ServiceError:
        with NamedTemporaryFile("w", prefix="assay-", suffix=".json", encoding="utf-8", delete=False) as kept:
            kept.write(text)
        click.echo(f"what you wrote is kept: go on with --file {kept.name}", err=True)
        raise


def _edited(text: str) -> str:
    """Return what an editor made of a text; raises BadRequest when there is no editor, or nothing was saved."""
    try:
        found = click.edit(text, extension=".json")
    except click.ClickException as error:
        raise BadRequest(
            f"no editor wrote it: {error.format_message()}",
            fix="set EDITOR, or name the document with --file",
        ) from error
    if found is None:
        raise BadRequest(
            "nothing was written", fix="save the document in the editor, or name one with --file"
        )
    return found


def _read(text: str) -> Mapping[str, Any]:
    document = strict_json(text)
    if not isinstance(document, dict):
        raise BadRequest("the document is no JSON object")
    return document


COMMANDS = [evidence, card, risk]
