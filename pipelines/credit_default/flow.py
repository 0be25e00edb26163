"""The Dagster job: ingest, build features, train, register, evaluate; as the person who started it.

Every step calls the platform through `assay` with that person's certificate, and hands the next one references.
Dagster reads the annotations themselves, so this module does not postpone them.
"""

from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    ConfigurableResource,
    Definitions,
    asset,
    define_asset_job,
)

import assay
from pipelines.credit_default import steps
from pipelines.credit_default.references import JsonReferences

Reference = dict[str, Any]


class Person(ConfigurableResource):  # type: ignore[type-arg]
    """Whose certificate the flow uses, at which platform."""

    home: str
    name: str

    def session(self) -> assay.Session:
        """Open a session as that person."""
        return assay.connect(self.home, as_=self.name)


@asset
def clients(context: AssetExecutionContext, person: Person) -> Reference:
    """One batch of clients, checked, tagged, encrypted."""
    with person.session() as session:
        session.data.define("clients", steps.contract("clients"))
        pushed = session.data.push(
            "clients",
            "2005-10",
            steps.clients(),
            source="uci-credit-default",
            recorded_at=steps.CLIENTS_KNOWN,
        )
    context.log.info("clients: %s rows, %s quarantined", pushed["rows"], pushed["quarantined"])
    return pushed


@asset
def statements(context: AssetExecutionContext, person: Person) -> list[Reference]:
    """Six monthly batches of statements; broken rows end in quarantine."""
    with person.session() as session:
        session.data.define("statements", steps.contract("statements"))
        pushed = []
        for month, content in steps.statements():
            pushed.append(session.data.push("statements", month, content, source="uci-credit-default"))
            context.log.info("statements %s: %s rows", month, pushed[-1]["rows"])
    return pushed


@asset
def feature_set(person: Person, clients: Reference, statements: list[Reference]) -> Reference:
    """Rows of the view as they were known on each date."""
    facts = [clients["fact"], *(batch["fact"] for batch in statements)]
    with person.session() as session:
        session.data.define_view(steps.VIEW, steps.view())
        return session.data.feature_set(steps.VIEW, facts, steps.AS_OF, steps.LABEL, purpose=steps.PURPOSE)


@asset
def run(context: AssetExecutionContext, person: Person, feature_set: Reference) -> Reference:
    """One training run on a throw-away Ray cluster, with signed provenance."""
    with person.session() as session:
        started = session.runs.start(
            model=steps.MODEL,
            source=steps.source(),
            feature_set=feature_set["fact"],
            parameters=steps.PARAMETERS,
        )
        context.log.info("run %s", started)
        return {"run": started, **session.runs.wait(started)}


@asset
def versions(person: Person, feature_set: Reference, run: Reference) -> list[Reference]:
    """Each checkpoint of the run evaluated on held-out rows and registered as a version."""
    found = []
    with person.session() as session:
        for checkpoint in run["checkpoints"]:
            package = checkpoint["package"]
            evaluation = session.runs.evaluate(
                run=run["fact"],
                checkpoint=checkpoint["name"],
                package=package,
                feature_set=feature_set["fact"],
            )
            version = session.models.register(steps.MODEL, run=run["fact"], checkpoint=checkpoint["name"])
            found.append({**version, "checkpoint": checkpoint["name"], "evaluation": evaluation})
    return found


ASSETS: list[AssetsDefinition] = [clients, statements, feature_set, run, versions]
job = define_asset_job("credit_default", selection=ASSETS)


def definitions(home: str, name: str) -> Definitions:
    """Return everything Dagster needs to run the flow as one person at one platform."""
    return Definitions(
        assets=ASSETS,
        jobs=[job],
        resources={
            "person": Person(home=home, name=name),
            "io_manager": JsonReferences(folder=f"{home}/people/{name}/references"),
        },
    )
