"""View definitions, kept as objects that never change, each with the person who wrote it."""

from __future__ import annotations

from assay.contracts import canonical, strict_json
from assay.errors import Conflict
from assay.objects import Objects
from services.features.definition import Definition
from services.features.errors import UnknownView


class Views:
    """Numbered definitions of a tenant's views; the highest number is in force."""

    def __init__(self, objects: Objects, tenant: str) -> None:
        self._objects = objects
        self._tenant = tenant

    def add(self, view: str, definition: Definition, author: str) -> int:
        """Keep a definition as the newest and return its number; the one in force again keeps its number."""
        while True:
            number = self._newest(view)
            if number and self._read(view, number)[0] == definition:
                return number
            try:
                self._objects.put(
                    self._key(view, number + 1),
                    canonical({"author": author, "definition": definition.document()}),
                )
            except Conflict:  # another replica took that number: look again
                continue
            return number + 1

    def current(self, view: str) -> tuple[Definition, str]:
        """Return the definition in force and its author; raises UnknownView."""
        number = self._newest(view)
        if number == 0:
            raise UnknownView(f"there is no view {view}")
        return self._read(view, number)

    def _newest(self, view: str) -> int:
        keys = self._objects.keys(f"views/{self._tenant}/{view}")
        return max((int(key.rpartition("/")[2].removesuffix(".json")) for key in keys), default=0)

    def _read(self, view: str, number: int) -> tuple[Definition, str]:
        kept = strict_json(self._objects.get(self._key(view, number)))
        return Definition.parse(kept["definition"]), str(kept["author"])

    def _key(self, view: str, number: int) -> str:
        return f"views/{self._tenant}/{view}/{number:06d}.json"
