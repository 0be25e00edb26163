"""Small things runs are made of: a graph, a run, a feature set's columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.training.domain import Run

NAMES: Final = ("a", "b", "sex", "age")


def graph(
    width: int = len(NAMES), *, given: str = "probability", taken: str = "features", op: str = "Sigmoid"
) -> bytes:
    """Return an ONNX graph, float32 [n, width] -> [n, 1]: a weight per column, then `op`."""
    weights = numpy_helper.from_array(np.full((width, 1), 0.1, "float32"), "w")
    nodes = [helper.make_node("MatMul", [taken, "w"], ["z"]), helper.make_node(op, ["z"], [given])]
    made = helper.make_graph(
        nodes,
        "scorer",
        [helper.make_tensor_value_info(taken, TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, ["n", 1])],
        [weights],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def run(**changes: Any) -> Run:  # noqa: ANN401 - a Run's members
    """Return a run that has just started."""
    told: dict[str, Any] = {
        "id": "run-0123456789abcdef",
        "person": "p-dana",
        "model": "credit-default",
        "experiment": "credit",
        "feature_set": "f" * 64,
        "entry": "train.py",
        "source": {"train.py": "a" * 64},
        "parameters": {"epochs": 2},
        "workers": 2,
        "seed": 7,
        "started": "2026-01-02T03:04:05.000Z",
        "mlflow_run": "m" * 32,
    }
    return Run(**told | changes)
