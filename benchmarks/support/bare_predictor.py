"""A predictor without a single protection: `python -m benchmarks.support.bare_predictor PORT MODEL.onnx`.

The same server, the same types and the same engine as ours; no TLS, no caller, no policy, no lease, no receipt.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn

from assay.custody import MODEL_FILE
from services.predictor.adapters.kserve import OpenInference
from services.predictor.adapters.onnx import OnnxModel
from services.predictor.tensors import arrays

MOST_ROWS = 4096


class Bare:
    """Decodes, runs and encodes; nothing else."""

    def __init__(self, model: bytes) -> None:
        package: Any = SimpleNamespace(files={MODEL_FILE: model})
        self._model = OnnxModel(package)
        self._wire = OpenInference()
        self._names = [port.name for port in self._model.outputs]
        self._answering: Any = SimpleNamespace(name="credit-default", number=1)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
        """See ASGI."""
        if scope["type"] != "http":
            return
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        content = self._predict(bytes(body))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _predict(self, body: bytes) -> bytes:
        asked = self._wire.decode(body, len(body), "credit-default")
        given = self._model.run(arrays(self._model.inputs, asked.inputs, MOST_ROWS))
        outputs = list(zip(self._names, given, strict=True))
        parameters = {"assay_receipt": "none", "assay_salt": "none"}
        return self._wire.encode(asked, self._answering, outputs, parameters).content


def main(port: str, model: str) -> None:
    """Serve until ended."""
    application = Bare(Path(model).read_bytes())
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(port),
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=75,  # as ours: the other's block may take longer than uvicorn's five seconds
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
