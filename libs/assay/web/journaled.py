"""Every read and every refusal is in the journal before its answer leaves: an ASGI layer around the routes.

A request whose caller the connection proves leaves one entry. One that appended a fact that names who asked leaves
none: the fact is the entry. Requests of nobody leave none, so that nobody can fill our disk; they are counted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.contracts import Fact
from assay.journal import Access, Appended, AsyncJournal, Draft, JournalBroken, Journaling, Kind
from assay.ledger import LedgerClient, Record
from assay.telemetry import trace_id
from assay.web.caller import Caller
from assay.web.handshakes import Strangers
from assay.web.problems import REFUSAL, problem
from assay.web.protocol import Peer

EXCHANGE: Final = "exchange"  # where in a request's state its exchange stands
_APPENDED: ContextVar[Appended | None] = ContextVar("appended", default=None)


class NotingLedgerClient(LedgerClient):
    """A ledger that tells the request it serves, if any, that a fact was appended."""

    def append(self, fact: Fact) -> Record:
        """See `Ledger.append`."""
        record = super().append(fact)
        if (appended := _APPENDED.get()) is not None:
            appended.add(record.fact)
        return record


class Journaled:
    """Wraps an application; its answers wait for the journal."""

    def __init__(self, app: ASGIApp, journaling: Journaling) -> None:
        self._app = app
        self._journaling = journaling
        self._appends = AsyncJournal(journaling.journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._journaling, self._appends)
        scope.setdefault("state", {})[EXCHANGE] = exchange
        token = _APPENDED.set(exchange.appended)
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:
            await exchange.failed()
            raise
        finally:
            _APPENDED.reset(token)


class Exchange:
    """One request and its answer, on the way into the journal."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, journaling: Journaling, appends: AsyncJournal
    ) -> None:
        self.appended = Appended()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._journaling = journaling
        self._appends = appends
        self._action = ""
        self._route = "unknown"
        self._kind = Kind.READ if scope["method"] in {"GET", "HEAD"} else Kind.CHANGE
        self._named: Mapping[str, str] = {}
        self._answered = False
        self._replaced = False

    def enter(self, action: str, route: str, kind: Kind, named: Mapping[str, Any]) -> None:
        """Say which route this is; raises the journal's reason why it cannot be answered for."""
        self._action, self._route, self._kind = action, route, kind
        self._named = {name: str(value) for name, value in named.items()}
        if kind is not Kind.UNJOURNALED:
            self._journaling.require_room()

    async def send(self, message: Message) -> None:
        """Pass an answer on once it is journaled; an answer that cannot be is replaced by the reason."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self._answered = True
            try:
                await self._journal(message["status"])
            except JournalBroken as broken:
                if message["status"] < HTTPStatus.BAD_REQUEST:
                    self._replaced = True
                    await problem(broken)(self._scope, self._receive, self._send)
                    return
        await self._send(message)

    async def failed(self) -> None:
        """Journal a request that ended in an error nobody expected."""
        if not self._answered:
            self._answered = True
            self._scope["state"].setdefault(REFUSAL, "InternalError")
            with contextlib.suppress(JournalBroken):
                await self._journal(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _journal(self, status: int) -> None:
        access = self._access()
        if access is None:
            self._count_stranger(status)
            return
        draft: Draft | None = None
        if status >= HTTPStatus.BAD_REQUEST:
            draft = self._journaling.refused(access, self._refusal(status))
        elif access.kind is not Kind.UNJOURNALED and not self.appended.name(access.person, access.identity):
            draft = self._journaling.allowed(access, self.appended.digests())
        if draft is not None:
            await self._appends.append(draft)

    def _refusal(self, status: int) -> str:
        return str(self._scope["state"].get(REFUSAL) or HTTPStatus(status).phrase.title().replace(" ", ""))

    def _count_stranger(self, status: int) -> None:
        strangers = getattr(self._scope["app"].state, "strangers", None)
        if status >= HTTPStatus.BAD_REQUEST and isinstance(strangers, Strangers):
            strangers.count(self._refusal(status))

    def _tenant(self, caller: object) -> str:
        """Return the tenant the request acts in; the platform's own while that is not known."""
        if isinstance(caller, Caller) and caller.tenant:
            return caller.tenant
        return str(self._scope["app"].state.edge.follower.tenant)

    def _access(self) -> Access | None:
        """Return what is known of the request, or None when nobody proved to have sent it."""
        caller, peer = self._scope["state"].get("caller"), self._scope["state"].get("peer")
        if isinstance(caller, Caller):
            identity, person = caller.identity, caller.person
        elif isinstance(peer, Peer):
            identity, person = peer.identity, peer.identity.person
        else:
            return None
        return Access(
            identity=str(identity),
            person=person,
            tenant=self._tenant(caller),
            action=self._action,
            route=f"{self._scope['method']} {self._route}",
            kind=self._kind,
            trace=trace_id(),
            named=self._named,
        )
