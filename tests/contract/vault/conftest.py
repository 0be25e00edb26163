"""The Vaults of the core suite: the built-in development server, and a real one where it is on the PATH."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from assay.errors import Unavailable
from assay.vault.admin import VaultAdmin
from assay.vault.configure import configure
from assay.vault.layout import standard
from assay_laptop.platform.addresses import free_ports
from assay_laptop.vault.launch import BUILT_IN, VaultProgram, find_vault, start
from tests.contract.vault.world import HANG_SECONDS, TRUST_DOMAIN, Running, run, until_listening


@pytest.fixture(scope="session", params=["built-in", "real"])
def program(request: pytest.FixtureRequest) -> VaultProgram:
    if request.param == "built-in":
        return VaultProgram(BUILT_IN)
    found = find_vault(os.environ)
    if found.kind == BUILT_IN:
        pytest.skip("there is no `vault` or `bao` on the PATH or in ASSAY_BIN")
    return found


@pytest.fixture(scope="session")
def vault(program: VaultProgram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("vault")
    how = start(program, folder / "storage", folder / "run", free_ports(1)[0])
    log = folder / "vault.log"
    process = run(how, log)
    try:
        admin = VaultAdmin(how.url, how.ca_path)
        running = Running(how, folder / "storage", log, process, admin)
        until_listening(admin)
        running.unseal_key = admin.initialise()
        configure(admin, TRUST_DOMAIN, standard())
        yield running
        for login in running.logins.values():
            login.close()
        with suppress(Unavailable):
            admin.close()
        process = running.process
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)
