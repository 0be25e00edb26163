"""A torch module as ONNX bytes, in memory."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any, Final

from services.training.packages import INPUT, OUTPUT

OPSET: Final = 17


def onnx_bytes(model: Any, width: int) -> bytes:  # noqa: ANN401 - torch.nn.Module
    """Return a module, float32 `[n, width]` to `[n, 1]`, as an ONNX graph with `n` open.

    The classic exporter writes one self-contained file; the newer one keeps weights outside it.
    """
    import torch

    wrapped = getattr(model, "module", model)  # what DistributedDataParallel wraps
    inner = copy.deepcopy(wrapped).cpu().eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            inner,
            (torch.zeros(2, width),),
            buffer,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return buffer.getvalue()
