"""What is refused about webhooks, and how a delivery fails."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, NotFound, Unavailable


class UnknownWebhook(NotFound):
    """No webhook has that name."""

    fix = "GET /v1/webhooks lists them"


class WebhookExists(Conflict):
    """A webhook of that name is registered, or as many as there may be."""

    fix = "remove one first: `assay webhook remove NAME`"


class UnknownEvent(BadRequest):
    """Nobody is told of such an event."""

    fix = "`assay webhook add --help` names the events"


class AddressRefused(BadRequest):
    """The address is no https address of a public host, nor one the platform's settings list."""

    fix = "give an https address of a public host, or have ASSAY_WEBHOOK_PRIVATE list host:port"


class Undelivered(Unavailable):
    """The receiver was not reached in time, or did not say that it took the event."""

    fix = "look at the receiver; what was not taken is sent again"
