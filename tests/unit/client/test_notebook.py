"""From a notebook: asking for an approval, and what is missing before there can be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.client import notebook
from assay.client.notebook import NoVersionNamed, missing_of
from tests.unit.client.world import session

VERDICT: dict[str, Any] = {
    "model": "credit-default",
    "number": 2,
    "environment": "prod",
    "outcome": "inconclusive",
    "missing": [{"state": "missing", "what": "2 more approvals <b>", "how": "ask approvers"}],
}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Somebody is logged in; what their sessions ask."""
    made, held = session(tmp_path, lambda call: VERDICT if call.path.endswith("/gate") else {"id": "q-1"})

    @contextmanager
    def connected(*_: object, **__: object) -> Iterator[object]:
        yield made

    monkeypatch.setattr(notebook, "connect", connected)
    return held.calls


def test_an_approval_is_asked_for_in_one_line(calls: list[Any]) -> None:
    assert assay.request_approval("models:/credit-default/2", to="prod", note="better")["id"] == "q-1"
    (call,) = calls
    assert (call.method, call.path) == ("POST", "/v1/requests")
    assert call.body == {
        "model": "credit-default", "number": 2, "environment": "prod", "note": "better", "due": None,
    }  # fmt: skip


def test_what_is_missing_is_said_with_how_to_get_it(calls: list[Any]) -> None:
    found = assay.missing("credit-default/2", to="prod")
    assert not found
    assert str(found).splitlines() == [
        "credit-default v2 into prod: inconclusive", "  missing: 2 more approvals <b>", "    ask approvers",
    ]  # fmt: skip
    assert "2 more approvals &lt;b&gt;" in found._repr_html_()
    assert "<b>2 more" in found._repr_html_()
    assert calls[0].params == {"environment": "prod"}


def test_nothing_missing_is_true_only_when_the_gate_passed() -> None:
    assert missing_of({**VERDICT, "outcome": "pass", "missing": []})
    assert not missing_of({**VERDICT, "missing": []})
    assert not missing_of({**VERDICT, "outcome": "pass"})


@pytest.mark.parametrize(
    "model", ["credit-default", "models:/credit-default@champion", "credit-default/0", "a/b/1", ""]
)
def test_an_approval_is_of_one_version(calls: list[Any], model: str) -> None:
    for ask in (assay.request_approval, assay.missing):
        with pytest.raises(NoVersionNamed):
            ask(model, to="prod")
    with pytest.raises(ValueError, match="production"):
        assay.missing("credit-default/1", to="production")
    assert calls == []
