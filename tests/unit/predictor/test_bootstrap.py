"""What a predictor is told: one line from serving, and nothing from its environment."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pydantic import ValidationError

from assay.errors import BadRequest
from assay.web.settings import ServiceSettings
from services.predictor.settings import Bootstrap, PredictorSettings

GIVEN: dict[str, Any] = dict.fromkeys(ServiceSettings.model_fields, "1") | {
    "environment": "prod",
    "endpoint": "credit",
}


def test_the_line_is_read_and_shows_no_secret() -> None:
    line = json.dumps(
        {"key": "the key", "certificate": "c", "settings": GIVEN | {"vault_role_id": "the role"}}
    )
    bootstrap = Bootstrap.read(io.StringIO(line + "\nrest"))
    assert bootstrap.key == "the key"
    assert "the key" not in repr(bootstrap)
    assert "the role" not in repr(bootstrap)


@pytest.mark.parametrize("line", ["", "not json\n", "[]\n", '{"key": "k"}\n'])
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises((BadRequest, ValidationError)):
        Bootstrap.read(io.StringIO(line))


def test_the_environment_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_ENDPOINT", "another")
    monkeypatch.setenv("ASSAY_MOST_ROWS", "7")
    settings = PredictorSettings(**GIVEN)
    assert (settings.endpoint, settings.most_rows) == ("credit", 4096)
    with pytest.raises(ValidationError):
        PredictorSettings(**{name: value for name, value in GIVEN.items() if name != "endpoint"})
