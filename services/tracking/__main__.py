"""`python -m services.tracking`: two listeners that answer at once, MLflow when it has started."""

from __future__ import annotations

from assay.web.server import run
from services.tracking.adapters.mlflow_server import MlflowServer
from services.tracking.app import build, people
from services.tracking.settings import TrackingSettings


def main() -> None:
    """Serve; the MLflow server is this process's child and ends with it."""
    settings = TrackingSettings.from_environment()
    mlflow = MlflowServer(settings.data_dir, settings.run_dir).start()
    try:
        run(
            settings,
            lambda parts: build(parts, mlflow),
            background=lambda _parts: mlflow.wait(),
            also=lambda parts: [people(parts, settings, mlflow)],
        )
    finally:
        mlflow.close()


if __name__ == "__main__":
    main()
