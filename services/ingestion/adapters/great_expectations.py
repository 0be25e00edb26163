"""Suites judged by Great Expectations itself, on pandas as it requires, in memory.

The engine takes seconds to import and keeps its context in a module-wide place: it is loaded once, after the
service answers, and used by one thread at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from services.ingestion.errors import BadContract

RESULT_FORMAT: Final = {"result_format": "COMPLETE", "include_unexpected_rows": False}


class GreatExpectations:
    """The engine; the first call waits until it is loaded."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._loaded: Any = None
        self._context: Any = None

    def load(self) -> None:
        """Import the engine and warm it up; takes seconds."""
        with self._turn:
            self._engine()

    def check(self, suite: Mapping[str, Any]) -> None:
        """Build the suite, refusing expectations the engine does not know (it would drop them silently)."""
        with self._turn:
            self._suite(suite)

    def judge(self, table: pa.Table, suite: Mapping[str, Any]) -> dict[str, Any]:
        """Validate the table and return the engine's own JSON."""
        with self._turn, self._batch(table) as batch:
            result = batch.validate(self._suite(suite), result_format=RESULT_FORMAT)
            return dict(result.to_json_dict())

    @contextlib.contextmanager
    def _batch(self, table: pa.Table) -> Iterator[Any]:
        """Give the engine a table for the length of a block; nothing of it stays in the context."""
        self._engine()
        sources = self._context.data_sources
        asset = sources.add_pandas("memory").add_dataframe_asset("table")
        try:
            whole = asset.add_batch_definition_whole_dataframe("whole")
            yield whole.get_batch({"dataframe": table.to_pandas(date_as_object=False)})
        finally:
            sources.delete("memory")

    def _suite(self, suite: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the engine is imported late
        engine = self._engine()
        specs = suite["expectations"]
        try:
            with _quiet():
                built = engine.ExpectationSuite(name=suite["name"], expectations=specs)
        except (ValueError, TypeError) as error:
            raise BadContract(f"suite: {_first_line(error)}") from error
        known = [one.expectation_type for one in built.expectations]
        strangers = [spec for spec in specs if spec.get("type") not in known]
        if strangers or len(known) != len(specs):
            odd = strangers[0].get("type") if strangers else "an expectation"
            raise BadContract(
                f"suite: Great Expectations knows no {str(odd)[:100]!r}, or it stands there twice"
            )
        return built

    def _engine(self) -> Any:  # noqa: ANN401 - the engine is imported late
        if self._loaded is None:
            os.environ["GX_ANALYTICS_ENABLED"] = "false"
            import great_expectations

            self._context = great_expectations.get_context(mode="ephemeral")
            self._context.variables.progress_bars = {"globally": False}
            self._loaded = great_expectations
        return self._loaded


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine from printing a traceback for what we refuse by name."""
    logger = logging.getLogger("great_expectations.core.expectation_suite")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
