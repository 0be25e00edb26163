"""What a statement says, in words: the same on a page and on an approver's own machine.

The words are made of the statement alone, so that whoever has the statement can make them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from assay.contracts import Conditions

_VERBS: Final = {
    "approve": "approve",
    "reject": "reject",
    "withdraw": "withdraw my approval of",
}


def in_words(statement: Mapping[str, Any], holder: str = "") -> list[tuple[str, str]]:
    """Return what an approval statement says: (what, its words), in the order to read them.

    `holder` is who said the delegation it names, as the log knows: the one thing told that is not in the statement.

    Raises:
        KeyError, TypeError, ValueError, OverflowError, ConditionRefused: it is no approval statement.
    """
    verb = _VERBS[statement["verb"]]
    said = [
        ("I", str(statement["person"])),
        ("as", str(statement["role"])),
        ("say that I", f"{verb} {statement['model']} version {int(statement['number'])}"),
        ("for", f"{statement['environment']} of {statement['trust_domain']}, tenant {statement['tenant']}"),
        ("risk tier", str(statement["tier"])),
        ("package", str(statement["package"])),
    ]
    said += [("evidence", str(digest)) for digest in statement["evidence"]]
    if statement.get("delegation"):
        said += [("in the place of", holder)] if holder else []
        said.append(("for somebody away, by", str(statement["delegation"])))
    if statement.get("reason"):
        said.append(("because", str(statement["reason"])))
    said += [("on condition", words) for words in Conditions.read(statement["conditions"]).words()]
    return [
        *said,
        ("by policy", str(statement["policy"])),
        ("counts from", _moment(statement["not_before"])),
        ("counts until", _moment(statement["expiry"])),
        ("having seen the ledger at", f"{int(statement['log_size'])} entries, root {statement['log_root']}"),
    ]


def delegation_in_words(statement: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a delegation says: (what, its words); raises what `in_words` raises."""
    verb = "take back from" if statement["ended"] else "let"
    return [
        ("I", str(statement["person"])),
        (verb, str(statement["to"])),
        ("my right to decide as" if statement["ended"] else "decide in my place as", str(statement["role"])),
        ("in", f"tenant {statement['tenant']} of {statement['trust_domain']}"),
        ("from", _moment(statement["not_before"])),
        ("until", _moment(statement["until"])),
        ("after", str(statement["previous"] or "nothing said before")),
    ]


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
