"""In which tenant a request acts: one, chosen by header or bound by what the caller or the service is.

The header `Assay-Tenant` is a choice and proves nothing: what a person may do in a tenant are the roles that
tenant's facts give. A grant, a run and a predictor are bound to one tenant, whatever a header says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from fastapi import Request

from assay.contracts import SpiffeId, check_tenant
from assay.errors import BadRequest, NotFound
from assay.identity.grants import Grant

HEADER: Final = "Assay-Tenant"
T = TypeVar("T")
_RUN_DIGITS: Final = 16  # `run-<tenant>-<16 hex digits>`: training names runs so, and is their only issuer


class OtherTenant(NotFound):
    """The request chose a tenant that what it uses does not belong to: there, it does not exist."""

    fix = "choose the tenant this belongs to (--tenant, ASSAY_TENANT, header Assay-Tenant), or leave it out"


class PerTenant(Generic[T]):
    """One object a tenant, made when somebody who may first acts there."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make
        self._made: dict[str, T] = {}
        self._turn = threading.Lock()

    def of(self, tenant: str) -> T:
        """Return a tenant's own."""
        with self._turn:
            if tenant not in self._made:
                self._made[tenant] = self._make(check_tenant(tenant))
            return self._made[tenant]


class Owners(Protocol):
    """Which tenant the platform's own is, and to which one a name belongs."""

    @property
    def tenant(self) -> str:
        """The platform's own tenant."""

    def owner(self, name: str) -> str | None:
        """Return the tenant a name belongs to; None while nobody used it."""


def tenant_of(
    request: Request, caller: SpiffeId, grants: Sequence[Grant], owners: Owners, *, service: SpiffeId
) -> str:
    """Return the tenant a request acts in: the platform's own when nothing chooses another.

    Raises:
        BadRequest: the header repeats or is no tenant's name.
        OtherTenant: the header chooses another tenant than caller, grant or endpoint are bound to.
    """
    chosen = request.headers.getlist(HEADER)
    if len(chosen) > 1:
        raise BadRequest("a request acts in one tenant")
    asked = check_tenant(chosen[0]) if chosen else None
    bound = [_endpoint(service, owners), _endpoint(caller, owners), _run(caller, owners)]
    said = {one for one in (asked, *bound, *(grant.tenant for grant in grants)) if one is not None}
    if len(said) > 1:
        raise OtherTenant(f"{request.url.path[:200]} is not of tenant {asked or 'your choice'}")
    return said.pop() if said else owners.tenant


def run_tenant(run: str) -> str | None:
    """Return the tenant a run's id names, if it names one."""
    first, _, rest = run.partition("-")
    tenant, _, digits = rest.rpartition("-")
    return tenant if first == "run" and tenant and len(digits) == _RUN_DIGITS else None


def _run(identity: SpiffeId, owners: Owners) -> str | None:
    """Return the tenant of a run."""
    return None if identity.run is None else run_tenant(identity.run) or owners.tenant


def _endpoint(identity: SpiffeId, owners: Owners) -> str | None:
    """Return the tenant of the endpoint a predictor answers for."""
    if identity.endpoint is None:
        return None
    return owners.owner(identity.endpoint) or owners.tenant
