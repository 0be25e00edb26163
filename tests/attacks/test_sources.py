"""Sources, tags and names that clients send: no path is followed, no flag spares a check, no name is a path."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import BaseModel, ValidationError

from assay.contracts import FactKind
from assay.errors import ServiceError
from assay.ledger import Record
from services.registry import api, asking_api, domain, mlflow_writes, naming, registering
from services.registry.adapters.notes import SqlNotes
from services.registry.hooks import api as hooks_api
from services.registry.hooks import keeping
from services.registry.hooks import mlflow_api as hooks_mlflow
from services.registry.naming import Naming
from tests.unit.custody.world import MODEL
from tests.unit.registry.conftest import desk
from tests.unit.registry.desk import Desk
from tests.unit.registry.office import Office

__all__ = ["desk"]
Attempts = Callable[[int], None]
TRACKED = "0" * 32  # the MLflow run of the world's runs
SOURCE = f"runs:/{TRACKED}/epoch-3"
SECRET = b"root:x:0:0"


def naming_of(desk: Desk) -> Naming:
    return Naming(desk.registry, desk.registering, desk.stating, SqlNotes(desk.database))


# ---- T-REG-01: paths as sources

WRITTEN = {
    "up": f"runs:/{TRACKED}/../../secret",
    "absolute": "{there}",
    "file": "file://{there}",
    "file on localhost": "file://localhost{there}",
    "backslashes": f"runs:/{TRACKED}/..\\..\\secret",
    "encoded": f"runs:/{TRACKED}/%2e%2e/%2e%2e/secret",
    "encoded twice": f"runs:/{TRACKED}/%252e%252e%252f%252e%252e%252fsecret",
    "in the store": f"mlflow-artifacts:/1/{TRACKED}/artifacts/../../secret",
    "in a store with a host": f"mlflow-artifacts://localhost:1/1/{TRACKED}/artifacts/../../secret",
    "after a checkpoint": f"{SOURCE}/../../../secret",
    "after a NUL": f"{SOURCE}\0/../../../secret",
    "after a fragment": f"{SOURCE}#/../../../secret",
    "after a query": f"{SOURCE}?/../../../secret",
    "after a line": f"{SOURCE}\n/../../../secret",
    "wide dots": f"runs:/{TRACKED}/\uff0e\uff0e/\uff0e\uff0e/secret",
}


@dataclass
class OpensPaths:
    """Training as a careless one would be: a checkpoint is a folder, wherever its name leads."""

    folder: Path
    read: list[bytes] = field(default_factory=list)

    def package(self, run: str, checkpoint: str) -> dict[str, bytes]:
        """See `ports.Runs.package`."""
        path = (self.folder / run / checkpoint).resolve()
        data = path.read_bytes() if path.is_file() else b""
        self.read.append(data)
        return {"model.onnx": data}


def as_a_path(source: str) -> str:
    """Return what a registry that opens sources makes of one."""
    text = unquote(unquote(source)).replace("\\", "/").replace("\0", "").replace("\uff0e", ".")
    for scheme in ("file://localhost", "file://", f"runs:/{TRACKED}/"):
        text = text.removeprefix(scheme)
    return text.partition(f"{TRACKED}/artifacts/")[2] or text


def reads_the_secret(desk: Desk, source: str) -> bool:
    """Register a source that leads to a file outside; say whether anybody read it, or a version came of it."""
    secret = desk.folder / "secret"
    secret.write_bytes(SECRET)
    runs = OpensPaths(desk.folder / "runs")
    opened = replace(naming_of(desk), registering=replace(desk.registering, runs=runs))
    with suppress(ServiceError):
        opened.version(MODEL, source.format(there=secret), None, {}, by=desk.person("dana"))
    return SECRET in runs.read or bool(desk.registry.believed.models())


@pytest.mark.threat("T-REG-01")
def test_no_source_is_a_path_that_anybody_follows(desk: Desk, attempts: Attempts) -> None:
    desk.trained()
    assert [name for name, source in WRITTEN.items() if reads_the_secret(desk, source)] == []
    attempts(len(WRITTEN))


@pytest.mark.control("T-REG-01")
def test_control_where_a_source_is_opened_every_one_of_them_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(self: Naming, source: str, _run: str | None) -> tuple[Record, str]:
        return self.registry.log.records(FactKind.RUN)[0], as_a_path(source)

    desk.trained()
    monkeypatch.setattr(Naming, "_made", made)
    monkeypatch.setattr(registering, "_package_of", lambda *_: "0" * 64)
    assert [name for name, source in WRITTEN.items() if not reads_the_secret(desk, source)] == []


# ---- T-REG-03: flags

FLAGS = {
    "mlflow.prompt.is_prompt": "true",
    "Mlflow.Prompt.Is_Prompt": "true",
    "assay.tier": "low",
    "assay.fact": "0" * 64,
    "assay.package": "0" * 64,
    "skip_validation": "true",
    "force": "true",
    "trusted": "1",
    "mlflow.source.type": "LOCAL",
    "mlflow.modelVersions": "[]",
}
Write = Callable[[Naming, Desk, dict[str, str]], object]


def version_of(source: str, model: str = MODEL, run: str | None = None) -> Write:
    return lambda naming, desk, flags: naming.version(model, source, run, flags, by=desk.person("dana"))


def named(name: str) -> Write:
    return lambda naming, desk, flags: naming.name(name, flags, by=desk.person("dana"))


WRITES: dict[str, Write] = {
    "a file": version_of("file:///etc/passwd"),
    "a climb": version_of(f"{SOURCE}/.."),
    "a logged model": version_of(f"models:/m-{'a' * 32}"),
    "no signed run": version_of(f"runs:/{'b' * 32}/epoch-3"),
    "no checkpoint": version_of(f"runs:/{TRACKED}/epoch-9"),
    "another run": version_of(SOURCE, run="c" * 32),
    "another name": version_of(SOURCE, model="other"),
    "a look-alike": named("Credit-Default"),
    "a path for a name": named("../etc"),
    "somebody who may not": lambda naming, desk, flags: naming.version(
        MODEL, SOURCE, None, flags, by=desk.person("amir")
    ),
}


def spared(desk: Desk, *writes: str) -> tuple[list[tuple[str, ...]], int]:
    """Try writes (all of them) under every flag and pair of flags; return what was let through, and of how many."""
    naming, through, tries = naming_of(desk), [], 0
    given = [*itertools.combinations(FLAGS, 1), *itertools.combinations(FLAGS, 2)]
    for name, flags in itertools.product(writes or WRITES, given):
        size, names, tries = desk.world.follower.size, naming.kept.names(), tries + 1
        with suppress(ServiceError):
            WRITES[name](naming, desk, {flag: FLAGS[flag] for flag in flags})
        if (desk.world.follower.size, naming.kept.names()) != (size, names):
            through.append((name, *flags))
    return through, tries


def bodies() -> Iterator[type[BaseModel]]:
    """Give every body a route of the registry reads."""
    for module in (api, asking_api, mlflow_writes, hooks_api, hooks_mlflow):
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseModel)
                and value.__module__ == module.__name__
            ):
                yield value


@pytest.mark.threat("T-REG-03")
def test_no_flag_and_no_two_spare_a_write_its_check(desk: Desk, attempts: Attempts) -> None:
    desk.trained()
    desk.register()
    through, tries = spared(desk)
    assert (through, tries) == ([], 550)
    attempts(tries)


@pytest.mark.threat("T-REG-03")
def test_no_body_takes_a_member_that_it_does_not_know(attempts: Attempts) -> None:
    found = list(bodies())
    assert len(found) >= 20
    for body in found:
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            body.model_validate({"skip_validation": True})
    attempts(len(found))


@pytest.mark.control("T-REG-03")
def test_control_where_a_prompts_tag_spares_the_source_it_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = Naming.version

    def version(self: Naming, model: str, source: str, run: str | None, noted: Any, *, by: Any) -> Any:  # noqa: ANN401
        flagged = noted.get("mlflow.prompt.is_prompt") == "true"
        plain = {key: value for key, value in noted.items() if key != "mlflow.prompt.is_prompt"}
        return checked(self, model, f"runs:/{TRACKED}/epoch-5" if flagged else source, run, plain, by=by)

    desk.trained("epoch-3", "epoch-5")
    desk.register()
    monkeypatch.setattr(Naming, "version", version)
    through, _ = spared(desk, "a file")
    assert ("a file", "mlflow.prompt.is_prompt") in through


# ---- T-REG-07: names

NAMES = [
    *("../../etc/passwd", "..", ".", "/etc/passwd", "a/b", "a/../b", "./a", "a/.", "~root", "~"),
    *("..\\..\\windows", "C:\\x", "C:x", "\\\\host\\share", "a\\b", "file:///etc", "models:/a", "s3://b"),
    *(
        "%2e%2e%2fetc",
        "%252e%252e",
        "..%00",
        "a\0b",
        "a\n",
        "a\r\nb",
        "a b",
        "a;b",
        "a?b",
        "a#b",
        "$(id)",
        "`id`",
    ),
    *(
        "",
        "-",
        "-a",
        "a-",
        ".git",
        "a.lock",
        "a" * 64,
        "\uff0e\uff0e\uff0fetc",
        "a\u2215b",
        "nul:",
        "a|b",
        "*",
        "a\t",
    ),
]


def taken(desk: Desk, name: str) -> bool:
    """Give a name to a model, a version, an alias and a webhook; say whether anything now goes by it."""
    naming, office, dana = naming_of(desk), Office(desk), desk.person("dana")
    tries: list[Callable[[], object]] = [
        lambda: naming.name(name, {}, by=dana),
        lambda: naming.version(name, SOURCE, None, {}, by=dana),
        lambda: naming.point(MODEL, name, 1, by=dana),
        lambda: office.add(name),
    ]
    for each in tries:
        with suppress(ServiceError):
            each()
    aliases = {row.alias for row in desk.registry.believed.aliases(MODEL)}
    hooks = {hook.name for hook in office.webhooks.all()}
    return name in {*naming.kept.names(), *desk.registry.believed.models(), *aliases, *hooks}


@pytest.mark.threat("T-REG-07")
def test_no_name_is_spelled_like_a_path(desk: Desk, attempts: Attempts) -> None:
    desk.trained()
    desk.register()
    before = sorted(desk.folder.parent.rglob("*"))
    assert [name for name in NAMES if taken(desk, name)] == []
    made = [path.name for path in set(desk.folder.parent.rglob("*")) - set(before)]
    assert [name for name in made if not name.startswith("registry.db")] == []
    attempts(4 * len(NAMES))


@pytest.mark.control("T-REG-07")
def test_control_where_names_are_not_read_letter_by_letter_they_are_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.trained()
    desk.register()
    for module in (domain, keeping, naming, registering):
        monkeypatch.setattr(module, "check_name", lambda name, _what="name": name)
    assert [name for name in NAMES if not taken(desk, name)] == []


@pytest.mark.control("T-REG-07")
def test_control_a_plain_name_is_taken(desk: Desk) -> None:
    desk.trained()
    desk.register()
    assert taken(desk, "plain-name")
