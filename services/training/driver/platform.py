"""What a worker may ask of the platform, with the run's certificate and order: rows, and a place for outputs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx
from opentelemetry import context

from assay import encrypted
from assay.contracts import canonical, sha256_hex
from assay.custody import from_tar, to_tar
from assay.errors import NotFound, ServiceError, SignatureInvalid
from assay.identity.certificates import Certified
from assay.identity.holder import CertificateHolder
from assay.telemetry import extracted
from assay.web.client import call
from services.training.driver.order import RunOrder

if TYPE_CHECKING:
    import pyarrow as pa

LABEL = "label"
SECONDS = 60.0


class Platform:
    """The run's own connections to features and training; closing it closes them."""

    def __init__(self, order: RunOrder) -> None:
        self._order = order
        self._trace = context.attach(extracted({"traceparent": order.traceparent}))
        identity = run_identity(order)
        self._features = identity.client(order.features_url, expect="features", timeout=SECONDS)
        self._training = identity.client(order.training_url, expect="training", timeout=SECONDS)

    def table(self, split: str) -> pa.Table:
        """Return a split's rows: key and ciphertext from features, decrypted in memory; raises HeldOut."""
        wanted = {"order": self._order.order, "split": split}
        released = call(self._features.post("/v1/keys", json=wanted)).json()
        digest = str(released["digest"])
        ciphertext = call(self._features.get(f"/v1/objects/{digest}")).content
        if sha256_hex(ciphertext) != digest:
            raise SignatureInvalid(f"the ciphertext of {split} has another SHA-256 than features names")
        columns = [*self._order.features, LABEL]
        return encrypted.read(ciphertext, base64.b64decode(released["key"]), columns)

    def report(self, step: int, metrics: Mapping[str, float]) -> None:
        """Give a report to training."""
        self._put(f"reports/{step}.json", canonical({"metrics": dict(metrics)}))

    def keep(self, step: int, files: Mapping[str, bytes]) -> None:
        """Give the state after `step` to training, which seals it."""
        self._put(f"checkpoints/{step}.tar", to_tar(files))

    def newest(self) -> dict[str, bytes] | None:
        """Return the newest state training keeps of this run."""
        try:
            return from_tar(call(self._training.get(self._path("checkpoints/newest.tar"))).content)
        except NotFound:
            return None

    def offer(self, name: str, graph: bytes, claims: Mapping[str, float], threshold: float) -> None:
        """Give a candidate to training: the graph, then what is claimed of it."""
        self._put(f"candidates/{name}.onnx", graph)
        said = {"graph": sha256_hex(graph), "claims": dict(claims), "threshold": threshold}
        self._put(f"candidates/{name}.json", canonical(said))

    def fail(self, title: str, detail: str) -> None:
        """Tell training why the run fails; that training is gone by then changes nothing."""
        try:
            self._put("failure.json", canonical({"title": title, "detail": detail[:1000]}))
        except (ServiceError, httpx.HTTPError):
            return

    def _put(self, path: str, data: bytes) -> None:
        call(self._training.put(self._path(path), content=data))

    def _path(self, output: str) -> str:
        return f"/v1/runs/{self._order.run}/outputs/{output}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._features.close()
        self._training.close()


def run_identity(order: RunOrder) -> CertificateHolder:
    """Return the run's certificate, from the files the control process put into the run's folder."""
    key = (order.home / "identity.key").read_text(encoding="utf-8")
    chain = (order.home / "identity.pem").read_text(encoding="utf-8")
    ca_pem = (order.home / "ca.pem").read_text(encoding="utf-8")
    return CertificateHolder(Certified.read(key, chain), ca_pem, order.home)


def numbers(table: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow in, numpy out
    """Return one column as float32; null becomes NaN."""
    return table.column(name).to_numpy().astype("float32")
