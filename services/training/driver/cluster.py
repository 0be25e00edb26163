"""A throw-away Ray cluster on this machine, and Ray Train in it.

Everything listens on loopback, with TLS by an authority of the run's own and a token; the environment that says
so is `cluster_environment`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from services.training.driver.order import RunOrder
from services.training.driver.worker import work

ADDRESS: Final = "127.0.0.1"
STARTS: Final = 3
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
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # what deterministic algorithms ask for on a GPU
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "HF_HUB_OFFLINE": "1",
    }


class ClusterDidNotStart(RuntimeError):
    """Ray's processes did not come up, several times."""


@contextlib.contextmanager
def cluster(order: RunOrder) -> Iterator[None]:
    """Start the run's cluster, and end it afterwards."""
    loading = threading.Thread(target=_load_ray_train, daemon=True)
    loading.start()
    import ray

    for tried in range(1, STARTS + 1):
        try:
            _start(order)
            break
        except Exception as error:  # Ray gives its own processes 30 s, whatever else the machine is doing
            ray.shutdown()
            end_children()
            if tried == STARTS:
                raise ClusterDidNotStart(f"{type(error).__name__}: {error}") from error
    loading.join()
    try:
        yield
    finally:
        ray.shutdown()


def end_children() -> None:
    """End what a failed start left running: Ray forgets it, and it would take the next start's time.

    Where processes are not listed under /proc they stay until this one ends.
    """
    ours = str(os.getpid())
    for listed in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended by itself
            if listed.read_text().rpartition(")")[2].split()[1] == ours:
                os.kill(int(listed.parent.name), signal.SIGKILL)


def _start(order: RunOrder) -> None:
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


def _load_ray_train() -> None:
    import services.training.driver.group  # noqa: F401 - seconds of Ray Train that fit beside the cluster's start


def train(order: RunOrder) -> str | None:
    """Train; return None when the script came to its end on every worker, else what the cluster says."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError

    from services.training.driver.group import FileGroup, LeanTrainer

    trainer = LeanTrainer(
        work,
        train_loop_config={"order": asdict(order)},
        scaling_config=ScalingConfig(num_workers=order.workers, use_gpu=order.gpu),
        backend_config=FileGroup(str(order.home), "cpu:gloo,cuda:nccl" if order.gpu else "gloo"),
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
