"""What a people listener refuses by itself."""

from __future__ import annotations

from assay.errors import Forbidden, ServiceError, Unauthenticated


class SignInNeeded(Unauthenticated):
    """Nobody is signed in here, or the session has ended."""

    fix = "sign in with your passkey"


class CrossSite(Forbidden):
    """The request was not sent by a page of this very origin, or without its session's token."""

    fix = "open the page here again and repeat it there; never follow a form from elsewhere"


class WrongAddress(ServiceError):
    """The request was made to another name of this host."""

    status = 421
    fix = "open the address that the detail names: passkeys are bound to it"


class TooManyAttempts(ServiceError):
    """Too many attempts in a short time."""

    status = 429
    fix = "wait a minute, then try again"


class SignInFailed(Unauthenticated):
    """Identity sent the browser back without somebody, or to a browser that did not ask."""

    fix = "start again from the first page"
