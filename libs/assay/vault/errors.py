"""How Vault refuses, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hvac import exceptions

from assay.errors import Forbidden, Invalid, NotFound, ServiceError, Unavailable

_LONGEST = 300
_MISSING = ("key not found", "no existing key named", "could not delete key; not found", "unknown role")
_DOWN = (
    exceptions.InternalServerError,
    exceptions.VaultNotInitialized,
    exceptions.BadGateway,
    exceptions.VaultDown,
    exceptions.RateLimitExceeded,
)
_RIGHTS = "the policies of Vault are infra/vault/*.hcl; a service may use its own keys and identity only"


class VaultRefused(Invalid):
    """Vault will not do this with what was sent: wrong context, changed ciphertext, an identity not the role's."""

    fix = "the detail is Vault's own reason; send what the key or role allows"


class LoginRefused(Forbidden):
    """The wrapped secret id was used before, has expired, or belongs to another role."""

    fix = "start the part again; if nobody restarted it, somebody else took its login: look into it"


class LoginEnded(Unavailable):
    """The token was revoked or has expired: nothing is allowed until the part logs in again."""

    fix = "start the part again: its login at Vault works once and ends with the part"


@contextmanager
def translated() -> Iterator[None]:
    """Turn what hvac and the network raise into Unavailable, LoginEnded, Forbidden, NotFound or VaultRefused.

    Only Vault's own reason is quoted: never what was sent, nor a token.
    """
    try:
        yield
    except exceptions.VaultError as error:
        raise _refusal(error) from error
    except OSError as error:  # what requests raises, and a certificate file that is gone
        raise Unavailable(f"Vault does not answer ({type(error).__name__})") from error


def reason(error: exceptions.VaultError) -> str:
    """Return Vault's reason on one line."""
    said = error.errors if isinstance(error.errors, list) else [error.errors or "no reason given"]
    return " ".join("; ".join(str(each) for each in said).split())[:_LONGEST] or "no reason given"


def _refusal(error: exceptions.VaultError) -> ServiceError:
    text = reason(error)
    if isinstance(error, _DOWN):
        return Unavailable(f"Vault is not ready: {text}")
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized):
        return (
            LoginEnded(f"Vault: {text}")
            if "invalid token" in text
            else Forbidden(f"Vault: {text}", fix=_RIGHTS)
        )
    if isinstance(error, exceptions.InvalidPath) or any(words in text for words in _MISSING):
        return NotFound(f"Vault: {text}")
    return VaultRefused(f"Vault: {text}")
