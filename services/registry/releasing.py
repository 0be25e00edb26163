"""Who gets the bytes of a package: people and services by their right, a predictor only while they are to answer there.

The data key of a package stays here. What it opens goes to a predictor whose endpoint's newest rollout names the
package and stands as judged now; a rollout that ended, was refused or rests on something revoked gives nothing.
"""

from __future__ import annotations

from assay.contracts import FactKind
from assay.custody import judge_move
from assay.errors import ServiceError
from assay.ledger import Record
from assay.web.caller import Caller
from services.registry.errors import NoLiveRollout
from services.registry.usecases import Registry


def require_release(registry: Registry, package: str, by: Caller) -> None:
    """Return when the caller may have the bytes of a package.

    Raises:
        NoLiveRollout: a predictor asks for what its endpoint is not to answer with.
        GateNotMet, ChainRevoked: the rollout does not stand.
    """
    endpoint = by.identity.endpoint
    if endpoint is None:
        return
    try:
        _require_live(registry, package, endpoint)
    except ServiceError:
        registry.log.catch_up()  # the predictor may be ahead of us
        _require_live(registry, package, endpoint)


def _require_live(registry: Registry, package: str, endpoint: str) -> None:
    rollout = _rollout(registry, endpoint, package)
    if rollout is None:
        raise NoLiveRollout(f"{endpoint} is not to answer with package {package[:12]}")
    judge_move(
        registry.log,
        registry.root,
        registry.policy,
        move=rollout.digest,
        card=registry.packages.card(package),
        now_ns=registry.now_ns(),
    )


def _rollout(registry: Registry, endpoint: str, package: str) -> Record | None:
    head = registry.log.head(endpoint)
    if head is None or head.kind is not FactKind.ROLLOUT or head.fact.body["package"] != package:
        return None
    return head
