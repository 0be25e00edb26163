"""MLflow's search grammar: clauses joined by AND, `order_by`, pages. Only what its clients send; the rest is refused.

A clause is `[tag.]key OP value`; keys are attributes or, with `tag.`, tags. An absent tag matches nothing, except
that it is not `'true'` where MLflow asks for things that are no prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from assay.errors import BadRequest

PROMPT: Final = "mlflow.prompt.is_prompt"
LONGEST: Final = 4096
MOST: Final = 200_000  # what MLflow's clients may ask for; a page of ours holds fewer
LARGEST_PAGE: Final = 1000
MOST_ORDERS: Final = 10  # each sorts everything that was found
_PLACE: Final = re.compile(r"[0-9]{1,15}")
_CLAUSE: Final = re.compile(
    r"\s*(?P<tag>tags?\.|attributes?\.)?(?P<key>`[^`]+`|\"[^\"]+\"|[\w.\-]+)"
    r"\s*(?P<op>!=|>=|<=|=|>|<|NOT\s+IN|IN|I?LIKE)\s*"
    r"(?P<value>'[^']*'|\"[^\"]*\"|\d+|\([^()]*\))\s*(?:AND\b|$)",
    re.IGNORECASE,
)
T = TypeVar("T")
Value = str | int | tuple[str, ...]


class BadFilter(BadRequest):
    """A search asks for something in words that are not MLflow's."""

    fix = "use clauses like name = 'credit-default' joined by AND"


@dataclass(frozen=True)
class Clause:
    """One comparison; `tag` when the key is a tag's."""

    tag: bool
    key: str
    op: str
    value: Value

    def holds(self, found: str | int | None) -> bool:
        """Say whether the value a document has under the key fits; None when it has none."""
        if found is None:
            return self.key == PROMPT and (self.op, self.value) in {("!=", "true"), ("=", "false")}
        return _OPERATORS[self.op](found, self.value)


def clauses(text: str | None, attributes: Collection[str]) -> list[Clause]:
    """Return what a filter demands of a document, all of it; raises BadFilter."""
    rest = (text or "").strip()
    found: list[Clause] = []
    if len(rest) > LONGEST:
        raise BadFilter("the filter is too long")
    while rest:
        one = _CLAUSE.match(rest)
        if not one:
            raise BadFilter(f"Invalid clause(s) in filter string: {rest[:200]!r}")
        found.append(_clause(one, attributes))
        rest = rest[one.end() :].strip()
    return found


def ordered(
    found: Iterable[T], order_by: Sequence[str], sortable: Collection[str], value: Callable[[T, str], Any]
) -> list[T]:
    """Return documents sorted; `value` gives one of their attributes. Raises BadFilter."""
    rows = list(found)
    if len(order_by) > MOST_ORDERS:
        raise BadFilter(f"order_by holds {MOST_ORDERS} keys at most")
    for order in reversed(order_by):
        key, _, direction = order.strip().partition(" ")
        key = key.strip('`"').removeprefix("attribute.")
        key = "last_updated_timestamp" if key == "timestamp" else key
        if key not in sortable or direction.strip().upper() not in {"", "ASC", "DESC"}:
            raise BadFilter(
                f"Invalid order_by clause {order[:80]!r}; valid keys: {', '.join(sorted(sortable))}"
            )
        backwards = direction.strip().upper() == "DESC"
        rows.sort(key=lambda one, key=key: value(one, key), reverse=backwards)  # type: ignore[misc]
    return rows


def paged(found: Iterable[T], *, size: int, token: str | None) -> tuple[list[T], str]:
    """Return one page and the token of the next ("" at the end); reads no further than it shows. Raises BadFilter."""
    if not 0 < size <= MOST or not _PLACE.fullmatch(token or "0"):
        raise BadFilter(f"max_results must be 1 to {MOST}, and page_token one we gave")
    start = int(token or 0)
    end = start + min(size, LARGEST_PAGE)
    if isinstance(found, Sequence):
        return list(found[start:end]), str(end) if end < len(found) else ""
    page = list(islice(found, start, end + 1))
    return page[: end - start], str(end) if len(page) > end - start else ""


def _clause(found: re.Match[str], attributes: Collection[str]) -> Clause:
    tag = (found["tag"] or "").lower().startswith("tag")
    key = found["key"].strip('`"')
    if not tag and key not in attributes:
        raise BadFilter(f"Invalid attribute key {key[:80]!r}; valid: {', '.join(sorted(attributes))}")
    op = re.sub(r"\s+", " ", found["op"].upper())
    return Clause(tag, key, op, _value(found["value"], op))


def _value(raw: str, op: str) -> Value:
    if raw.startswith("("):
        if op not in {"IN", "NOT IN"}:
            raise BadFilter(f"{op} compares with one value")
        return tuple(part.strip().strip("'\"") for part in raw[1:-1].split(","))
    if op in {"IN", "NOT IN"}:
        raise BadFilter(f"{op} compares with a list")
    return raw[1:-1] if raw[0] in "'\"" else int(raw)


def _same(found: Any, value: Value) -> tuple[Any, Any]:  # noqa: ANN401 - str or int
    """Return both sides in the type of the document's."""
    if isinstance(found, int) and isinstance(value, str):
        if not value.isdecimal():
            raise BadFilter(f"{value[:80]!r} is no number")
        return found, int(value)
    return (str(found), str(value)) if isinstance(value, str) else (found, value)


def _like(found: Any, value: Value, flags: re.RegexFlag) -> bool:  # noqa: ANN401 - a document's value
    """Say whether a text fits a pattern of `_` and `%`.

    Each run of `%` takes the first place where what follows it fits and never looks for another (`(?>…)`): that
    finds every fit there is, and a hostile pattern costs no more than its length times the text's.
    """
    first, *rest = (_literally(part) for part in re.split("%+", str(value)))
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1])
    end = f".*{rest[-1]}" if rest else ""
    return re.fullmatch(first + middle + end, str(found), flags | re.DOTALL) is not None


def _literally(part: str) -> str:
    return "".join("." if c == "_" else re.escape(c) for c in part)


def _among(found: Any, value: Value) -> bool:  # noqa: ANN401 - a document's value
    return isinstance(value, tuple) and str(found) in value


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Value], bool]:
    def compared(found: Any, value: Value) -> bool:  # noqa: ANN401 - a document's value
        left, right = _same(found, value)
        if type(left) is not type(right):
            raise BadFilter("a text is compared with a number")
        return compare(left, right)

    return compared


_OPERATORS: Final[Mapping[str, Callable[[Any, Value], bool]]] = {
    "=": _compared(lambda a, b: bool(a == b)),
    "!=": _compared(lambda a, b: bool(a != b)),
    ">": _compared(lambda a, b: bool(a > b)),
    "<": _compared(lambda a, b: bool(a < b)),
    ">=": _compared(lambda a, b: bool(a >= b)),
    "<=": _compared(lambda a, b: bool(a <= b)),
    "LIKE": lambda found, value: _like(found, value, re.NOFLAG),
    "ILIKE": lambda found, value: _like(found, value, re.IGNORECASE),
    "IN": _among,
    "NOT IN": lambda found, value: not _among(found, value),
}
