"""What every command shares: which platform, as whom, and how a document is printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from assay.client import Platform, Session, connect
from assay.errors import ServiceError


@dataclass
class Context:
    """The command line's choice of platform and tenant."""

    home: str | None
    tenant: str | None = None

    @property
    def platform(self) -> Platform:
        """The platform's addresses and trust anchors."""
        return Platform.load(self.home)

    @property
    def folder(self) -> Path:
        """The home folder, whether or not there is a platform in it."""
        return Path(self.home or Path.home() / ".assay").resolve()

    def session(self, as_: str | None = None) -> Session:
        """Open a session as the person named, or the last who logged in."""
        return connect(self.home, as_=as_, tenant=self.tenant)


as_person = click.option("--as", "as_", metavar="NAME", help="The person (default: who logged in last).")


def refuse(refusal: ServiceError) -> None:
    """Say a refusal on standard error: its name, its reason and its fix."""
    click.secho(f"{type(refusal).__name__} ({refusal.status})", fg="red", err=True, bold=True)
    click.echo(f"  {refusal.detail}\n  fix: {refusal.fix}", err=True)


def show(document: Any) -> None:  # noqa: ANN401 - JSON
    """Print a JSON document for people and programs alike."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
