"""Requests and comments in SQL: no facts, and not rebuilt from any."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from assay.database import create, reading
from services.registry.asking import LONGEST, ApprovalRequest, Comment

_METADATA = sa.MetaData()
_REQUESTS = sa.Table(
    "approval_request",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("environment", sa.String(10), nullable=False),
    sa.Column("package", sa.String(64), nullable=False),
    sa.Column("note", sa.String(LONGEST), nullable=False),
    sa.Column("due", sa.String(40)),
    sa.Column("by", sa.String(63), nullable=False),
    sa.Column("time", sa.String(40), nullable=False, index=True),
    sa.Column("withdrawn", sa.String(40)),
    sa.Index("approval_request_version", "model", "number"),
)
_COMMENTS = sa.Table(
    "comment",
    _METADATA,
    sa.Column("id", sa.String(63), primary_key=True),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("request", sa.String(63), nullable=False),
    sa.Column("by", sa.String(63), nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
    sa.Column("text", sa.String(LONGEST), nullable=False),
    sa.Column("question", sa.Boolean, nullable=False),
    sa.Index("comment_version", "model", "number"),
)


class SqlDrafts:
    """See `asking.Drafts`."""

    def __init__(self, database: sa.Engine) -> None:
        create(database, _METADATA)
        self._database = database

    def put(self, request: ApprovalRequest) -> None:
        """Keep a request, in the place of the one with its id."""
        with self._database.begin() as connection:
            connection.execute(_REQUESTS.delete().where(_REQUESTS.c.id == request.id))
            connection.execute(_REQUESTS.insert().values(**vars(request)))

    def find(self, request: str) -> ApprovalRequest | None:
        """Return a request by id."""
        return next(iter(self._requests(sa.select(_REQUESTS).where(_REQUESTS.c.id == request))), None)

    def of(self, model: str, number: int) -> Sequence[ApprovalRequest]:
        """Return a version's requests, oldest first."""
        query = sa.select(_REQUESTS).where(_REQUESTS.c.model == model, _REQUESTS.c.number == number)
        return self._requests(query.order_by(_REQUESTS.c.time, _REQUESTS.c.id))

    def newest(self, most: int) -> Sequence[ApprovalRequest]:
        """Return the newest requests that were not withdrawn, newest first."""
        query = sa.select(_REQUESTS).where(_REQUESTS.c.withdrawn.is_(None))
        return self._requests(query.order_by(_REQUESTS.c.time.desc(), _REQUESTS.c.id).limit(most))

    def say(self, comment: Comment) -> None:
        """Keep a comment."""
        with self._database.begin() as connection:
            connection.execute(_COMMENTS.insert().values(**vars(comment)))

    def said(self, model: str, number: int) -> Sequence[Comment]:
        """Return what was written about a version, oldest first."""
        query = sa.select(_COMMENTS).where(_COMMENTS.c.model == model, _COMMENTS.c.number == number)
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(_COMMENTS.c.time, _COMMENTS.c.id)).mappings()
            return [Comment(**row) for row in rows]

    def _requests(self, query: sa.Select[tuple[str, ...]]) -> list[ApprovalRequest]:
        with reading(self._database) as connection:
            return [ApprovalRequest(**row) for row in connection.execute(query).mappings()]
