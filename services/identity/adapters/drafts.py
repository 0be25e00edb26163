"""Links that were made, and what waits for signatures (proposals, the next root), in SQL: drafts, and no facts.

Losing them loses nothing that counts: a link is made anew, and administrators sign again.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from assay.contracts import Assertion, PersonId
from assay.database import create, reading
from services.identity.next_root import RootDraft
from services.identity.proposals import Link, Proposal

_METADATA = sa.MetaData()
_LINKS = sa.Table(
    "enrolment_links",
    _METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(63), nullable=False),
    sa.Column("made_by", sa.String(63), nullable=False),
    sa.Column("expiry", sa.Integer, nullable=False),
)
_PROPOSALS = sa.Table(
    "proposals",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)


_ROOT = sa.Table(
    "next_root",
    _METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)


class SqlDrafts:
    """`services.identity.ports.Drafts` over SQLAlchemy."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        create(database, _METADATA)

    def keep_link(self, digest: str, link: Link) -> None:
        """Keep a link, in place of every earlier one of its person."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(_LINKS).where(_LINKS.c.person == link.person))
            row = {"person": link.person, "made_by": link.made_by, "expiry": link.expiry}
            connection.execute(sa.insert(_LINKS).values(digest=digest, **row))

    def link(self, digest: str) -> Link | None:
        """Return a link that was not used."""
        with reading(self._database) as connection:
            row = connection.execute(sa.select(_LINKS).where(_LINKS.c.digest == digest)).one_or_none()
        return Link(PersonId(row.person), PersonId(row.made_by), row.expiry) if row else None

    def use_link(self, digest: str) -> bool:
        """Use a link up; of many who try at once, one is told True."""
        with self._database.begin() as connection:
            return connection.execute(sa.delete(_LINKS).where(_LINKS.c.digest == digest)).rowcount == 1

    def keep(self, proposal: Proposal) -> None:
        """Keep a proposal, in place of its earlier state."""
        document = {**vars(proposal), "assertions": [one.model_dump() for one in proposal.assertions]}
        with self._database.begin() as connection:
            connection.execute(sa.delete(_PROPOSALS).where(_PROPOSALS.c.id == proposal.id))
            connection.execute(sa.insert(_PROPOSALS).values(id=proposal.id, document=json.dumps(document)))

    def drop(self, proposal: str) -> None:
        """Forget a proposal."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(_PROPOSALS).where(_PROPOSALS.c.id == proposal))

    def proposals(self) -> list[Proposal]:
        """Return every proposal, the oldest first."""
        with reading(self._database) as connection:
            documents = [json.loads(each) for each in connection.scalars(sa.select(_PROPOSALS.c.document))]
        found = [
            Proposal(**{**each, "assertions": tuple(Assertion(**one) for one in each["assertions"])})
            for each in documents
        ]
        return sorted(found, key=lambda one: (one.opened, one.id))

    def root(self) -> RootDraft | None:
        """Return the draft of the next root."""
        with reading(self._database) as connection:
            kept = connection.scalar(sa.select(_ROOT.c.document))
        if kept is None:
            return None
        found = json.loads(kept)
        return RootDraft(**{**found, "assertions": tuple(Assertion(**one) for one in found["assertions"])})

    def keep_root(self, draft: RootDraft) -> None:
        """Keep the draft of the next root, in place of its earlier state."""
        document = {**vars(draft), "assertions": [one.model_dump() for one in draft.assertions]}
        with self._database.begin() as connection:
            connection.execute(sa.delete(_ROOT))
            connection.execute(sa.insert(_ROOT).values(one=1, document=json.dumps(document)))

    def drop_root(self) -> None:
        """Forget the draft of the next root."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(_ROOT))
