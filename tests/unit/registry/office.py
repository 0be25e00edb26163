"""An office that tells webhooks: a desk's facts, a receiver that is a list, a clock that is set by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.registry.adapters.hooks_table import SqlHooks
from services.registry.hooks.api import hook_view
from services.registry.hooks.delivering import Delivering, Happened
from services.registry.hooks.domain import EVENTS, Form
from services.registry.hooks.errors import Undelivered
from services.registry.hooks.keeping import Webhooks, drawn
from services.registry.hooks.sending import Sending
from tests.unit.custody.world import TENANT
from tests.unit.registry.desk import Desk

URL = "https://ci.example/hook"
SOURCE = "spiffe://assay.test/svc/core/registry"
Posted = tuple[str, Mapping[str, str], bytes]


@dataclass
class Receiver:
    """The way out as a list: answers with `status`, or with the next of `answers`; `None` is no answer."""

    posted: list[Posted] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    status: int | None = 204
    checked: list[str] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    def check(self, url: str) -> None:
        """See `hooks.ports.Egress`."""
        self.checked.append(url)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See `hooks.ports.Egress`."""
        answer = self.answers.pop(0) if self.answers else self.status
        if answer is None:
            raise Undelivered("the receiver was not reached: TimeoutError")
        self.posted.append((url, headers, body))
        self.during()
        return answer

    @property
    def told(self) -> list[dict[str, Any]]:
        """What was posted, read."""
        return [json.loads(body) for _, _, body in self.posted]


class Office:
    """A desk with webhooks, turned by hand, on a clock that is set by hand."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.receiver, self.seconds = desk, Receiver(), 1_000_000.0
        self.hooks = SqlHooks(desk.database)
        self.sending = Sending(desk.world.vault, self.receiver, SOURCE, lambda: self.seconds)
        follower = desk.world.follower
        self.webhooks = Webhooks(
            self.hooks,
            desk.world.vault,
            self.receiver,
            self.sending,
            size=lambda: follower.size,
            now=desk.world.time,
            waits=lambda hook: bool(self.happened.waits(hook)),  # that of the newest start
        )
        self.restart()

    def restart(self) -> None:
        """Begin anew, as a process does: what it knew is in the database and in the ledger."""
        self.happened = Happened(TENANT)
        self.desk.world.follower.subscribe(self.happened)
        run_of = self.desk.world.follower.record
        self.delivering = Delivering(
            self.hooks,
            self.happened,
            self.sending,
            run_of=run_of,
            clock=lambda: self.seconds,
            poll_seconds=0.01,
        )

    def add(self, name: str = "ci", *events: str, form: Form = "mlflow") -> str:
        """Register a webhook; return its secret."""
        secret = drawn()
        self.webhooks.add(name, URL, events or EVENTS, form, by=self.desk.person("ada"), secret=secret)
        return secret

    def given(self, secret: str | None) -> None:
        """Register a webhook under a secret that came from outside, or without one."""
        self.webhooks.add("given", URL, EVENTS, "mlflow", by=self.desk.person("ada"), secret=secret)

    def rename(self, table: str, to: str) -> None:
        """Take a table away, or bring it back."""
        with self.desk.database.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {to}")

    def turn(self, *, after: float = 0.0) -> list[dict[str, Any]]:
        """Let time pass, follow the log, tell the hooks; return everything told so far."""
        self.seconds += after
        self.desk.registry.log.catch_up()
        self.delivering.turn()
        return self.receiver.told

    def names(self) -> list[str]:
        """The events told so far."""
        return [f"{one['entity']}.{one['action']}" for one in self.receiver.told]

    def status(self, name: str = "ci") -> dict[str, Any]:
        """A webhook as it is shown."""
        return next(hook_view(one) for one in self.webhooks.all() if one.name == name)
