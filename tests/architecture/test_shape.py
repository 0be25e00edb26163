"""The house rules that can be counted."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [p for top in ("libs", "services", "pipelines") for p in sorted((ROOT / top).rglob("*.py"))]
VAGUE = {"utils", "common", "helpers", "misc", "util", "helper"}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def function_lengths() -> list[tuple[int, str]]:
    found = [
        ((node.end_lineno or 0) - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.name}")
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found)


def test_no_file_is_past_400_lines_and_the_median_is_at_most_120() -> None:
    sizes = {path: lines(path) for path in CODE if path.name != "__init__.py" or lines(path) > 1}
    long = {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > 400}
    assert not long
    assert statistics.median(sizes.values()) <= 120


def test_functions_are_short_at_the_95th_percentile_and_none_is_a_page() -> None:
    lengths = function_lengths()
    assert lengths[int(len(lengths) * 0.95)][0] <= 40
    assert [name for size, name in lengths if size > 60] == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [str(p) for p in CODE if p.stem in VAGUE] == []


def test_every_module_says_what_it_is() -> None:
    assert [str(p) for p in CODE if not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_imports_go_in_one_direction() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["assay", "assay.client", "assay.cli"])
def test_the_light_wheel_imports_no_heavy_engine(module: str) -> None:
    heavy = (
        "{'torch', 'ray', 'pandas', 'mlflow', 'feast', 'kserve', 'great_expectations', 'dagster', 'pyarrow'}"
    )
    program = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_runs_with_nothing_but_the_wheels_own_dependencies() -> None:
    extras = "requests wasmtime hvac opa_client sqlalchemy fastapi starlette uvicorn obstore pydantic_settings yaml"
    extras += " onnx onnxruntime model_signing polars numpy assay_laptop"
    program = f"""
import importlib.abc, importlib.util, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split('.')[0] in {extras.split()}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refuse())
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == 'assay_laptop' else real(name, *rest)
from assay.cli import assay
assay(['--help'])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout


@pytest.mark.parametrize(
    "service", sorted(p.name for p in (ROOT / "services").iterdir() if (p / "app.py").exists())
)
def test_a_service_imports_no_heavy_engine_before_it_answers(service: str) -> None:
    heavy = "{'torch', 'ray', 'pandas', 'mlflow', 'feast', 'kserve', 'great_expectations', 'dagster'}"
    program = f"import sys, services.{service}.app; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    hosts = [
        f"{name}.{end}"
        for name, end in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "com"), ("debian", "org"))
    ]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    bad = []
    for name in tracked.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".parquet", ".wasm", ".png"} or not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        bad += [f"{name}: {host}" for host in hosts if host in text]
    assert bad == []
