"""What steps hand each other: references as JSON in a folder, never data and never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dagster import ConfigurableIOManager, InputContext, OutputContext


class JsonReferences(ConfigurableIOManager):
    """Keeps each asset's reference (digests, ids, counts) as one JSON file."""

    folder: str

    def handle_output(self, context: OutputContext, obj: Any) -> None:  # noqa: ANN401 - JSON
        """Write a reference."""
        path = self._path(context.asset_key.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(obj, indent=1))

    def load_input(self, context: InputContext) -> Any:  # noqa: ANN401 - JSON
        """Read a reference."""
        return json.loads(self._path(context.asset_key.path).read_text())

    def _path(self, parts: Any) -> Path:  # noqa: ANN401 - Dagster's sequence of strings
        return Path(self.folder).joinpath(*parts).with_suffix(".json")
