"""What is known of a version: `assay evidence`, `assay card edit`, `assay risk edit`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from assay.cli.context import Context, as_person, show
from assay.cli.versions import model_version
from assay.client import Session
from assay.client.evidence import RISK_DRAFT, card_draft
from assay.contracts import strict_json
from assay.errors import BadRequest, NotFound

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
        draft = _standing(session, name, number, "model-card") or card_draft(
            session.models.version(name, number)
        )
        _write(session, name, number, "model-card", _edited(draft, file), valid_until)


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
        draft = _standing(session, name, number, "risk-record") or RISK_DRAFT
        _write(session, name, number, "risk-record", _edited(draft, file), valid_until)


def _standing(session: Session, name: str, number: int, kind: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = session.evidence.document(name, number, kind)["document"]
    except NotFound:
        return None
    return found


def _edited(draft: Mapping[str, Any], file: Path | None) -> Mapping[str, Any]:
    """Return the document of a file, or what an editor makes of the draft; raises BadRequest."""
    if file is not None:
        text: str | None = file.read_text(encoding="utf-8")
    else:
        text = click.edit(json.dumps(draft, indent=2, ensure_ascii=False), extension=".json")
    if text is None:
        raise BadRequest(
            "nothing was written", fix="save the document in the editor, or name one with --file"
        )
    document = strict_json(text)
    if not isinstance(document, dict):
        raise BadRequest("the document is no JSON object")
    return document


def _write(
    session: Session, name: str, number: int, kind: str, document: Mapping[str, Any], valid_until: str | None
) -> None:
    show(session.evidence.write(name, number, kind, document, valid_until=valid_until))


COMMANDS = [evidence, card, risk]
