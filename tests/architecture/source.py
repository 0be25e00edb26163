"""Our own code, read and not run."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def modules(*tops: str) -> dict[str, ast.Module]:
    """Return the syntax tree of each of our files below these folders, by its path in the checkout."""
    paths = [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


@cache
def classes(*tops: str) -> list[tuple[str, ast.ClassDef]]:
    """Return each class that a file defines, with the file's path."""
    return [
        (path, node)
        for path, tree in modules(*tops).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
