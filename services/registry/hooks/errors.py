"""What is refused about webhooks, and how a delivery fails."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Invalid, NotFound, Unavailable


class UnknownWebhook(NotFound):
    """No webhook has that name or id."""

    fix = "list them: `assay webhook list`, `MlflowClient().list_webhooks()` or the page of webhooks"


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


class WebhookChanged(Conflict):
    """Somebody else changed the webhook meanwhile, or removed it."""

    fix = "read the webhook again, and decide again"


class EventUntold(BadRequest):
    """MLflow knows such an event, and the registry has no fact of which it could tell."""

    fix = "of MLflow's events choose model_version.created, model_version_alias.created or model_version_alias.deleted"


class WeakSecret(Invalid):
    """A receiver's secret is too short to sign with."""

    fix = "draw one: `python -c 'import secrets; print(secrets.token_urlsafe(32))'`"


class SecretNeeded(BadRequest):
    """A webhook's address is to change, and its secret with it: the old one was agreed with another receiver."""

    fix = "say the new address and a new secret in one call: `update_webhook(id, url=…, secret=…)`"


class SecretSealed(Invalid):
    """A webhook's secret does not open for its address: its row was edited, or its key is another."""

    fix = "remove the webhook and register it again, with a new secret"


class WebhooksUnkept(Unavailable):
    """The table of webhooks cannot be read or written now: nobody is told, and nothing is skipped."""

    fix = "look at the registry's database; when it answers, each hook goes on at its place"
