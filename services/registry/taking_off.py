"""Taking an alias off a model: a free one, by whoever may set it; what it meant stays in its history."""

from __future__ import annotations

from typing import Final

from assay.contracts import Alias, Environment, FactKind, body_of
from assay.errors import HeadMoved
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.domain import FREE, alias_about, check_alias, standing_alias
from services.registry.errors import AliasMoved, AliasProtected, UnknownAlias
from services.registry.usecases import Registry

RIGHT: Final = "registry/set-alias"


def take_off(
    registry: Registry,
    model: str,
    alias: str,
    environment: Environment,
    *,
    by: Caller,
    previous: str | None = None,
) -> Record:
    """Append that a free alias names nothing any more; `previous` is the move the caller last saw, if any.

    The removal follows the move that was read: one that somebody made meanwhile is not taken off unseen.

    Raises:
        AliasProtected: the alias moves through its gate alone, and is not taken off.
        UnknownAlias: there is no such alias, or no more.
        AliasMoved: somebody moved it meanwhile.
    """
    check_alias(alias)
    registry.log.catch_up()
    resource = {"model": model, "environment": environment.value, "tenant": registry.tenant}
    registry.policy.require(RIGHT, by, resource)
    if alias not in FREE:
        raise AliasProtected(f"{model}@{alias} is protected: it is not taken off, in any environment")
    head = registry.believed.alias(environment, model, alias)
    if previous is not None and previous != head.digest:
        raise AliasMoved(f"{model}@{alias} is at {head.digest[:12]}, not {previous[:12]}")
    said = body_of(head.fact, Alias)
    gone = said.model_copy(update={"approvals": (), "evidence": (), "policy": "", "ended": True})
    body = gone.model_dump(mode="json")
    try:
        return registry.commit(registry.fact(FactKind.ALIAS, head.about, body, head, environment))
    except HeadMoved as error:
        registry.log.catch_up()
        if standing_alias(registry.log.head(alias_about(environment.value, model, alias))) is None:
            raise UnknownAlias(f"{model}@{alias} was taken off by somebody else") from error
        raise AliasMoved(f"{model}@{alias} was moved by somebody else") from error
