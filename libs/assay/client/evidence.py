"""Evidence of a version: what stands, its documents, and what people write about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.client.session import Session

RISK_DRAFT: Mapping[str, Any] = {
    "map": {
        "context": "",
        "affected_people": "",
        "risks": [{"risk": "", "likelihood": "low", "impact": "low"}],
    },
    "measure": {"methods": "", "findings": ""},
    "manage": {"treatments": [], "residual_risk": "low", "accepted_because": ""},
}


class Evidence:
    """What the registry keeps about a version besides its bytes."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")

    def all(self, model: str, number: int) -> list[dict[str, Any]]:
        """Return the statements that stand: type, digest of the document, figures, who says it, since when."""
        return list(self._registry.get(_path(model, number))["evidence"])

    def document(self, model: str, number: int, kind: str) -> dict[str, Any]:
        """Return one statement with its document."""
        return dict(self._registry.get(f"{_path(model, number)}/{kind}"))

    def derive(self, model: str, number: int) -> list[dict[str, Any]]:
        """Have the registry state again what facts and stored bytes say; what stands already stays."""
        return list(self._registry.post(_path(model, number))["evidence"])

    def write(
        self,
        model: str,
        number: int,
        kind: str,
        document: Mapping[str, Any],
        *,
        valid_until: str | None = None,
        over: str | None = None,
    ) -> dict[str, Any]:
        """State what this person wrote: a `model-card` or a `risk-record`, every heading filled.

        With `over`, the fact it was made from (empty: there was none), it is refused when another stands now.
        """
        body = {"document": dict(document), "valid_until": valid_until, "over": over}
        return dict(self._registry.put(f"{_path(model, number)}/{kind}", body))


def card_draft(version: Mapping[str, Any]) -> dict[str, str]:
    """Return a model card's headings; what evidence says is filled in, what only people know is left empty."""
    evaluations = [one for one in version["evidence"] if one["kind"] == "evaluation"]
    return {
        "model_details": (
            f"{version['model']} version {version['number']}, checkpoint {version['checkpoint']} of run "
            f"{version['run_id']}, package {version['package']}, tier {version['tier']}."
        ),
        "intended_use": "",
        "factors": _lines(
            f"{slice_}: {', '.join(groups)}"
            for one in evaluations
            for slice_, groups in one["slices"].items()
        ),
        "metrics": _lines(_figures(one["metrics"]) for one in evaluations),
        "evaluation_data": _lines(
            f"Rows the run was not given; evaluation {one['digest']}." for one in evaluations
        ),
        "training_data": _lines(f"Batch {batch}." for batch in version["batches"]),
        "quantitative_analyses": _lines(
            f"{slice_} {group}: {_figures(measures)}"
            for one in evaluations
            for slice_, groups in one["slices"].items()
            for group, measures in groups.items()
        ),
        "ethical_considerations": "",
        "caveats_and_recommendations": "",
    }


def _figures(measures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(measures.items()))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _path(model: str, number: int) -> str:
    return f"/v1/models/{model}/versions/{number}/evidence"
