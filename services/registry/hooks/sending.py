"""One event to one hook: unsealed, put into its form, signed where there is a secret, sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from assay.errors import ServiceError, Unavailable
from services.registry.hooks.domain import Event, Hook, headers_of, payload_of
from services.registry.hooks.errors import SecretSealed, Undelivered
from services.registry.hooks.ports import Egress, Sealing

KEY: Final = "webhooks"
"""Vault's transit key that seals the secrets."""


class Sending:
    """Sends as `source`; `clock` is wall time in seconds."""

    def __init__(self, vault: Sealing, egress: Egress, source: str, clock: Callable[[], float]) -> None:
        self._vault = vault
        self._egress = egress
        self._source = source
        self._clock = clock

    def send(self, hook: Hook, event: Event) -> int:
        """Return the receiver's 2xx; raises Undelivered for any other, AddressRefused, SecretSealed, or Unavailable."""
        secret = self.opened(hook)
        payload = payload_of(event, hook.form, self._source)
        headers = headers_of(hook.form, secret, event.id, int(self._clock()), payload)
        status = self._egress.post(hook.url, headers, payload)
        if not 200 <= status < 300:  # noqa: PLR2004 - a redirect is no yes either
            raise Undelivered(f"the receiver answered {status}")
        return status

    def opened(self, hook: Hook) -> bytes | None:
        """Return the secret, None for a hook that has none: that it has none lies sealed for its address too.

        Raises:
            SecretSealed: the hook is not the one that was sealed; Unavailable.
        """
        try:
            secret = self._vault.decrypt(KEY, hook.sealed, context=hook.context)
        except Unavailable:
            raise
        except ServiceError as error:
            raise SecretSealed(f"the secret of webhook {hook.name} does not open for its address") from error
        return secret if hook.signed else None
