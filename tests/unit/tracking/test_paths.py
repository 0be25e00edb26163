"""Over thousands of ways to write an address: what reaches MLflow is exactly what the list allows.

The list is said a second time here, in other words than the service's.
"""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from fastapi.routing import iter_route_contexts

from assay.web.routes import PermittedRoute
from services.tracking.allowed import place_of
from tests.unit.tracking.front import DANA, Served
from tests.unit.tracking.memory import Asked

READS = {
    "GET": "experiments/get experiments/get-by-name experiments/search runs/get metrics/get-history "
    "metrics/get-history-bulk-interval artifacts/list",
    "POST": "experiments/search runs/search logged-models/search",
}
WRITES = {
    "POST": "experiments/create experiments/set-experiment-tag runs/create runs/update runs/log-metric "
    "runs/log-parameter runs/log-batch runs/log-inputs runs/outputs runs/log-model runs/set-tag "
    "runs/delete-tag logged-models",
}
FIXED = {
    (method, f"/api/2.0/mlflow/{path}")
    for said in (READS, WRITES)
    for method, paths in said.items()
    for path in paths.split()
}
MODEL = {("GET", ""), ("PATCH", ""), ("POST", "/params"), ("PATCH", "/tags")}
STORE = "/api/2.0/mlflow-artifacts/artifacts"
HEX = set("0123456789abcdef")
BITS = re.split(
    " ",
    r"/ // /. /.. /./ /../ . .. %2e %2e%2e %2E%2e/ %252e%252e %252e%252e%252f %2f %252f %255c \ %5c ..\ ; ;x=y "
    r"? # %3f %23 %253f %00 %2500 %0a %0d%0a %09 %20 %7f %c0%ae%c0%ae %e3%80%82 %ef%bc%8f %ef%bc%8e %u002e * : ~ "
    r"| ' < > & %26 = + @ , ( ) [ ] { } $ ! ^ ` a A 0 -",
)


def is_id(text: str) -> bool:
    return len(text) == 32 and set(text) <= HEX


def is_allowed(heard: Asked) -> bool:
    """Say the list again, by splitting where the service matches."""
    if (heard.method, heard.path) in FIXED:
        return True
    if heard.path.startswith("/api/2.0/mlflow/logged-models/m-"):
        rest = heard.path.removeprefix("/api/2.0/mlflow/logged-models/m-")
        return is_id(rest[:32]) and (heard.method, rest[32:]) in MODEL
    if heard.path == STORE:
        return heard.method == "GET" and lies_in_a_folder(dict(heard.query)["path"], or_is_it=True)
    return (
        heard.method in {"GET", "PUT"}
        and heard.path.startswith(f"{STORE}/")
        and lies_in_a_folder(heard.path.removeprefix(f"{STORE}/"))
    )


def lies_in_a_folder(path: str, *, or_is_it: bool = False) -> bool:
    experiment, kind, *rest = path.split("/")
    if kind == "models":
        kind, *rest = rest
        kind = kind.removeprefix("m-") if kind.startswith("m-") else ""
    folder, below = rest[0], rest[1:]
    return (
        experiment.isascii()
        and experiment.isdigit()
        and is_id(kind)
        and folder == "artifacts"
        and bool(below or or_is_it)
        and all(name not in {"", ".", ".."} and not set(name) & set("\\%;?#:*\0\n\r\t\x7f") for name in below)
    )


def written_ways(run: str, model: str) -> list[tuple[str, str]]:
    """Return a few thousand addresses, most of them bent; the same ones each time."""
    dice = random.Random(20261121)  # noqa: S311 - no secret
    plain = [
        *FIXED,
        *((method, f"/api/2.0/mlflow/logged-models/{model}{rest}") for method, rest in MODEL),
        *((method, f"{STORE}/0/{run}/artifacts/a/b.txt") for method in ("GET", "PUT")),
        ("PUT", f"{STORE}/0/models/{model}/artifacts/MLmodel"),
        ("GET", f"{STORE}/0/{run}/artifacts"),
        ("PUT", f"{STORE}/0/{run}/artifacts"),
        ("GET", f"{STORE}?path=0/{run}/artifacts"),
        ("GET", f"{STORE}?path=0/models/{model}/artifacts/a"),
        *(
            ("GET", path)
            for path in ("/graphql", "/version", "/ajax-api/2.0/mlflow/runs/get", "/get-artifact")
        ),
        ("DELETE", f"{STORE}/0/{run}/artifacts/a"),
        ("POST", "/api/2.0/mlflow/runs/delete"),
    ]
    bent = [
        (method, path[:at] + bit + path[at + dice.choice((0, 0, 1)) :])
        for method, path in plain
        for bit in BITS
        for at in (*(at + 1 for at in cuts(path, dice)), dice.randrange(len(path)))
    ]
    return [*plain, *dice.sample(bent, 2500)]


