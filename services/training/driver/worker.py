"""One worker of a run: finds the posted script, hands it its `Run`, and tells training why it raised."""

from __future__ import annotations

import importlib.util
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from assay.errors import ServiceError
from services.training.driver.inside import InsideRun
from services.training.driver.order import RunOrder
from services.training.driver.platform import Platform

PEER_SECONDS: Final = 2.0


def work(config: Mapping[str, Any]) -> None:
    """Run the script on this worker: what Ray Train calls, in its own process, on each of them."""
    import ray.train

    context = ray.train.get_context()
    order = RunOrder(**config["order"])
    with Platform(order) as platform:
        run = InsideRun(order, platform, rank=context.get_world_rank(), world=context.get_world_size())
        try:
            script(order.source, order.entry)(run)
            run.refuse_if_cheated()
        except (Exception, SystemExit) as error:
            if run.world > 1:
                time.sleep(
                    PEER_SECONDS
                )  # when a peer died, Ray ends this process meanwhile: not the script's fault
            platform.fail(*_told(error, order.source))
            raise


def script(folder: Path, entry: str) -> Callable[[Any], None]:
    """Return the script's `train`; its own modules are found beside it."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("assay_training_script", folder / entry)
    if spec is None or spec.loader is None:
        raise ImportError(f"{entry} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    train = getattr(module, "train", None)
    if not callable(train):
        raise TypeError(f"{entry} defines no function `train(run)`")
    return train  # type: ignore[no-any-return]


def _told(error: BaseException, folder: Path) -> tuple[str, str]:
    """Return a refusal's name and words, or those of whatever the script raised with the line that did."""
    if isinstance(error, ServiceError):
        return type(error).__name__, error.detail
    return "ScriptFailed", f"{type(error).__name__}: {error}{_where(error, folder)}"


def _where(error: BaseException, folder: Path) -> str:
    if isinstance(error, SyntaxError):
        return ""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
