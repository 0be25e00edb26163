"""Registering, listing, trying and removing webhooks. The secret is drawn here, said once, and kept sealed."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from assay.contracts import check_name
from assay.errors import ServiceError
from assay.web.caller import Caller
from services.registry.errors import NotYours
from services.registry.hooks.domain import EVENTS, Form, Hook, tried
from services.registry.hooks.errors import UnknownEvent, UnknownWebhook, WebhookExists
from services.registry.hooks.ports import Egress, Hooks, Sealing
from services.registry.hooks.sending import KEY, Sending

MOST: Final = 20  # hooks: each is a call of ours for every event
_SECRET_BYTES: Final = 32


class Webhooks:
    """What people do with hooks. `size` gives the ledger's: a hook is told of what comes after it."""

    def __init__(
        self,
        hooks: Hooks,
        vault: Sealing,
        egress: Egress,
        sending: Sending,
        *,
        size: Callable[[], int],
        now: Callable[[], str],
    ) -> None:
        self._hooks = hooks
        self._vault = vault
        self._egress = egress
        self._sending = sending
        self._size = size
        self._now = now

    def all(self) -> Sequence[Hook]:
        """Return every hook, by name."""
        return self._hooks.all()

    def add(self, name: str, url: str, events: Sequence[str], form: Form, *, by: Caller) -> tuple[Hook, str]:
        """Register a hook; return it with its secret, which is never said again.

        Raises:
            AddressRefused: the address may not be called.
            UnknownEvent: nobody is told of that.
            WebhookExists: the name is taken, or there are as many as there may be.
        """
        if by.person is None:
            raise NotYours("only a person registers a webhook")
        if unknown := sorted(set(events) - set(EVENTS)):
            raise UnknownEvent(f"there is no event {unknown[0][:63]!r}")
        self._egress.check(url)
        if len(self._hooks.all()) >= MOST:
            raise WebhookExists(f"there are {MOST} webhooks")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        made: dict[str, Any] = {"id": uuid.uuid4().hex, "name": check_name(name, "webhook"), "url": url}
        made |= {
            "form": form,
            "events": tuple(sorted(set(events))),
            "by": str(by.person),
            "time": self._now(),
        }
        bare = Hook(**made, sealed="", position=self._size())
        sealed = self._vault.encrypt(KEY, secret.encode(), context=bare.context)
        hook = Hook(**made, sealed=sealed, position=bare.position)
        self._hooks.add(hook)
        return hook, secret

    def remove(self, name: str) -> Hook:
        """Forget a hook and its secret; raises UnknownWebhook."""
        hook = self._find(name)
        self._hooks.remove(hook)
        return hook

    def test(self, name: str) -> dict[str, Any]:
        """Send an event of no meaning now, and say how that went; one that is taken wakes a disabled hook."""
        hook = self._find(name)
        try:
            status = self._sending.send(hook, tried(hook, uuid.uuid4().hex, self._now()))
        except ServiceError as refusal:
            return {"success": False, "error_message": refusal.detail}
        self._hooks.told(hook, hook.position)
        return {"success": True, "response_status": status}

    def _find(self, name: str) -> Hook:
        for hook in self._hooks.all():
            if hook.name == name:
                return hook
        raise UnknownWebhook(f"there is no webhook {name[:63]!r}")