def cuts(path: str, dice: random.Random) -> list[int]:
    """Return where to bend: next to a slash, and at the end."""
    return [dice.choice([at for at, character in enumerate(path) if character == "/"]), len(path) - 1]


def test_what_reaches_mlflow_is_exactly_an_allowed_path() -> None:
    served = Served()
    run, model = served.new_run(DANA), served.new_model(DANA)
    mine = {"run_id": run, "experiment_id": "0"}
    ways = written_ways(run, model)
    assert len(set(ways)) > 2000
    reached: set[str] = set()

    async def walk() -> None:
        for method, target in ways:
            asked = len(served.mlflow.asked)
            body = {} if "logged-models/" in target else mine
            query = "" if "?" in target or method != "GET" else f"?run_id={run}"
            answer = await served.sent(DANA, method, target + query, body)
            heard = served.mlflow.asked[asked:]
            assert answer.status in {200, 400, 403, 404, 405, 422}, (method, target, answer)
            assert all(is_allowed(one) for one in heard), (method, target, heard)
            if not heard:
                assert answer.json["error_code" if target.startswith("/api/") else "title"], target
            reached.update(f"{one.method} {one.path}" for one in heard)

    asyncio.run(walk())
    assert {f"{method} {path}" for method, path in FIXED} <= reached
    assert {f"{method} /api/2.0/mlflow/logged-models/{model}{rest}" for method, rest in MODEL} <= reached


@pytest.mark.parametrize("who", ["/people/p-nobody", "/svc/core/serving", "/svc/prod/predictor/credit"])
def test_who_has_no_right_learns_nothing_of_any_route(who: str) -> None:
    served = Served()
    for method, path in FIXED | {("GET", "/anything"), ("PUT", f"{STORE}/0/x")}:
        assert served.call(who, method, path, {}).status == 403
    assert served.mlflow.asked == []


def test_an_approver_reads_and_writes_nothing() -> None:
    served = Served()
    for method, paths in WRITES.items():
        for path in paths.split():
            answer = served.call("/people/p-amir", method, f"/api/2.0/mlflow/{path}", {"run_id": "a" * 32})
            assert answer.status == 403, path
    assert served.call("/people/p-amir", "GET", "/api/2.0/mlflow/experiments/get").status == 200


def test_every_route_declares_the_right_it_needs() -> None:
    found = [context.original_route for context in iter_route_contexts(list(Served().app.routes))]
    declared = {
        (method, route.path): route.permission
        for route in found
        if isinstance(route, PermittedRoute)
        for method in route.methods or ()
    }
    model = {(method, f"/api/2.0/mlflow/logged-models/{{model_id}}{rest}") for method, rest in MODEL}
    writing = {
        (method, f"/api/2.0/mlflow/{path}") for method, said in WRITES.items() for path in said.split()
    }
    writing |= {(method, path) for method, path in model if method != "GET"} | {
        ("PUT", STORE + "/{path:path}")
    }
    assert {key for key, right in declared.items() if right == "tracking/write"} == writing
    assert set(declared.values()) == {"tracking/read", "tracking/write"}


@pytest.mark.parametrize(
    ("path", "below"),
    [
        (f"0/{'a' * 32}/artifacts", ""),
        (f"0/{'a' * 32}/artifacts/artifacts", "artifacts"),
        (f"12/models/m-{'a' * 32}/artifacts/x (1)/y=2,z.txt", "x (1)/y=2,z.txt"),
        (f"0/{'a' * 32}/artifacts/...", "..."),
    ],
)
def test_a_place_is_a_folder_of_one_run_or_model_and_what_lies_below(path: str, below: str) -> None:
    place = place_of(path)
    assert place is not None
    assert place.below == below
    assert place.entity.id in path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        f"0/{'a' * 32}",
        f"0/{'a' * 32}/artifacts/",
        f"0/{'a' * 32}/artifacts//x",
        f"0/{'a' * 32}/artifacts/../../x",
        f"0/{'a' * 32}/artifacts/x\n",
        f"0/{'a' * 32}/artifacts/x/..",
        f"0/{'A' * 32}/artifacts/x",
        f"0/{'a' * 31}/artifacts/x",
        f"٣/{'a' * 32}/artifacts/x",
        f"/0/{'a' * 32}/artifacts/x",
        f"0/models/{'a' * 32}/artifacts/x",
        f"0/{'a' * 32}/artifacts/" + "/".join("abcdefghijklmnopq"),
        f"0/{'a' * 32}/artifacts/{'x' * 201}",
    ],
)
def test_anything_else_is_no_place(path: str) -> None:
    assert place_of(path) is None
