"""A run, as the script that trains in it sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Model: TypeAlias = Any
"""A `torch.nn.Module` from float32 `[n, k]` to probabilities `[n, 1]`, or the bytes of such an ONNX graph."""

FORMATS: Final = ("safetensors", "json")
"""What a checkpoint's files may be; pickles are refused."""


class Rows(NamedTuple):
    """The rows of a split: `x` is float32 `[n, k]`, `y` float32 `[n]`, `names` the k columns of `x`."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    names: tuple[str, ...]


class Run(Protocol):
    """One worker of one run. Every worker calls `report` the same number of times: it is a barrier."""

    @property
    def id(self) -> str:
        """The run's id, `run-…`."""

    @property
    def rank(self) -> int:
        """This worker's number, from 0."""

    @property
    def world(self) -> int:
        """How many workers train together."""

    @property
    def seed(self) -> int:
        """The seed of this run, in its provenance; every generator should start from it."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the person who started the run set."""

    def rows(self, split: str = "train") -> Rows:
        """Return every row of a split, decrypted in this worker's memory.

        Raises:
            HeldOut: the split is not "train". Asking fails the run, whether or not the script goes on.
        """

    def report(
        self, metrics: Mapping[str, float], *, step: int, checkpoint: Mapping[str, bytes] | None = None
    ) -> None:
        """Say how it goes. Metrics are the run's own claims; `step` counts up from 0.

        `checkpoint` maps file names (`.safetensors`, `.json`) to bytes; what rank 0 gives is kept, and
        training goes on behind it when a worker dies: offer a step's candidate before its report.
        """

    def resume(self) -> Mapping[str, bytes] | None:
        """Return the newest checkpoint when a worker died and training starts again, else None."""

    def candidate(
        self, name: str, model: Model, metrics: Mapping[str, float], *, threshold: float = 0.5
    ) -> None:
        """Offer a model, preprocessing included, as a package: what rank 0 offers is kept.

        `name` is the checkpoint's name, `metrics` what the run claims of it, and `threshold` the probability
        from which a row counts as positive, chosen on rows of the run.
        """
