"""Rights and routes: every permission a route asks for is an action that infra/opa/rights.rego speaks of."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import warnings
from types import ModuleType
from typing import Any

import pytest

from assay.web.routes import PUBLIC, PermittedRoute, Routes
from tests.architecture.source import ROOT, modules

DECLARING = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in sorted((ROOT / "services").rglob("*.py"))
    if path.name in {"api.py", "mlflow_api.py", "inline.py", "ui.py"}
    or (path.parent.name == "ui" and path.name != "__init__.py")
]
ACTION = re.compile(r"[a-z]+/[a-z][a-z-]*")


def table() -> set[str]:
    """Return the actions of the table of rights."""
    rights = (ROOT / "infra" / "opa" / "rights.rego").read_text()
    return set(re.findall(r'^\t"([a-z]+/[a-z-]+)": \{', rights, re.MULTILINE))


def declared(module: ModuleType) -> list[PermittedRoute]:
    """Return the routes a module declares, over parts that are never called."""
    found: list[PermittedRoute] = []
    for name, function in vars(module).items():
        if (
            name.strip("_").endswith(("routes", "pages"))
            and getattr(function, "__module__", "") == module.__name__
        ):
            made = function(**_stand_ins(function)) if "Routes" in _returns(function) else []
            routes = made.router.routes if isinstance(made, Routes) else made
            found += [route for route in routes if isinstance(route, PermittedRoute)]
    return found


def _returns(function: Any) -> str:  # noqa: ANN401 - any function
    return str(inspect.signature(function).return_annotation).replace("list[InlineRoute]", "Routes")


def _stand_ins(function: Any) -> dict[str, Any]:  # noqa: ANN401 - any function
    wanted = inspect.signature(function).parameters
    return {name: 1 if str(each.annotation) == "int" else object() for name, each in wanted.items()}


def written() -> dict[str, str]:
    """Return every action that stands as a text in our code, with a file it stands in."""
    areas = {action.partition("/")[0] for action in table()}
    return {
        node.value: path
        for path, tree in modules("libs", "services", "pipelines").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ACTION.fullmatch(node.value)
        and node.value.partition("/")[0] in areas
    }


@pytest.fixture(scope="module")
def asked() -> dict[str, set[str]]:
    """Return the permissions of the routes of each module that declares some."""
    return {
        name: {route.permission for route in declared(importlib.import_module(name))} for name in DECLARING
    }


def test_every_module_of_routes_declares_some(asked: dict[str, set[str]]) -> None:
    assert [name for name, permissions in asked.items() if not permissions] == []


def test_every_route_asks_for_a_right_of_the_table(asked: dict[str, set[str]]) -> None:
    known = table() | {PUBLIC}
    assert {name: wanted - known for name, wanted in asked.items() if wanted - known} == {}


def test_only_identitys_login_exchange_and_what_comes_before_a_session_are_public(
    asked: dict[str, set[str]],
) -> None:
    assert [name for name, permissions in asked.items() if PUBLIC in permissions] == [
        "services.identity.api",
        "services.identity.ui.enrolling",
        "services.identity.ui.signing_in",
    ]


def test_every_action_that_code_speaks_of_is_in_the_table() -> None:
    assert {action: path for action, path in written().items() if action not in table()} == {}


def test_rights_that_nobody_asks_for_are_told(asked: dict[str, set[str]]) -> None:
    unused = table().difference(written(), *asked.values())
    if unused:
        warnings.warn(f"rights that no route asks for: {', '.join(sorted(unused))}", stacklevel=1)
    assert unused < table()
