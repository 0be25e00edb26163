"""Identity's refusals."""

from __future__ import annotations

from assay.errors import Conflict, Forbidden, Invalid, Unauthenticated


class PasskeyRefused(Unauthenticated):
    """The login was not proven; the same words for every reason an outsider could learn from."""

    fix = "log in again from the start, with a passkey that is bound to you"


class ChallengeSpent(Unauthenticated):
    """The challenge is not ours, has ended, or was used before."""

    fix = "ask for a new challenge: each one works once, for two minutes"


class NotAPerson(Forbidden):
    """Only people hand out grants, with their own certificate."""

    fix = "log in as yourself; a service cannot hand out what was granted to it"


class GrantTooWide(Invalid):
    """A grant must name one service of this trust domain, a few actions and an end."""

    fix = "name the services and actions the run needs, for no longer than it may take"


class NotEnoughAdministrators(Forbidden):
    """Fewer administrators said it than it takes."""

    fix = "let another administrator sign the same statement and hand in both assertions"


class NameTaken(Conflict):
    """Another person has that name."""

    fix = "choose another display name"


class PreviewMoved(Conflict):
    """What stands has changed since the preview that administrators signed: it says something else now."""

    fix = "ask for a new preview, look at it, and let two administrators sign that"
