"""Endpoints from the outside: `assay endpoint`, `assay predict`, `assay receipt export`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from assay.cli.context import Context, as_person, show
from assay.cli.versions import endpoint_name
from assay.errors import BadRequest


@click.command()
@click.argument("name", metavar="ENVIRONMENT/NAME")
@as_person
@click.pass_obj
def endpoint(context: Context, name: str, as_: str | None) -> None:
    """Show an endpoint's address, version and state."""
    environment, place = endpoint_name(name)
    with context.session(as_) as session:
        show(session.endpoints.get(environment, place))


@click.command()
@click.argument("name", metavar="ENVIRONMENT/NAME")
@click.argument("rows", metavar="ROWS_JSON")
@as_person
@click.pass_obj
def predict(context: Context, name: str, rows: str, as_: str | None) -> None:
    """Ask an endpoint for predictions; ROWS_JSON is [[feature, …], …]."""
    environment, place = endpoint_name(name)
    try:
        table = json.loads(rows)
    except ValueError as error:
        raise BadRequest(f"ROWS_JSON is not JSON: {error}") from error
    with context.session(as_) as session:
        show(session.endpoints.predict(environment, place, table))


@click.group()
def receipt() -> None:
    """Receipts of predictions."""


@receipt.command(name="export")
@click.argument("name", metavar="ENVIRONMENT/NAME")
@click.argument("id_", metavar="RECEIPT")
@click.option("-o", "--output", default="receipt.json", show_default=True, type=click.Path(path_type=Path))
@as_person
@click.pass_obj
def export_receipt(context: Context, name: str, id_: str, output: Path, as_: str | None) -> None:
    """Write one file that proves a prediction's whole chain to anybody who holds root.json."""
    environment, place = endpoint_name(name)
    with context.session(as_) as session:
        bundle = session.endpoints.receipt_bundle(environment, place, id_)
    output.write_text(json.dumps(bundle, indent=1))
    click.echo(f"wrote {output} ({output.stat().st_size:,} bytes)")


COMMANDS = [endpoint, predict, receipt]
