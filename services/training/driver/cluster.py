"""A throw-away Ray cluster on this machine, and Ray Train in it.

Everything listens on loopback, with TLS by an authority of the run's own and a token; the environment that says
so is `cluster_environment`. Torch's process group meets at a file of the run's folder: torch's own meeting point
would be a port on every address, without TLS or token.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from assay.contracts import new_id
from services.training.driver.order import RunOrder
from services.training.driver.worker import work

ADDRESS: Final = "127.0.0.1"
OBJECT_STORE_BYTES: Final = 80_000_000  # nothing of size goes through it: rows never leave a worker


def cluster_environment(folder: Path) -> dict[str, str]:
    """Return what Ray, torch and MLflow read: TLS, token, no telemetry, nothing written outside the folder."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's own switch for "nodes are on loopback"
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(folder / "cluster.pem"),
        "RAY_TLS_SERVER_KEY": str(folder / "cluster.key"),
        "RAY_TLS_CA_CERT": str(folder / "cluster-ca.pem"),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_V2_ENABLED": "1",
        "RAY_TRAIN_METRICS_ENABLED": "0",
        "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
        "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "GLOO_SOCKET_IFNAME": "lo",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "HF_HUB_OFFLINE": "1",
    }


@contextlib.contextmanager
def cluster(order: RunOrder) -> Iterator[None]:
    """Start the run's cluster, and end it afterwards."""
    loading = threading.Thread(target=_load_ray_train, daemon=True)
    loading.start()
    import ray

    ray.init(
        num_cpus=order.workers,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _temp_dir=str(order.home),
        _system_config={"automatic_object_spilling_enabled": False},
    )
    loading.join()
    try:
        yield
    finally:
        ray.shutdown()


def _load_ray_train() -> None:
    import ray.train.torch  # noqa: F401 - four seconds that fit beside the cluster's start


def train(order: RunOrder) -> str | None:
    """Train; return None when the script came to its end on every worker, else what the cluster says."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError

    trainer = _trainer_class()(
        work,
        train_loop_config={"order": asdict(order)},
        scaling_config=ScalingConfig(num_workers=order.workers, use_gpu=order.gpu),
        torch_config=_meeting_at_a_file(order.home, gpu=order.gpu),
        run_config=RunConfig(
            name=order.run,
            storage_path=str(order.home / "train"),
            failure_config=FailureConfig(max_failures=order.max_failures),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as failure:
        return _told(failure)
    return None


def _told(failure: Exception) -> str:
    """Return the first worker's error in a line, or the cluster's own."""
    of_workers: Mapping[int, Exception] = getattr(failure, "worker_failures", {})
    errors = [f"worker {rank}: {error}" for rank, error in sorted(of_workers.items())] or [str(failure)]
    lines = [line.strip() for line in errors[0].splitlines() if line.strip()]
    return (lines[-1] if lines else type(failure).__name__)[:500]


def _trainer_class() -> Any:  # noqa: ANN401 - a subclass of Ray's, made when Ray is loaded
    from ray.train.torch import TorchTrainer

    class LeanTrainer(TorchTrainer):  # type: ignore[misc,unused-ignore]
        """TorchTrainer without two helpers a throw-away cluster has no use for.

        One cleans up after a driver that dies (here the cluster dies with it) through the dashboard, which is
        off; the other hands out Ray data sets, which no run has. Together they take five seconds.
        """

        _UNUSED = frozenset({"PlacementGroupCleanerCallback", "DatasetsCallback"})

        def _create_default_callbacks(self) -> list[Any]:
            made: list[Any] = super()._create_default_callbacks()
            return [each for each in made if type(each).__name__ not in self._UNUSED]

    return LeanTrainer


def _meeting_at_a_file(folder: Path, *, gpu: bool) -> Any:  # noqa: ANN401 - a subclass of Ray's
    import ray
    from ray.train.torch import TorchConfig
    from ray.train.torch.config import (
        _set_torch_distributed_env_vars,
        _setup_torch_process_group,
        _TorchBackend,
    )

    class FileBackend(_TorchBackend):  # type: ignore[misc,unused-ignore]
        """Forms torch's process group through a file of the run's folder, a new one at each attempt."""

        def on_start(self, worker_group: Any, backend_config: Any) -> None:  # noqa: ANN401 - Ray's own
            meeting = f"file://{backend_config.folder}/{new_id('meeting')}"
            worker_group.execute(_set_torch_distributed_env_vars)
            joining = [
                worker_group.execute_single_async(
                    rank,
                    _setup_torch_process_group,
                    backend=backend_config.backend,
                    world_rank=rank,
                    world_size=len(worker_group),
                    init_method=meeting,
                    timeout_s=backend_config.timeout_s,
                )
                for rank in range(len(worker_group))
            ]
            ray.get(joining)

    @dataclass
    class FileConfig(TorchConfig):  # type: ignore[misc,unused-ignore]
        """Torch's process group, met at a file."""

        folder: str = ""

        @property
        def backend_cls(self) -> type[FileBackend]:
            return FileBackend

    return FileConfig(backend="nccl" if gpu else "gloo", timeout_s=120, folder=str(folder))
