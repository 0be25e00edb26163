"""The GraphQL texts that MLflow's pages send, taken out of the MLflow that is installed."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from graphql import FieldNode, NameNode, OperationDefinitionNode, Visitor, parse, print_ast, visit

from services.tracking.adapters.mlflow_pages import pages_folder

_TEXT = re.compile(r"`\s*(query (\w+)\b[^`]*)`")


class _Typed(Visitor):
    """What the pages' client adds to a text before it sends it."""

    def enter_selection_set(self, node: Any, _key: Any, parent: Any, *_: Any) -> Any:  # noqa: ANN401 - graphql's
        if not isinstance(parent, OperationDefinitionNode):
            node.selections = (*node.selections, FieldNode(name=NameNode(value="__typename")))
        return node


@cache
def sent() -> dict[str, str]:
    """Return the text of each query of MLflow's pages, by its name, as it arrives."""
    found: dict[str, str] = {}
    for script in sorted((pages_folder() / "static" / "js").glob("*.js")):
        for text, name in _TEXT.findall(script.read_text(encoding="utf-8")):
            found[name] = print_ast(visit(parse(text), _Typed()))
    return found


def asking(name: str, run: str) -> dict[str, Any]:
    """Return a query's body, about one run."""
    return {"operationName": name, "query": sent()[name], "variables": {"data": {"runId": run}}}
