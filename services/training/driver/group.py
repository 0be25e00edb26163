"""Torch's process group for Ray Train, formed at a file of the run's folder.

Ray's own way is a meeting point on a port of every address, without TLS or token. This one also leaves torch to
the workers, which need it: Ray's makes driver and controller import it too, four seconds each.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import ray
from ray.train.backend import Backend, BackendConfig
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from assay.contracts import new_id

PATIENCE_SECONDS: Final = 120


@dataclass
class FileGroup(BackendConfig):  # type: ignore[misc,unused-ignore]
    """A process group of torch's `backend` (`gloo`, `cpu:gloo,cuda:nccl`) that meets in `folder`."""

    folder: str
    backend: str

    @property
    def backend_cls(self) -> type[FileBackend]:
        """Who forms it."""
        return FileBackend


class FileBackend(Backend):  # type: ignore[misc,unused-ignore]
    """Forms the group on every worker at once; a new file at each attempt."""

    def on_start(self, worker_group: Any, backend_config: FileGroup) -> None:  # noqa: ANN401 - Ray's own
        """See `ray.train.backend.Backend`."""
        meeting = f"file://{backend_config.folder}/{new_id('meeting')}"
        world = len(worker_group)
        ray.get(
            [
                worker_group.execute_single_async(rank, join, meeting, backend_config.backend, rank, world)
                for rank in range(world)
            ]
        )


def join(meeting: str, backend: str, rank: int, world: int) -> None:
    """Join the group: runs on each worker, before its script."""
    import torch.distributed

    local = str(ray.train.get_context().get_local_rank())
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=local)
    torch.distributed.init_process_group(
        backend,
        init_method=meeting,
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=PATIENCE_SECONDS),
    )


class LeanTrainer(DataParallelTrainer):  # type: ignore[misc,unused-ignore]
    """Ray Train's trainer without two helpers a throw-away cluster has no use for.

    One cleans up after a driver that dies (here the cluster dies with it) through the dashboard, which is off;
    the other hands out Ray data sets, which no run has. Together they take five seconds.
    """

    _UNUSED = frozenset({"PlacementGroupCleanerCallback", "DatasetsCallback"})

    def _create_default_callbacks(self) -> list[Any]:
        made: list[Any] = super()._create_default_callbacks()
        return [each for each in made if type(each).__name__ not in self._UNUSED]
