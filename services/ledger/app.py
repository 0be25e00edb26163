"""Joining the ledger: its own login, certificate and root, the log it owns, and policy in process.

It starts before OPA and follows nobody: roles and revocations are its own newest state.
"""

from __future__ import annotations

import gc
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from fastapi import FastAPI

from assay.database import engine
from assay.journal import Journaling
from assay.ledger import FactSigner
from assay.ledger.in_force import counting, root_in_force
from assay.policy import Policy
from assay.web.app import build_app
from assay.web.journals import joined as journal_of
from assay.web.parts import Core, leave
from services.ledger.adapters.search_index import SqlIndex, url_of
from services.ledger.api import routes, search_routes
from services.ledger.journaling import OwnFacts
from services.ledger.log import Log
from services.ledger.policy import RootDecidesAppends
from services.ledger.searching import Searching
from services.ledger.settings import LedgerSettings
from services.ledger.store import open_store
from services.ledger.usecases import LedgerUses


@dataclass(frozen=True)
class LedgerParts(Core):
    """Core, the log (which is what others follow), its search index, policy, and the ledger's own journal."""

    log: Log
    policy: Policy
    searching: Searching
    journaling: Journaling

    @property
    def follower(self) -> Log:
        """What is known of people and revocations: the log's own newest state."""
        return self.log

    @classmethod
    def join(cls, settings: LedgerSettings) -> Self:
        """Join everything; raises what is refused by name and leaves nothing open."""
        core = cls.core(settings)
        with ExitStack() as undo:
            undo.callback(core.close)
            log = undo.enter_context(
                open_store(
                    settings.database_url,
                    core.root,
                    lambda data: core.vault.sign("log", data),
                    create=False,
                    lease_seconds=settings.lease_seconds,
                    on_failure=_leave,
                )
            )
            core.vault.on_loss(leave)
            core.vault.sign_as_listed(counting(lambda: log.root))
            searching = Searching(log, SqlIndex(engine(url_of(settings.database_url, settings.data_dir))))
            undo.callback(searching.close)
            searching.start()
            own = OwnFacts(log, FactSigner(core.vault))
            journaling = journal_of(settings, own, core.identity.spiffe_id, log.policy_revision, undo)
            gc.freeze()  # what the log knows stays: collecting garbage need not look at it again
            policy = RootDecidesAppends(core.policy_in_process(log, undo))
            return cls(
                settings=settings,
                identity=core.identity,
                vault=core.vault,
                root=root_in_force(lambda: log.root),
                tracer=core.tracer,
                resources=undo.pop_all(),
                log=log,
                searching=searching,
                journaling=journaling,
                policy=policy,
            )


def build(parts: LedgerParts) -> FastAPI:
    """Return the application."""
    return build_app(
        parts, routes(LedgerUses(parts.log)), search_routes(parts.searching), title="Assay ledger"
    )


def _leave() -> None:
    """End the process: the supervisor starts it again, with the start-up check."""
    os.kill(os.getpid(), signal.SIGTERM)
