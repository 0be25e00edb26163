"""Whom a fact names: the people and identities in its body, however deep they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from assay.contracts import SpiffeId
from assay.errors import BadRequest

_WHO: Final = frozenset({"person", "by", "identity", "contributors"})


def named_in(body: Mapping[str, Any]) -> set[str]:
    """Return every person id and identity that a fact's body names; a person's identity names the person too."""
    found = set(_words(body, ""))
    for each in list(found):
        try:
            person = SpiffeId.parse(each).person
        except BadRequest:
            continue
        if person is not None:
            found.add(person)
    return found


def _words(value: Any, key: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _words(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner, key)
    elif isinstance(value, str) and key in _WHO and value:
        yield value
