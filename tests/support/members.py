"""Every member of a JSON document, and the document with one of them changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

Path_ = tuple[str | int, ...]


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:  # noqa: ANN401 - JSON
    """Yield the path of every member of a JSON document: leaves, objects and arrays."""
    yield path
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in items:
        yield from leaves(child, (*path, key))


def at(value: Any, path: Path_) -> Any:  # noqa: ANN401 - JSON
    """Return the member at a path."""
    for key in path:
        value = value[key]
    return value


def changed_at(bundle: dict[str, Any], path: Path_, how: str, other: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a copy with one member replaced, removed or doubled."""
    made = copy.deepcopy(bundle)
    parent, last = at(made, path[:-1]), cast("Any", path[-1])
    if how == "replace":
        parent[last] = other
    elif how == "remove":
        del parent[last]
    elif isinstance(parent, list):
        parent.append(parent[last])
    else:
        parent[f"{last}2"] = parent[last]
    return made
