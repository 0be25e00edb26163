"""Users of a real PostgreSQL that a real Vault lends; TLS to PostgreSQL is left out: both stand on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from assay.errors import Forbidden, NotFound, ServiceError
from assay.lent_users import LentUsers
from assay.vault import LeasedUser, Vault
from assay.vault.database import (
    Lending,
    Postgres,
    configure_database,
    owner_statements,
    rotate_database,
)
from tests.contract.vault.world import Running
from tests.support.postgres import PostgresServer

FIRST_PASSWORD = "known-to-a-person"
HANG_SECONDS = 60.0
LEASE, MOST = 4, 8  # half a lease is how late a busy machine may be


@pytest.fixture(scope="module")
def lending(vault: Running, postgres: PostgresServer) -> Running:
    """A Vault that lends users of features' and training's databases for four seconds, eight at most."""
    with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
        for service in ("features", "training"):
            for statement in owner_statements(service, FIRST_PASSWORD):
                connection.execute(statement)
    server = Postgres(postgres.host, postgres.port, "sslmode=disable")
    lent = [Lending(name, FIRST_PASSWORD, LEASE, MOST) for name in ("features", "training")]
    configure_database(vault.admin, server, lent)
    return vault


def address(postgres: PostgresServer, service: str = "features") -> str:
    return f"postgresql+psycopg://{postgres.host}:{postgres.port}/assay_{service}"


@contextmanager
def users(lending: Running, postgres: PostgresServer) -> Iterator[LentUsers]:
    login = lending.log_in("features")
    made = LentUsers(login, "features", address(postgres))
    try:
        yield made
    finally:
        made.close()
        login.close()


def roles(postgres: PostgresServer) -> set[str]:
    with psycopg.connect(postgres.conninfo()) as connection:
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'").fetchall()
    return {row[0] for row in rows}


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + HANG_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_lent_user_acts_as_the_owner_and_is_gone_when_it_is_given_back(
    lending: Running, postgres: PostgresServer
) -> None:
    with users(lending, postgres) as lent:
        with lent.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE kept (k int)"))
            who = connection.execute(sa.text("SELECT session_user, current_user")).one()
        assert tuple(who) == (lent.name, "assay_features")
        assert lent.name in roles(postgres)
        name = lent.name
    assert name not in roles(postgres)
    with users(lending, postgres) as lent, lent.engine.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM kept")).scalar() == 0
        connection.execute(sa.text("DROP TABLE kept"))


def test_a_user_is_replaced_before_its_lease_ends_and_no_query_fails(
    lending: Running, postgres: PostgresServer
) -> None:
    failures: list[Exception] = []
    seen: set[str] = set()
    stop = threading.Event()
    with users(lending, postgres) as lent:

        def ask() -> None:
            while not stop.is_set():
                try:
                    with lent.engine.connect() as connection:
                        seen.add(str(connection.execute(sa.text("SELECT session_user")).scalar()))
                except sa.exc.SQLAlchemyError as error:
                    failures.append(error)
                time.sleep(0.005)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + HANG_SECONDS
        while len(seen) < 3 and time.monotonic() < end and not failures:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(seen) >= 3
        assert len(roles(postgres) & seen) <= 2  # the newest, and one that is being given back
    assert roles(postgres) & seen == set()


class SometimesAway:
    """A lender that can be told to refuse; everything else is Vault's."""

    def __init__(self, lender: Vault) -> None:
        self._lender = lender
        self.away = threading.Event()

    def database_user(self, role: str) -> LeasedUser:
        """See `Lender`."""
        self._come()
        return self._lender.database_user(role)

    def renew_lease(self, lease: str, seconds: int) -> float:
        """See `Lender`."""
        self._come()
        return self._lender.renew_lease(lease, seconds)

    def end_lease(self, lease: str) -> None:
        """See `Lender`."""
        self._lender.end_lease(lease)

    def _come(self) -> None:
        if self.away.is_set():
            raise ServiceError("away")


def test_a_lease_that_is_not_renewed_is_replaced(lending: Running, postgres: PostgresServer) -> None:
    with users(lending, postgres) as lent:
        before = lent.name
        lending.admin.vault().end_lease(lent.lease)
        until(lambda: lent.name != before)
        with lent.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT session_user")).scalar() != before


def test_when_vault_was_away_past_the_leases_end_the_next_connection_is_a_new_users(
    lending: Running, postgres: PostgresServer
) -> None:
    login = lending.log_in("features")
    lender = SometimesAway(login)
    lent = LentUsers(lender, "features", address(postgres))
    try:
        before = lent.name
        lender.away.set()
        until(lambda: before not in roles(postgres))
        with pytest.raises(ServiceError, match="away"):
            lent.engine.connect()
        lender.away.clear()
        with lent.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT session_user")).scalar() == lent.name != before
    finally:
        lent.close()
        login.close()


def test_a_transaction_under_way_ends_as_the_user_it_began_with(
    lending: Running, postgres: PostgresServer
) -> None:
    with users(lending, postgres) as lent:
        with lent.engine.begin() as connection:
            before = connection.execute(sa.text("SELECT session_user")).scalar()
            lent.replace()
            assert connection.execute(sa.text("SELECT session_user")).scalar() == before
        with lent.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT session_user")).scalar() == lent.name != before


def test_a_service_borrows_users_of_its_own_database_only(lending: Running, postgres: PostgresServer) -> None:
    features, tracking = lending.log_in("features"), lending.log_in("tracking")
    with pytest.raises(Forbidden):
        features.database_user("training")
    with pytest.raises(Forbidden):
        tracking.database_user("features")
    user = features.database_user("features")
    other = address(postgres, "training").replace("//", f"//{user.name}:{user.password}@")
    with pytest.raises(sa.exc.OperationalError, match="permission denied"):
        sa.create_engine(other).connect()
    features.end_lease(user.lease)
    with pytest.raises(ServiceError):
        features.renew_lease(user.lease, 60)
    for login in (features, tracking):
        login.close()


def test_a_login_that_ends_takes_its_users_along(lending: Running, postgres: PostgresServer) -> None:
    login = lending.log_in("features")
    user = login.database_user("features")
    mine = sa.create_engine(address(postgres).replace("//", f"//{user.name}:{user.password}@"))
    connection = mine.connect()
    connection.execute(sa.text("SELECT 1"))
    login.close()
    until(lambda: user.name not in roles(postgres))
    with pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT 1"))


def test_the_password_users_are_lent_with_is_rotated_to_one_that_only_vault_knows(
    lending: Running, postgres: PostgresServer
) -> None:
    def manager() -> None:
        psycopg.connect(
            f"host={postgres.host} port={postgres.port} dbname=assay_training "
            f"user=assay_training_vault password={FIRST_PASSWORD}"
        ).close()

    manager()
    training = lending.log_in("training")
    before = training.database_user("training")
    rotate_database(lending.admin, "training")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        manager()
    assert training.renew_lease(before.lease, LEASE) > 0
    assert training.database_user("training").name != before.name
    training.close()


def test_where_nothing_is_lent_there_is_no_user(lending: Running) -> None:
    with pytest.raises((NotFound, ServiceError)):
        lending.admin.vault().database_user("registry")
