"""Joining the witness: its own login, certificate and root, its folder, the ledger it looks at, policy in process.

It starts right after the ledger and before OPA: without it nobody gets a checkpoint.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from fastapi import FastAPI

from assay.ledger.in_force import root_in_force
from assay.policy import Policy
from assay.web.app import build_app
from assay.web.events import announce
from assay.web.parts import Core
from services.witness.adapters.folder import Folder
from services.witness.adapters.ledger import LedgerHttp
from services.witness.api import routes
from services.witness.settings import WitnessSettings
from services.witness.usecases import Following
from services.witness.witnessing import Witnessing


@dataclass(frozen=True)
class WitnessParts(Core):
    """Core, the witness, and policy at the revision the witness itself recomputed."""

    following: Following
    policy: Policy

    @property
    def follower(self) -> Witnessing:
        """What is known of people and revocations: what was recomputed."""
        return self.following.witnessing

    @classmethod
    def join(cls, settings: WitnessSettings) -> Self:
        """Join everything; raises what is refused by name and leaves nothing open."""
        core = cls.core(settings)
        with ExitStack() as undo:
            undo.callback(core.close)
            log = LedgerHttp(undo.enter_context(core.client("ledger")))
            witnessing = Witnessing(
                settings.witness_name,
                core.root,
                Folder(settings.data_dir),
                log,
                lease_seconds=settings.lease_seconds,
            )
            following = Following(witnessing, _say)
            undo.callback(following.close)
            policy = core.policy_in_process(witnessing, undo)
            return cls(
                settings=settings,
                identity=core.identity,
                vault=core.vault,
                root=root_in_force(lambda: witnessing.root),
                tracer=core.tracer,
                resources=undo.pop_all(),
                following=following,
                policy=policy,
            )


def build(parts: WitnessParts) -> FastAPI:
    """Return the application."""
    return build_app(parts, routes(parts.following), title="Assay witness")


def _say(refusal: str, detail: str) -> None:
    announce("refused", refusal=refusal, detail=detail)
