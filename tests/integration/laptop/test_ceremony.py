"""Founding a platform with real passkeys in a browser: the root is no demonstration and admits no software."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from assay.ledger import Root
from assay_laptop.genesis.founding import found
from assay_laptop.home import Home
from tests.support.browser import Visitor, chromium


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[Callable[[Path], Browser]]:
    """Start a browser whose user ran `assay trust install` for a home, and that forgives no certificate."""
    with ExitStack() as undo:

        def start(home: Path) -> Browser:
            user = {"HOME": str(tmp_path / "user"), "PATH": os.environ["PATH"]}
            argv = [sys.executable, "-m", "assay_laptop", "--home", str(home), "trust", "install"]
            told = subprocess.run(argv, env=user, check=True, capture_output=True, text=True).stdout
            assert "only localhost" in told
            return undo.enter_context(chromium(env=user))

        yield start


def test_founders_make_and_use_their_passkeys_at_the_page(
    tmp_path: Path, trusting: Callable[[Path], Browser]
) -> None:
    home, told, open_at = Home.at(tmp_path / "home"), list[str](), threading.Event()

    def say(line: str) -> None:
        told.append(line)
        if "open https://" in line:
            open_at.set()

    founding = threading.Thread(target=found, args=(home,), kwargs={"say": say, "founders": ["ada", "grace"]})
    founding.start()
    assert open_at.wait(120)
    address = next(at[0] for line in told if (at := re.search(r"https://localhost\S+", line)))
    origin = address.partition("/init/")[0]
    ca = ssl.create_default_context(cafile=str(home.ca))
    assert httpx.get(f"{origin}/init/guess", verify=ca).status_code == 404
    elsewhere = {"origin": "https://localhost:9"}
    assert httpx.post(address, headers=elsewhere, verify=ca).status_code == 403
    browser = trusting(home.path)
    founders = {name: Visitor.of(browser, ignore_https_errors=False) for name in ("ada", "grace")}
    steps = 0
    while founding.is_alive() and steps < 200:
        steps += 1
        visitor = founders["ada"]
        visitor.page.goto(address)
        heading = visitor.page.locator("h1").inner_text()
        if heading in {"One moment", "The platform has begun"}:
            visitor.page.wait_for_timeout(200)
            continue
        name = visitor.page.locator(".eyebrow").inner_text().removeprefix("Founder ")
        assert visitor.barriers() == []
        visitor.pictures("ceremony")
        visitor = founders[name]
        visitor.page.goto(address)
        visitor.page.get_by_role("button", name=heading).click()
        visitor.page.wait_for_load_state()
        visitor.page.wait_for_timeout(300)
        if "policy" in heading and name == "grace":
            break
    founding.join(120)
    for visitor in founders.values():
        visitor.close()
    root = Root.load(home.root)
    assert not root.demonstration
    assert [one.software for one in root.founders] == [False, False]
    assert root.threshold == 2
    assert home.describe()["trust_domain"] == "assay.demo"
    assert not list(home.path.rglob("authenticator.json")), "no software passkey was made"
