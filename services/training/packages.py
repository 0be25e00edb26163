"""What a candidate becomes: a package that MLflow, an approver and the evaluator each can read.

Nothing in it depends on the run's id or the time, so the same code on the same rows with the same seed gives
the same package digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from assay.contracts import canonical
from assay.custody import CARD_FILE, MODEL_FILE, Content, PackageFiles, model_card
from services.training.errors import WrongPorts

INPUT: Final = "features"
OUTPUT: Final = "probability"
SIGNATURE_FILE: Final = "signature.json"
NAMES_FILE: Final = "feature_names.json"
Inspect: TypeAlias = Callable[[PackageFiles], Content]
"""Who looks into a package and refuses what none may hold: `assay.custody.inspect`."""
_FLOAT: Final = 1  # onnx.TensorProto.FLOAT
_USE: Final = "Scores one row of the features named in feature_names.json with a probability."
_LIMITS: Final = (
    "Draft, written by training: complete it before asking for approval.",
    "Trained on the rows of the feature set named here and nothing else; other populations are untested.",
    "Metrics in this card are the run's own claims; the evaluator's measures stand in its fact.",
)


@dataclass(frozen=True)
class Candidate:
    """A model as a run offered it, with what the run claims of it."""

    name: str
    graph: bytes  # ONNX
    claims: Mapping[str, float]
    threshold: float


def package_of(
    candidate: Candidate,
    *,
    model: str,
    feature_set: str,
    features: Sequence[str],
    view: str,
    inspect: Inspect,
) -> dict[str, bytes]:
    """Return the files of a candidate's package.

    Raises:
        PackageRefused: the graph is none, or holds what no package may (see `assay.custody.inspect`).
        WrongPorts: it takes or gives something else than a package must.
    """
    card = model_card(
        model,
        intended_use=[_USE],
        limitations=list(_LIMITS),
        datasets=[feature_set],
        metrics=candidate.claims,
    )
    signature = {
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, len(features)]}],
        "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, 1]}],
        "threshold": candidate.threshold,
    }
    files = {
        MODEL_FILE: candidate.graph,
        CARD_FILE: card,
        SIGNATURE_FILE: canonical(signature),
        NAMES_FILE: canonical(list(features)),
        "MLmodel": _mlmodel(len(features)),
        "README.md": _readme(candidate, model, feature_set, features, view),
    }
    check_ports(inspect(files), len(features))
    return files


def check_ports(content: Content, width: int) -> None:
    """Return when the graph is `features` float32 `[n, width]` -> `probability` float32 `[n, 1]` or `[n]`."""
    if len(content.inputs) != 1 or len(content.outputs) != 1:
        raise WrongPorts(f"the graph has {len(content.inputs)} inputs and {len(content.outputs)} outputs")
    (taken,), (given,) = content.inputs, content.outputs
    if (taken["name"], taken["type"], len(taken["shape"])) != (INPUT, _FLOAT, 2):
        raise WrongPorts(f"the graph's input is {dict(taken)}")
    if taken["shape"][1] != width:
        raise WrongPorts(f"the graph takes {taken['shape'][1]} columns; the feature set has {width}")
    if (given["name"], given["type"]) != (OUTPUT, _FLOAT) or list(given["shape"])[1:] not in ([], [1]):
        raise WrongPorts(f"the graph's output is {dict(given)}")


def _mlmodel(width: int) -> bytes:
    """Return MLflow's description of the model; a JSON document is YAML too, and equal ones are equal bytes."""

    def port(name: str, columns: int) -> dict[str, Any]:
        spec = {"dtype": "float32", "shape": [-1, columns]}
        return {"name": name, "type": "tensor", "tensor-spec": spec}

    document = {
        "flavors": {
            "onnx": {"data": MODEL_FILE, "onnx_version": "1", "providers": ["CPUExecutionProvider"]},
            "python_function": {"loader_module": "mlflow.onnx", "data": MODEL_FILE},
        },
        "signature": {
            "inputs": json.dumps([port(INPUT, width)]),
            "outputs": json.dumps([port(OUTPUT, 1)]),
        },
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _readme(candidate: Candidate, model: str, feature_set: str, features: Sequence[str], view: str) -> bytes:
    claims = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(candidate.claims.items()))
    names = ", ".join(features)
    return f"""# Model card: {model} ({candidate.name})

Draft, written by training. Complete it before asking for approval; `{CARD_FILE}` says the same for machines.

## Model Details
An ONNX graph with its preprocessing inside. Input `{INPUT}`: float32 [n, {len(features)}]; output `{OUTPUT}`.

## Intended Use
{_USE}

## Factors
To be completed: groups and conditions the model's quality may depend on. The evaluation fact has slices.

## Metrics
The run's own claims; what counts is the evaluator's fact. Positive from probability {candidate.threshold:g}.

| metric | claimed |
|---|---|
{claims}

## Evaluation Data
The held-out rows of the feature set below; the run was not given them.

## Training Data
View `{view}`, feature set `urn:assay:fact:{feature_set}`.
Columns: {names}.

## Quantitative Analyses
See the evaluation fact: AUC, F1, Brier score, calibration, slices.

## Ethical Considerations
To be completed.

## Caveats and Recommendations
{chr(10).join("- " + line for line in _LIMITS)}
""".encode()
