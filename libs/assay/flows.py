"""Running a user's Dagster job and telling its progress. Dagster is imported when a job runs, never before."""

from __future__ import annotations

import importlib
import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay import telemetry
from assay.errors import Invalid, NotFound

Tell = Callable[[str, str, float | None], None]
DAGSTER_SETTINGS = "telemetry:\n  enabled: false\n"


class PipelineUnknown(NotFound):
    """There is no such pipeline to import."""

    fix = "name a folder of pipelines/ or a module with `definitions(home, name)`; run it where it can be imported"


class PipelineFailed(Invalid):
    """A step of the pipeline failed; what the steps before it did stands."""

    fix = "read the step's error, correct it and run the pipeline again: what is already done is recognised"


def execute(pipeline: str, home: str, person: str, tell: Tell) -> dict[str, Any]:
    """Run the only job of a pipeline in this process; returns each asset's reference by name.

    `tell(step, state, seconds)` is called when a step starts, succeeds or fails.
    """
    module = _module(pipeline)
    folder = Path(home) / "people" / person / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(DAGSTER_SETTINGS)
    os.environ["DAGSTER_HOME"] = str(folder)
    from dagster import DagsterInstance

    definitions = module.definitions(home, person)
    (job,) = definitions.jobs
    traces = telemetry.traced("pipeline", Path(home) / "telemetry", pipeline)
    with traces, DagsterInstance.from_config(str(folder)) as instance:
        run_id = str(uuid.uuid4())
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(instance, run_id, tell, ended), daemon=True)
        watcher.start()
        result = definitions.resolve_job_def(job.name).execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        ended.set()
        watcher.join()
        if not result.success:
            raise PipelineFailed(_why(result))
        return {
            event.step_key: result.output_for_node(event.step_key)
            for event in result.get_step_success_events()
        }


def _module(pipeline: str) -> Any:  # noqa: ANN401 - the user's own module
    for name in (f"pipelines.{pipeline}.flow", pipeline):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise PipelineUnknown(f"no module pipelines.{pipeline}.flow and none called {pipeline}")


def _why(result: Any) -> str:  # noqa: ANN401 - Dagster's result
    for event in result.filter_events(lambda e: e.is_step_failure):
        error = event.step_failure_data.error
        cause = error.cause or error
        return f"step {event.step_key}: {cause.message.strip()}"
    return "the job failed before its first step"


def _watch(instance: Any, run_id: str, tell: Tell, ended: threading.Event) -> None:  # noqa: ANN401
    seen = 0
    started: dict[str, float] = {}
    while True:
        last_round = ended.wait(0.2)
        entries = instance.all_logs(run_id)
        for entry in entries[seen:]:
            _tell_entry(entry, started, tell)
        seen = len(entries)
        if last_round:
            return


def _tell_entry(entry: Any, started: dict[str, float], tell: Tell) -> None:  # noqa: ANN401 - Dagster's entry
    event = entry.dagster_event
    if event is None or event.step_key is None:
        return
    if event.is_step_start:
        started[event.step_key] = entry.timestamp
        tell(event.step_key, "started", None)
    elif event.is_step_success or event.is_step_failure:
        state = "done" if event.is_step_success else "failed"
        tell(event.step_key, state, entry.timestamp - started.get(event.step_key, entry.timestamp))
