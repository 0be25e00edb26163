"""Opening the log as a library, before the ledger serves: entry 0 is the root, then people, roles and policy."""

from __future__ import annotations

from collections.abc import Sequence

from assay.contracts import PersonId, SignedFact
from assay.database import engine
from assay.ledger import Root
from assay.vault import Vault
from assay_laptop.genesis.people import Enrolled
from assay_laptop.home import Home
from assay_laptop.platform.environment import database_url
from services.identity.adapters.people import SqlNames
from services.ledger.store import open_store


def open_log(
    home: Home, vault: Vault, root: Root, entries: Sequence[SignedFact], people: dict[str, Enrolled]
) -> int:
    """Write the first entries, each checked like any later one, and the names; return the log's size.

    What an unfinished `assay init` wrote stays: the same heads are not written twice.
    """
    home.data("ledger").mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_store(database_url(home, "ledger"), root, lambda data: vault.sign("log", data)) as log:
        for entry in entries:
            if log.head(entry.fact.about) is None:
                log.append(entry)
        size = len(log.entries(0, len(entries) + 1))
    _name(home, people)
    return size


def _name(home: Home, people: dict[str, Enrolled]) -> None:
    database = engine(database_url(home, "identity"))
    names = SqlNames(database)
    for each in people.values():
        names.put(PersonId(each.person), each.name)
    database.dispose()
