"""A real PostgreSQL for one test session: an empty cluster in a folder of its own, ended with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import psycopg
from psycopg import sql

SUPERUSER: Final = "postgres"
PASSWORD: Final = "only-for-tests"
START_SECONDS: Final = 60
DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `superuser` may do everything in it."""

    host: str
    port: int
    folder: Path

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD) -> str:
        """Return an SQLAlchemy address."""
        return f"postgresql+psycopg://{user}:{password}@{self.host}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database; return its address as the superuser."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def conninfo(self, database: str = "postgres") -> str:
        """Return libpq's words for the superuser."""
        return f"host={self.host} port={self.port} dbname={database} user={SUPERUSER} password={PASSWORD}"


def programs() -> Path | None:
    """Return the folder of `initdb` and `postgres`, or None where there is no PostgreSQL."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).parent
    return max(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


@contextmanager
def running(bin_folder: Path) -> Iterator[PostgresServer]:
    """Run a new cluster for the length of a block."""
    folder = Path(mkdtemp(prefix="assay-postgres-"))
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    if os.geteuid() == 0:
        shutil.chown(folder, SUPERUSER)
        shutil.chown(password_file, SUPERUSER)
    port = _free_port()
    data = folder / "data"
    subprocess.run(
        _unprivileged(
            [
                str(bin_folder / "initdb"),
                *("-D", str(data), "-U", SUPERUSER, f"--pwfile={password_file}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
            ]
        ),
        check=True,
        capture_output=True,
    )
    options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", f"-cunix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _unprivileged([str(bin_folder / "postgres"), "-D", str(data), *options]),
            stdout=log,
            stderr=log,
        )
    server = PostgresServer("127.0.0.1", port, folder)
    try:
        _until_answering(server)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # at once: SIGTERM would wait for every connection to end
        process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(argv: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root: Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return list(argv)
    return ["setpriv", f"--reuid={SUPERUSER}", f"--regid={SUPERUSER}", "--init-groups", *argv]


def _until_answering(server: PostgresServer) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.conninfo(), connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
