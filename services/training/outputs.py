"""What a run uploads, parsed: every word of it is the run's own claim."""

from __future__ import annotations

import math
from typing import Any, Final

from assay.contracts import check_name, strict_json
from assay.errors import BadRequest, Invalid, ServiceError, refusal_from
from services.training.claims import believable
from services.training.domain import Offered
from services.training.errors import BadOutput, ScriptFailed

_DIGEST: Final = 64
_TOLD: Final = 1000


def metrics_of(data: bytes) -> dict[str, float]:
    """Return a report's metrics, if they may be true."""
    return believable(_numbers(_object(data, {"metrics"})["metrics"]))


def candidate_of(name: str, data: bytes) -> Offered:
    """Return a candidate as the run describes it; its graph is uploaded beside it."""
    check_name(name, "candidate")
    told = _object(data, {"graph", "claims", "threshold"})
    threshold = told["threshold"]
    if not _is_number(threshold) or not 0 < threshold < 1:
        raise BadOutput(f"the threshold {str(threshold)[:40]!r} is no probability")
    graph = told["graph"]
    if not isinstance(graph, str) or len(graph) != _DIGEST:
        raise BadOutput("the candidate names no graph by its SHA-256")
    return Offered(name, graph, believable(_numbers(told["claims"])), float(threshold))


def failure_of(data: bytes) -> ServiceError:
    """Return why a run says it fails: a refusal of ours by its name, or the script's own error."""
    told = _object(data, {"title", "detail"})
    title, detail = str(told["title"])[:80], str(told["detail"])[:_TOLD]
    found = refusal_from({"title": title, "detail": detail, "status": Invalid.status})
    return found if title.isidentifier() and title != "ServiceError" else ScriptFailed(detail)


def _object(data: bytes, members: set[str]) -> dict[str, Any]:
    try:
        told = strict_json(data)
    except (BadRequest, UnicodeDecodeError) as error:
        raise BadOutput(f"not JSON: {error}") from error
    if not isinstance(told, dict) or set(told) != members:
        raise BadOutput(f"an object with {', '.join(sorted(members))} is expected")
    return told


def _numbers(told: Any) -> dict[str, float]:  # noqa: ANN401 - JSON
    if not isinstance(told, dict) or not all(_is_number(value) for value in told.values()):
        raise BadOutput("metrics are an object of numbers")
    return {str(name): float(value) for name, value in told.items()}


def _is_number(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
