"""Who did what: `assay audit search` and `assay audit export`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from assay.cli.context import Context, as_person
from assay.client import Session
from assay.client.audit import Left
from assay.contracts import FactKind
from assay.errors import ServiceError

TIME = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"])
since_option = click.option("--since", type=TIME, help="From this time on (UTC unless it says otherwise).")
until_option = click.option("--until", type=TIME, help="Before this time.")


@click.command()
@click.option("--person", help="A person, by name or id.")
@click.option("--action", help="A right such as registry/read, or a kind of fact such as role.")
@click.option("--about", help="What it was done to: an id of a path, or what a fact is about.")
@since_option
@until_option
@as_person
@click.pass_obj
def search(
    context: Context,
    person: str | None,
    action: str | None,
    about: str | None,
    since: datetime | None,
    until: datetime | None,
    as_: str | None,
) -> None:
    """Search facts and journals; one line each: time, who, what, outcome, about what, and where it stands."""
    with context.session(as_) as session:
        who = _person(session, person)
        times = {
            name: each.isoformat() for name, each in (("since", _utc(since)), ("until", _utc(until))) if each
        }
        about_it = {"about": about} if about else {}
        kind = action if action in set(FactKind) else None
        if action is None or kind:
            asked = times | about_it | ({"subject": who} if who else {}) | ({"kind": kind} if kind else {})
            for fact in session.audit.facts(**asked):
                click.echo(_fact_line(fact))
        if kind is None:
            asked = (
                times | about_it | ({"person": who} if who else {}) | ({"action": action} if action else {})
            )
            for line in _access_lines(session, asked):
                click.echo(line)


@click.command()
@click.option("--format", "format_", type=click.Choice(["ocsf"]), default="ocsf", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file (default: standard output).")
@since_option
@until_option
@as_person
@click.pass_obj
def export(
    context: Context,
    format_: str,
    output: Path | None,
    since: datetime | None,
    until: datetime | None,
    as_: str | None,
) -> None:
    """Write the whole trail as JSON lines for a SIEM, each line with the digests that prove it."""
    left = Left()
    count = 0
    with context.session(as_) as session, click.open_file(str(output or "-"), "w") as lines:
        for event in session.audit.export(left, since=_utc(since), until=_utc(until)):
            lines.write(json.dumps(event, sort_keys=True) + "\n")
            count += 1
    click.echo(f"{count} events ({format_})", err=True)
    if left.unlanded:
        click.echo(f"{left.unlanded} entries have not landed yet and are not in it; export again", err=True)
    for journal, why in left.silent.items():
        click.echo(f"{journal} is not in it, or not whole: {why}", err=True)


def _person(session: Session, said: str | None) -> str | None:
    if said is None or said.startswith("p-"):
        return said
    return session.people.named(said)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _access_lines(session: Session, asked: dict[str, str]) -> Iterator[str]:
    for head, service in session.audit.journals().items():
        try:
            for shown in session.audit.accesses(service, **asked):
                yield _access_line(head, shown)
        except ServiceError as refusal:
            click.echo(f"{head}: {type(refusal).__name__}: {refusal.detail}", err=True)


def _fact_line(fact: dict[str, Any]) -> str:
    who = ", ".join(each for each in fact["subjects"] if not each.startswith("spiffe:")) or "-"
    return f"{fact['time']}  {who}  {fact['kind']}  fact  {fact['about']}  log#{fact['index']}"


def _access_line(head: str, shown: dict[str, Any]) -> str:
    entry = shown["entry"]
    who = entry.get("person") or entry.get("identity") or entry.get("caller")
    outcome = entry.get("refusal") or entry.get("outcome", "answered")
    outcome += f" x{entry['count']}" if "count" in entry else ""
    about = " ".join(f"{name}={value}" for name, value in sorted(entry.get("resource", {}).items())) or "-"
    what = entry.get("action") or entry.get("route") or entry["type"]
    return f"{entry['time']}  {who}  {what}  {outcome}  {about}  {head}#{shown['index']}"


COMMANDS = [search, export]
