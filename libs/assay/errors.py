"""Refusals: each has a name (its class), an HTTP status and a way forward.

The edge renders one as RFC 9457 problem details: `title` is the class name, `detail` says what was refused
and `fix` says what the caller can do. Clients turn that body back into the same class through `refusal_from`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "fix"})  # of problem details


class ServiceError(Exception):
    """A refusal with a name, a status and a fix; every one of ours is a subclass."""

    status: ClassVar[int] = 500
    fix: str = "read the detail; `assay status` shows the state of each part"

    def __init__(self, detail: str, *, fix: str | None = None, **extra: Any) -> None:  # noqa: ANN401 - JSON members
        super().__init__(detail)
        self.detail = detail
        self.extra = extra
        if fix is not None:
            self.fix = fix

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 body of this refusal."""
        return {
            "type": "about:blank",
            "title": type(self).__name__,
            "status": self.status,
            "detail": self.detail,
            "fix": self.fix,
            **self.extra,
        }


class BadRequest(ServiceError):
    """The request itself is malformed."""

    status = 400
    fix = "correct the request; the detail names the member that is wrong"


class ConditionRefused(BadRequest):
    """A limit of an approval that nobody judges, or one that is not spelled as it must be."""

    fix = "limit an approval by `endpoints` (names) or `until` (a time), or leave the condition out"


class Unauthenticated(ServiceError):
    """The caller has not proved who it is."""

    status = 401
    fix = "run `assay login` and try again with the certificate it writes"


class Forbidden(ServiceError):
    """Policy did not clearly say yes."""

    status = 403
    fix = "ask an administrator for the role the rule names"


class NotFound(ServiceError):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    fix = "check the name; listing routes show what you may see"


class Conflict(ServiceError):
    """The request contradicts the present state."""

    status = 409
    fix = "read the present state and decide again"


class HeadMoved(Conflict):
    """A fact named a `previous` that is not the head of what it is about."""

    fix = "re-read the head, decide again and append with the new `previous`"


class TooLarge(ServiceError):
    """The body is larger than the limit of this route."""

    status = 413
    fix = "send smaller batches; the detail names the limit"


class Invalid(ServiceError):
    """The request is well-formed and its content is refused."""

    status = 422
    fix = "correct the content; the detail names what is wrong"


class SignatureInvalid(Invalid):
    """A signature, digest or proof does not verify over the very bytes given."""

    fix = "do not use these bytes; fetch them again from their source and report the difference"


class NotBuilt(ServiceError):
    """The stage exists in the design and is not built yet."""

    status = 501
    fix = "see the list of what does not work yet in README.md"


class Unavailable(ServiceError):
    """Something needed for a decision is down; nothing new is allowed until it is back."""

    status = 503
    fix = "`assay status` names the part that is down; it recovers by itself when that part is back"


class Stale(Unavailable):
    """The newest checkpoint is older than the lease."""

    fix = "check that the ledger answers; work resumes with the next fresh checkpoint"


def refusal_from(problem: Mapping[str, Any]) -> ServiceError:
    """Rebuild the refusal a problem names; a name this process does not know becomes a subclass of its status's.

    Whatever a server sends is a refusal: a title, status or fix that is none counts as not said.
    """
    title, fix = problem.get("title"), problem.get("fix")
    if not isinstance(title, str) or not title or not title.isprintable():
        title = ServiceError.__name__
    known = {cls.__name__: cls for cls in _all_refusals(ServiceError) if not issubclass(cls, _Named)}
    cls = known.get(title) or _named(title, problem.get("status"))
    refusal = cls(str(problem.get("detail", title)), fix=fix if isinstance(fix, str) else None)
    refusal.extra = {k: v for k, v in problem.items() if k not in _MEMBERS}
    return refusal


def _named(title: str, said: object) -> type[ServiceError]:
    """Return a new refusal of that name and status; no refusal is a success."""
    status = said if isinstance(said, int) and 400 <= said <= 599 else ServiceError.status  # noqa: PLR2004 - HTTP's
    family = _FAMILIES.get(status, ServiceError)
    return type(title, (_Named, family), {"status": status, "__doc__": family.__doc__})


class _Named:
    """Marks a refusal that this process knows by its name alone: the next of that name may be another."""


_FAMILIES: dict[int, type[ServiceError]] = {
    cls.status: cls
    for cls in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        Invalid,
        NotBuilt,
        Unavailable,
    )
}


def _all_refusals(cls: type[ServiceError]) -> list[type[ServiceError]]:
    found = [cls]
    for sub in cls.__subclasses__():
        found.extend(_all_refusals(sub))
    return found
