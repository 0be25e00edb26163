"""Commands as a shell runs them, by somebody who is logged in at a platform without servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from assay.cli import assay
from assay.cli.context import Context
from assay.client import Session
from tests.unit.client.world import Answers, LoggedIn, session


class As(Context):
    """A choice of platform at which somebody is logged in."""

    def __init__(self, open_: Callable[[], Session]) -> None:
        super().__init__(home=None)
        self._open = open_

    def session(self, as_: str | None = None) -> Session:  # noqa: ARG002 - Context's own
        """Open it, whoever is asked for."""
        return self._open()


class Shell:
    """Runs commands as one person."""

    def __init__(self, home: Path, answers: Answers, name: str = "dana") -> None:
        self._session, self.held = session(home, answers, name=name)

    def run(self, *words: str) -> Result:
        """Run a command; a refusal is in the result's `exception`."""
        command: click.Command = assay
        arguments = list(words)
        while isinstance(command, click.Group):
            command = command.commands[arguments.pop(0)]
        return CliRunner().invoke(command, arguments, obj=As(lambda: self._session))


def shell(home: Path, answer: Any, name: str = "dana") -> tuple[Shell, LoggedIn]:  # noqa: ANN401 - JSON
    made = Shell(home, answer if callable(answer) else lambda _: answer, name)
    return made, made.held
