"""Bills of materials, checked against CycloneDX's own schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from services.registry.errors import BomInvalid

if TYPE_CHECKING:
    from cyclonedx.validation.json import JsonStrictValidator


class CycloneDxBoms:
    """The strict schema of CycloneDX 1.6; its library is loaded when it is first needed."""

    def check(self, document: Mapping[str, Any]) -> None:
        """Return when the document is one; raises BomInvalid."""
        from cyclonedx.schema import SchemaVersion

        if document.get("specVersion") != SchemaVersion.V1_6.to_version():
            raise BomInvalid(f"CycloneDX {document.get('specVersion')}, and 1.6 is kept here")
        problem = _validator().validate_str(json.dumps(document))
        if problem is not None:
            raise BomInvalid(f"not CycloneDX 1.6: {str(problem)[:300]}")


@cache
def _validator() -> JsonStrictValidator:
    """Return the one validator: it reads its schemas when it is first used."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6)
