"""Refusals: a client turns a name back into a class, so a name means one thing in all of Assay."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache

from tests.architecture.source import classes

ROOT_NAME = "ServiceError"

# Said by two services, each in its own words, with one status. No name is to be added: say it in `assay`, or
# say which thing is meant (`UnknownRunOfVersion`).
SAID_BY_SEVERAL = {
    "BadParameter",
    "BatchRevoked",
    "NoContributor",
    "RowContradictsFact",
    "UnknownBatch",
    "UnknownCheckpoint",
    "UnknownFeatureSet",
    "UnknownModel",
    "UnknownPackage",
    "UnknownRun",
    "UnknownVersion",
}


@cache
def refusals() -> list[tuple[str, ast.ClassDef]]:
    """Return each class that descends from ServiceError, with its file; bases are known by their names."""
    names, size = {ROOT_NAME}, 0
    while len(names) > size:
        size = len(names)
        names |= {node.name for _, node in _ours() if names & set(_bases(node))}
    return [(path, node) for path, node in _ours() if node.name == ROOT_NAME or names & set(_bases(node))]


def _ours() -> list[tuple[str, ast.ClassDef]]:
    return classes("libs", "services", "pipelines")


def _bases(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).rpartition(".")[2] for base in node.bases]


def _status(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> int:
    """Return the HTTP status of a refusal: its own, or that of the first base that is one."""
    for member in node.body:
        match member:
            case ast.Assign(targets=[ast.Name(id="status")], value=ast.Constant(value=int(status))):
                return status
            case ast.AnnAssign(target=ast.Name(id="status"), value=ast.Constant(value=int(status))):
                return status
    return _status(next(known[base] for base in _bases(node) if base in known), known)


def test_a_refusals_name_means_one_thing() -> None:
    where = defaultdict(list)
    for path, node in refusals():
        where[node.name].append(path)
    twice = {name: paths for name, paths in where.items() if len(paths) > 1}
    assert {name: paths for name, paths in twice.items() if name not in SAID_BY_SEVERAL} == {}


def test_a_refusals_name_has_one_status_whoever_says_it() -> None:
    known = {node.name: node for _, node in refusals()}
    statuses = defaultdict(set)
    for _, node in refusals():
        statuses[node.name].add(_status(node, known))
    assert statuses["HeadMoved"] == {409}
    assert {name: found for name, found in statuses.items() if len(found) > 1} == {}


def test_every_refusal_says_when_it_is_raised() -> None:
    assert [f"{path}: {node.name}" for path, node in refusals() if not ast.get_docstring(node)] == []
