"""Projections keep what they say on PostgreSQL too."""

from __future__ import annotations

import sqlalchemy as sa

from assay.database import AppliedIndex, engine, insert_once
from tests.support.postgres import PostgresServer


def test_how_far_a_projection_read_is_kept_on_postgresql(postgres: PostgresServer) -> None:
    database = engine(postgres.create_database("applied"))
    applied = AppliedIndex(database)
    assert applied.get() == 0
    with database.begin() as connection:
        applied.set(connection, 7)
    assert AppliedIndex(engine(str(database.url.render_as_string(hide_password=False)))).get() == 7
    database.dispose()


def test_an_existing_row_is_left_alone_on_postgresql(postgres: PostgresServer) -> None:
    database = engine(postgres.create_database("rows"))
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("k", sa.String, primary_key=True), sa.Column("v", sa.String)
    )
    table.metadata.create_all(database)
    with database.begin() as connection:
        connection.execute(insert_once(table, database).values(k="a", v="first"))
        connection.execute(insert_once(table, database).values(k="a", v="second"))
        assert connection.scalar(sa.select(table.c.v)) == "first"
    database.dispose()
