"""`assay.training.Run` inside a worker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from assay.contracts import check_name
from assay.errors import ServiceError
from assay.training import FORMATS, Model, Rows
from services.training.claims import believable
from services.training.driver.order import RunOrder
from services.training.driver.platform import Platform, numbers
from services.training.errors import BadOutput

_FILE: Final = re.compile(rf"[a-z][a-z0-9_-]{{0,62}}\.(?:{'|'.join(FORMATS)})")
TRAIN: Final = "train"


class InsideRun:
    """One worker's run: rows from features, everything else to training."""

    def __init__(self, order: RunOrder, platform: Platform, *, rank: int, world: int) -> None:
        self.id = order.run
        self.rank = rank
        self.world = world
        self.seed = order.seed
        self.parameters: Mapping[str, Any] = MappingProxyType(dict(order.parameters))
        self._features = tuple(order.features)
        self._platform = platform
        self._cheated: ServiceError | None = None

    def rows(self, split: str = TRAIN) -> Rows:
        """See `assay.training.Run.rows`."""
        import numpy as np

        try:
            table = self._platform.table(split)
        except ServiceError as refusal:
            if split != TRAIN:
                self._cheated = refusal
            raise
        x = np.stack([numbers(table, name) for name in self._features], axis=1)
        return Rows(x, numbers(table, "label"), self._features)

    def report(
        self, metrics: Mapping[str, float], *, step: int, checkpoint: Mapping[str, bytes] | None = None
    ) -> None:
        """See `assay.training.Run.report`."""
        import ray.train

        told = believable(metrics)
        odd = [name for name in checkpoint or {} if not _FILE.fullmatch(name)]
        if odd:
            raise BadOutput(f"{odd[0][:80]!r} is no safetensors or json file of a checkpoint")
        if self.rank == 0:
            if checkpoint:
                self._platform.keep(step, checkpoint)
            self._platform.report(step, told)
        ray.train.report(told)

    def resume(self) -> Mapping[str, bytes] | None:
        """See `assay.training.Run.resume`."""
        return self._platform.newest()

    def candidate(
        self, name: str, model: Model, metrics: Mapping[str, float], *, threshold: float = 0.5
    ) -> None:
        """See `assay.training.Run.candidate`."""
        claims = believable(metrics)
        check_name(name, "candidate")
        if self.rank == 0:
            graph = model if isinstance(model, bytes) else self._exported(model)
            self._platform.offer(name, graph, claims, threshold)

    def refuse_if_cheated(self) -> None:
        """Raise what a request for rows other than the run's own was refused with, even if the script hid it."""
        if self._cheated is not None:
            raise self._cheated

    def _exported(self, model: Any) -> bytes:  # noqa: ANN401 - torch.nn.Module
        from services.training.driver.export import onnx_bytes

        return onnx_bytes(model, len(self._features))
