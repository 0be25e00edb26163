"""`assay trust`: with the platform's authority in the user's own database a browser opens the pages, without it not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Error

from assay.client.trust import BrowserStore, authorities
from assay.errors import NotFound
from tests.integration.identity.world import World
from tests.support.browser import chromium
from tests.support.people import peopled

__all__ = ["peopled"]


def opened(user: Path, address: str) -> str:
    """Open a page in a browser of this user; return its heading, or why it was not opened."""
    with chromium(env={"HOME": str(user), "PATH": os.environ["PATH"]}) as browser:
        page = browser.new_page()
        try:
            page.goto(address)
        except Error as error:
            return error.message
        return page.locator("h1").inner_text()


def trust(user: Path, home: Path, *arguments: str) -> str:
    """Run `assay trust` as this user."""
    argv = [sys.executable, "-m", "assay_laptop", "--home", str(home), "trust", *arguments]
    env = {"HOME": str(user), "PATH": os.environ["PATH"]}
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout


def test_a_browser_opens_the_pages_once_the_authority_is_installed_and_not_after_it_was_removed(
    peopled: World, tmp_path: Path
) -> None:
    user, address = tmp_path / "user", f"{peopled.people_origin}/sign-in"
    user.mkdir()
    assert "ANY host name" in trust(user, peopled.folder, "install", "--print")
    assert "ERR_CERT_AUTHORITY_INVALID" in opened(user, address)
    for _ in range(2):
        assert "installed" in trust(user, peopled.folder, "install")
    assert opened(user, address) == "Sign in"
    (authority,) = authorities(peopled.ca)
    assert BrowserStore(user).installed() == [authority.nickname]
    assert "removed" in trust(user, peopled.folder, "remove")
    assert "was not installed" in trust(user, peopled.folder, "remove")
    assert "ERR_CERT_AUTHORITY_INVALID" in opened(user, address)


def test_a_home_without_an_authority_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        authorities(tmp_path / "ca.pem")
