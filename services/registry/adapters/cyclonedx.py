"""Bills of materials, checked against CycloneDX's own schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.registry.errors import BomInvalid


class CycloneDxBoms:
    """The strict schema of CycloneDX 1.6; its library is loaded when it is first needed."""

    def check(self, document: Mapping[str, Any]) -> None:
        """Return when the document is one; raises BomInvalid."""
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        if document.get("specVersion") != SchemaVersion.V1_6.to_version():
            raise BomInvalid(f"CycloneDX {document.get('specVersion')}, and 1.6 is kept here")
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
        if problem is not None:
            raise BomInvalid(f"not CycloneDX 1.6: {str(problem)[:300]}")
