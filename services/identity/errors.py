"""Identity's refusals."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Forbidden, Invalid, Unauthenticated


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


class WishRefused(BadRequest):
    """What an application asks a person for is malformed, or it would return somewhere else than it may."""

    fix = "start again from the application; if it sent you here by itself, report it"


class OneTimeCodeRefused(Unauthenticated):
    """A one-time code does not count: unknown, used, ended, or another client's, redirect's or verifier's."""

    fix = "start again from the application: a code works once and for a minute"


class LinkSpent(Unauthenticated):
    """An enrolment link that does not work: unknown, used, replaced or too old."""

    fix = "ask an administrator for a new link: each works once, for fifteen minutes"


class CredentialTaken(Conflict):
    """A passkey's id is another person's: nobody could tell any more whose passkey signs in."""

    fix = "make another passkey; if this one was made by itself, report it"


class SignedAlready(Conflict):
    """One administrator's second signature under the same words counts for nothing."""

    fix = "let another administrator sign"


class DraftWaits(Conflict):
    """One draft of a next root waits at a time: founders must not wonder which one they sign."""

    fix = "let founders sign the one that waits, or `assay rotate signing --withdraw` it"


class LastAdministrators(Conflict):
    """Nobody could make an administrator any more."""

    fix = "make another administrator first"
