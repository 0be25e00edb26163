"""A registry with something to look at: two versions that differ, one in production, one on its way."""

from __future__ import annotations

from typing import Any

from assay.contracts import FactKind
from assay.custody import package_digest
from assay.ledger import Record
from services.registry.asking import Asking
from tests.unit.custody.graphs import package
from tests.unit.custody.world import GOOD
from tests.unit.registry.desk import PROD, Desk

SCRIPT = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
CARD = dict.fromkeys(
    (
        "model_details",
        "factors",
        "metrics",
        "evaluation_data",
        "training_data",
        "quantitative_analyses",
        "ethical_considerations",
        "caveats_and_recommendations",
    ),
    "Gradient boosting on six months of statements.\nReviewed by the risk team.",
) | {"intended_use": f"Score applications. {SCRIPT}"}
RISK: dict[str, Any] = {
    "map": {
        "context": "Credit lines for private customers.",
        "affected_people": "Applicants",
        "risks": [
            {
                "risk": f"Younger people are refused more often {SCRIPT}",
                "likelihood": "medium",
                "impact": "high",
            }
        ],
    },
    "measure": {"methods": "Fairness slices by age and sex.", "findings": "A gap of 0.04 in AUC."},
    "manage": {
        "treatments": [
            {"risk": "Age", "response": "Threshold reviewed", "owner": "p-bea", "due": "2027-01-31"}
        ],
        "residual_risk": "medium",
        "accepted_because": "The gap is smaller than version 1's.",
    },
}


def furnished(desk: Desk, asking: Asking) -> None:
    """Make version 1 champion of prod, and version 2 wait with one of two approvals."""
    _trained(desk, "run-1", ("2005-04", "2005-05"), auc=0.78, shift=0.0)
    desk.register(run="run-1")
    desk.stating.derive("credit-default", 1)
    desk.approved(1)
    desk.promote(1)
    _trained(desk, "run-2", ("2005-05", "2005-06", "2005-07"), auc=0.81, shift=9.0)
    desk.register(run="run-2")
    desk.stating.derive("credit-default", 2)
    dana, amir = desk.person("dana"), desk.person("amir")
    desk.stating.write("credit-default", 2, "model-card", CARD, valid_until=None, by=dana)
    desk.stating.write("credit-default", 2, "risk-record", RISK, valid_until=None, by=amir)
    desk.say("amir", 2)
    asking.request("credit-default", 2, PROD, note="The new months are in.", due=None, by=desk.person("dana"))
    asking.comment("credit-default", 2, f"Looked at the slices. {SCRIPT}", by=desk.person("bea"))


def _trained(desk: Desk, run: str, months: tuple[str, ...], *, auc: float, shift: float) -> Record:
    """Have a run make a package, and the evaluator say everything an evaluator says."""
    world = desk.world
    batches = [world.batch(month) for month in months]
    features = world.feature_set(*batches, name=f"fs-{run}")
    files = package(datasets=(features.digest,), README_md=run.encode())
    desk.runs.given[run, "epoch-3"] = files
    record = world.run(features, {"epoch-3": package_digest(files)}, run=run)
    body = {
        "package": package_digest(files),
        "run": record.digest,
        "feature_set": features.digest,
        "rows": features.fact.body["splits"]["test"],
        "metrics": {**GOOD, "auc": auc, "selected": 0.21},
        "slices": _slices(auc),
        "calibration": [[n / 10 + 0.05, min(1.0, n / 10 + 0.03 + shift / 300), 600.0] for n in range(10)],
        "roc": [[0.0, 0.0], *[[n / 20, min(1.0, (n / 20) ** (1 - auc * 0.8))] for n in range(1, 21)]],
        "deciles": {
            "age": [float(20 + 5 * n + shift) for n in range(9)],
            "limit": [float(10_000 * (n + 1) + shift) for n in range(9)],
        },
    }
    return world.say(FactKind.EVALUATION, f"evaluation/{body['package']}", body)


def _slices(auc: float) -> dict[str, dict[str, dict[str, float]]]:
    def group(less: float, n: int) -> dict[str, float]:
        return {"auc": auc - less, "selected": 0.2 + less, "n": float(n), "f1": 0.4}

    return {
        "sex": {"1": group(0.0, 2400), "2": group(0.02, 3600)},
        "age": {"under 30": group(0.04, 1700), "30 to 39": group(0.0, 2200), "40 to 49": group(0.01, 1300)},
    }
