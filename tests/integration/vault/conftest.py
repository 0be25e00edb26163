"""A real Vault with Assay's layout, for what only the real one does."""

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
from assay_laptop.vault.launch import BUILT_IN, find_vault, start
from tests.contract.vault.world import HANG_SECONDS, TRUST_DOMAIN, Running, run, until_listening


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real Vault, unsealed, with a root token in hand."""
    program = find_vault(os.environ)
    if program.kind == BUILT_IN:
        pytest.skip("there is no `vault` or `bao` on the PATH or in ASSAY_BIN")
    folder = tmp_path_factory.mktemp("vault")
    how = start(program, folder / "storage", folder / "run", free_ports(1)[0])
    process = run(how, folder / "vault.log")
    try:
        admin = VaultAdmin(how.url, how.ca_path)
        running = Running(how, folder / "storage", folder / "vault.log", process, admin)
        until_listening(admin)
        running.unseal_key = admin.initialise()
        configure(admin, TRUST_DOMAIN, standard())
        yield running
        for login in running.logins.values():
            login.close()
        with suppress(Unavailable):
            admin.close()
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)
