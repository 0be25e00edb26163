"""Registering, listing, changing, trying and removing webhooks.

A secret is drawn here and said once, or comes with an MLflow client; it is kept sealed for its hook and address. A
hook that such a client registers without one is told unsigned, as MLflow's own server does: that is sealed too.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assay.contracts import check_name
from assay.errors import ServiceError
from assay.web.caller import Caller
from services.registry.errors import NotYours
from services.registry.hooks.domain import EVENTS, Form, Hook, Words, tried
from services.registry.hooks.errors import (
    SecretNeeded,
    UnknownEvent,
    UnknownWebhook,
    WeakSecret,
    WebhookExists,
)
from services.registry.hooks.ports import Egress, Hooks, Sealing
from services.registry.hooks.sending import KEY, Sending

MOST: Final = 20  # hooks: each is a call of ours for every event
SHORTEST: Final = 16  # characters of a secret
LONGEST: Final = 200
_SECRET_BYTES: Final = 32
_NONE: Final = "none"  # what is sealed where there is no secret: shorter than any


def drawn() -> str:
    """Return a new secret."""
    return secrets.token_urlsafe(_SECRET_BYTES)


@dataclass(frozen=True)
class Change:
    """What of a hook is to be another; None stays as it is."""

    name: str | None = None
    url: str | None = None
    events: Sequence[str] | None = None
    secret: str | None = field(default=None, repr=False)
    disabled: bool | None = None
    description: str | None = None


class Webhooks:
    """What people do with hooks. `size` gives the ledger's: a hook is told of what comes after it.

    `waits` says whether something a hook is to be told of has happened and was not taken yet.
    """

    def __init__(
        self,
        hooks: Hooks,
        vault: Sealing,
        egress: Egress,
        sending: Sending,
        *,
        size: Callable[[], int],
        now: Callable[[], str],
        waits: Callable[[Hook], bool],
    ) -> None:
        self._hooks = hooks
        self._vault = vault
        self._egress = egress
        self._sending = sending
        self._size = size
        self._now = now
        self._waits = waits

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""
        return self._hooks.all()

    def get(self, hook: str) -> Hook:
        """Return the hook with an id; raises UnknownWebhook."""
        if (found := self._hooks.get(hook)) is None:
            raise UnknownWebhook(f"there is no webhook with id {hook[:63]!r}")
        return found

    def words(self, hook: Hook) -> Words:
        """Return what was written of a hook, and when it was changed last."""
        return self._hooks.words(hook.id) or Words("", hook.time)

    def add(
        self,
        name: str,
        url: str,
        events: Sequence[str],
        form: Form,
        *,
        by: Caller,
        secret: str | None,
        disabled: bool = False,
        description: str = "",
    ) -> Hook:
        """Register a hook. Its secret is never said here; without one, what it is told is not signed.

        Raises:
            AddressRefused: the address may not be called.
            UnknownEvent: nobody is told of that.
            WeakSecret: the secret given is too short.
            WebhookExists: the name is taken, or there are as many as there may be.
        """
        if by.person is None:
            raise NotYours("only a person registers a webhook")
        told = _checked(events)
        self._egress.check(url)
        if len(self._hooks.all()) >= MOST:
            raise WebhookExists(f"there are {MOST} webhooks")
        sealing = _NONE if secret is None else _strong(secret)
        bare = Hook(
            id=uuid.uuid4().hex,
            name=check_name(name, "webhook"),
            url=url,
            form=form,
            events=told,
            sealed="",
            by=str(by.person),
            time=self._now(),
            position=self._size(),
            disabled=disabled,
            signed=secret is not None,
        )
        hook = replace(bare, sealed=self._sealed(sealing, bare))
        self._hooks.add(hook)
        if description:
            self._hooks.describe(hook.id, Words(description, hook.time))
        return hook

    def change(self, hook: Hook, change: Change) -> Hook:
        """Change a hook as it was read. One whose address changes gets a new secret; one at rest may be woken.

        One that never had a secret may change its address without, and is signed from its first secret on.
        Events that are added are told from now on, or from what waits on, if something does.

        Raises:
            SecretNeeded: a new address comes without a new secret, and there is an old one.
            SecretSealed: the hook says that it has no secret, and was not sealed so.
            AddressRefused, UnknownEvent, WeakSecret, WebhookExists, WebhookChanged.
        """
        values: dict[str, Any] = {}
        if change.name is not None:
            values["name"] = check_name(change.name, "webhook")
        if change.url is not None and change.url != hook.url:
            if change.secret is None and hook.signed:
                raise SecretNeeded("a webhook's address does not change without its secret")
            self._egress.check(change.url)
            values["url"] = change.url
        if change.secret is not None:
            values["signed"] = True
            values["sealed"] = self._sealed(_strong(change.secret), replace(hook, **values))
        elif "url" in values:
            self._sending.opened(hook)  # that there is no secret is what was sealed, and no row's word alone
            values["sealed"] = self._sealed(_NONE, replace(hook, **values))
        if change.events is not None:
            values["events"] = _checked(change.events)
            values |= {} if self._waits(hook) else {"position": self._size()}
        if change.disabled is not None:
            values |= {"disabled": change.disabled} | (
                {} if change.disabled else {"failures": 0, "retry_at": 0.0}
            )
        self._hooks.change(hook, values)
        written = self.words(hook).description if change.description is None else change.description
        self._hooks.describe(hook.id, Words(written, self._now()))
        return self.get(hook.id)

    def remove(self, name: str) -> Hook:
        """Forget a hook and its secret; raises UnknownWebhook."""
        hook = self.named(name)
        self._hooks.remove(hook)
        return hook

    def test(self, name: str) -> dict[str, Any]:
        """Send an event of no meaning now, and say how that went; one that is taken wakes a hook at rest."""
        hook = self.named(name)
        result = self.tried(hook)
        if result["success"]:
            self._hooks.wake(hook)
        return result

    def tried(self, hook: Hook) -> dict[str, Any]:
        """Send an event of no meaning now, and say how that went; the hook stays as it is."""
        try:
            status = self._sending.send(hook, tried(hook, uuid.uuid4().hex, self._now()))
        except ServiceError as refusal:
            return {"success": False, "error_message": refusal.detail}
        return {"success": True, "response_status": status}

    def named(self, name: str) -> Hook:
        """Return the hook of a name; raises UnknownWebhook."""
        for hook in self._hooks.all():
            if hook.name == name:
                return hook
        raise UnknownWebhook(f"there is no webhook {name[:63]!r}")

    def _sealed(self, secret: str, hook: Hook) -> str:
        return self._vault.encrypt(KEY, secret.encode(), context=hook.context)


def _checked(events: Sequence[str]) -> tuple[str, ...]:
    if unknown := sorted(set(events) - set(EVENTS)):
        raise UnknownEvent(f"there is no event {unknown[0][:63]!r}")
    return tuple(sorted(set(events)))


def _strong(secret: str) -> str:
    if not SHORTEST <= len(secret) <= LONGEST:
        raise WeakSecret(f"a secret has {SHORTEST} to {LONGEST} characters")
    return secret
