"""The journal for an event loop: what gathers while one commit is on its way to the disk is the next commit."""

from __future__ import annotations

import asyncio

from assay.journal.errors import JournalBroken
from assay.journal.journal import Draft, Journal


class AsyncJournal:
    """Appends from coroutines of one loop, which goes on while a thread waits for the disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Draft, asyncio.Future[int]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def append(self, draft: Draft) -> int:
        """Return the record's index once it is durable; raises JournalBroken."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append((draft, done))
        if self._committing is None:
            self._committing = loop.create_task(self._commit())
        return await done

    async def _commit(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                indexes = await asyncio.to_thread(self._journal.append_all, [draft for draft, _ in taken])
            except JournalBroken as error:
                for _, done in taken:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), index in zip(taken, indexes, strict=True):
                if not done.done():  # the request was given up; its record stands
                    done.set_result(index)
        self._committing = None
