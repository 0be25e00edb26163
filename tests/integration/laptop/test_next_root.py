"""`assay rotate signing` on a laptop: keys get a new version and the founders' next root lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import Conflict
from assay.ledger import Root
from assay_laptop.genesis.founding import found
from assay_laptop.genesis.succession import rotate_signing
from assay_laptop.genesis.trust import SERVICE_KEYS
from assay_laptop.home import Home
from assay_laptop.platform.environment import database_url
from services.ledger.store import open_store


def test_the_founders_next_root_lists_new_versions_of_the_signing_keys(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    found(home, say=lambda _line: None)
    pinned = Root.load(home.root)
    with pytest.raises(Conflict, match="1 founders"):
        rotate_signing(home, ["ada", "ada", "amir"], say=lambda _line: None)
    for version in (2, 3):
        root = rotate_signing(home, ["ada", "grace"], say=lambda _line: None)
        assert (root.version, root.trust_domain) == (version, pinned.trust_domain)
    with open_store(database_url(home, "ledger"), pinned, lambda _data: bytes(64), create=False) as log:
        assert log.root.version == 3
        assert len(log.successions()) == 2
        now = {one.keyid for one in log.root.signers if one.until is None}
        assert now.isdisjoint(one.keyid for one in pinned.signers if str(one.kind) != "root")
        for name in SERVICE_KEYS:
            assert log.root.services[name] != pinned.services[name]
            assert log.root.service_key(name, 0) == pinned.services[name]
        assert log.root.services["policy"] == pinned.services["policy"]
        assert len(log.root.retired) == 2 * len(SERVICE_KEYS)
