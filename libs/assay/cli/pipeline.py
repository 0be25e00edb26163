"""Running a pipeline: `assay run credit_default`, or `assay run my_package.flow` from one's own repository."""

from __future__ import annotations

import time

import click

from assay.cli.context import Context, as_person
from assay.client.session import last_person


@click.command()
@click.argument("pipeline")
@as_person
@click.pass_obj
def run(context: Context, pipeline: str, as_: str | None) -> None:
    """Run a pipeline's Dagster job as yourself; you become a contributor of what it makes."""
    from assay.flows import execute

    platform = context.platform
    name = as_ or last_person(platform.home)
    began = time.monotonic()

    def tell(step: str, state: str, seconds: float | None) -> None:
        took = f"  {seconds:6.1f} s" if seconds is not None else ""
        click.echo(f"[{time.monotonic() - began:6.1f} s] {step:<14} {state}{took}")

    outcome = execute(pipeline, str(platform.home), name, tell)
    for version in outcome.get("versions", []):
        click.echo(
            f"registered models:/{version['model']}/{version['number']}  package {version['package'][:16]}…"
        )


COMMANDS = [run]
