"""What the documents say is so: links lead somewhere, and every command they name exists as it is written."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from assay.cli import assay
from tests.architecture.source import ROOT, modules

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|^\[[^\]]+\]: (?P<reference>\S+)", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
MAKE = re.compile(r"(?:^|[`\s])make ([a-z][a-z-]*)")
ASSAY = re.compile(r"(?:^|\$\(|&& )assay (?P<rest>[^#\n)&|]*)", re.MULTILINE)

named = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def code(document: Path) -> str:
    """Return what stands in blocks of code and between backticks, a line each."""
    found = text(document)
    return "\n".join([*BLOCK.findall(found), *INLINE.findall(BLOCK.sub("", found))])


def targets() -> set[str]:
    """Return the targets that the Makefile says exist."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def called(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that words call, and the rest of them; raises KeyError where there is none."""
    command: click.Command = assay
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        word = rest.pop(0)
        if word.startswith("-"):
            takes = {
                name: each.nargs
                for each in command.params
                if not getattr(each, "is_flag", False)
                for name in each.opts
            }
            del rest[: takes.get(word, 0)]
        else:
            command = command.commands[word]
    return command, rest


def unknown(words: list[str]) -> str | None:
    """Return what of a command line does not exist."""
    try:
        command, rest = called(words)
    except KeyError as error:
        return f"no command {error} in `assay {' '.join(words)}`"
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    strange = [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options]
    return f"no {strange} at `assay {' '.join(words)}`" if strange else None


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as they are made on the web."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text(document)))
    return {heading.strip().replace(" ", "-") for heading in plain}


def leads_nowhere(document: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return False  # another site's: not asked here
    name, _, anchor = target.partition("#")
    place = (document.parent / name).resolve() if name else document
    if not place.exists() or not place.is_relative_to(ROOT):
        return True
    return bool(anchor) and place.suffix == ".md" and anchor not in anchors(place)


@named
def test_links_lead_somewhere(document: Path) -> None:
    links = [found["target"] or found["reference"] for found in LINK.finditer(text(document))]
    assert [target for target in links if leads_nowhere(document, target)] == []


@named
def test_targets_that_are_named_are_in_the_makefile(document: Path) -> None:
    assert set(MAKE.findall(code(document))) - targets() == set()


@named
def test_commands_that_are_named_exist_with_their_options(document: Path) -> None:
    lines = [found["rest"].strip() for found in ASSAY.finditer(code(document))]
    wrong = [unknown(shlex.split(line.replace("'[[0, …]]'", "ROWS"))) for line in lines]
    assert [each for each in wrong if each] == []


def test_the_readme_shows_how_it_is_used() -> None:
    words = {
        found["rest"].split()[0]
        for found in ASSAY.finditer("\n".join(BLOCK.findall(text(ROOT / "README.md"))))
    }
    assert {"up", "login", "run", "approve", "promote", "rollout", "predict", "verify", "down"} <= words


def test_commands_that_refusals_name_exist() -> None:
    wrong = {
        f"{path}: {complaint}"
        for path in modules("libs", "services", "pipelines")
        for line in re.findall(r"`assay ([a-z-][^`]*)`", (ROOT / path).read_text())
        if (complaint := unknown(line.split()))
    }
    assert wrong == set()


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert unknown(["nonesuch"])
    assert unknown(["receipt", "nonesuch"])
    assert unknown(["gate", "check", "models:/m/1", "--nonesuch", "prod"])
    assert unknown(["--home", "x", "nonesuch"])
    assert unknown(["--home", "x", "status"]) is None
    assert unknown(["gate", "check", "models:/m/1", "--to", "prod"]) is None
    assert leads_nowhere(ROOT / "README.md", "docs/nonesuch.md")
    assert leads_nowhere(ROOT / "README.md", "../elsewhere")
    assert leads_nowhere(ROOT / "README.md", "CONTRIBUTING.md#nonesuch")
    assert not leads_nowhere(ROOT / "README.md", "CONTRIBUTING.md#contributing")
