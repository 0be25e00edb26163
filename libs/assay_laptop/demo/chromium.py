"""The demonstration's approvers at a real browser: Chromium with virtual passkeys, driven as people use it.

They are enrolled by link, two administrators sign their passkeys, they sign in at identity and sign on the registry's
sheet. Where there is no Chromium, or no Playwright to drive it, they sign with software passkeys instead.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assay.client import Platform, Session
from assay.client.sign_in import passkey_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = ("--headless=new", "--disable-gpu", "--disable-background-networking", "--no-first-run")
AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PATIENCE_MS: Final = 60_000
FOUNDERS: Final = ("ada", "grace")


def chromium() -> Path | None:
    """Return the browser to use, if one and Playwright are installed."""
    if importlib.util.find_spec("playwright") is None:
        return None
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    return None if found is None else Path(found)


@dataclass
class Approvers:
    """People who decide in their own browser windows; their passkeys are kept between windows, in memory."""

    platform: Platform
    program: Path
    version: str = ""
    _passkeys: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)

    def approve(self, ada: Session, names: tuple[str, ...], request: str) -> None:
        """Have each of these people enrol, if they have not, and approve a request on its sheet."""
        with self._browser() as browser:
            self.version = browser.version
            for name in names:
                with self._window(browser, name) as page:
                    if name not in self._passkeys:
                        enrol(page, ada, name)
                    registry = self.platform.urls["registry-pages"]
                    sign_in(page, registry)
                    approve(page, f"{registry}/requests/{request}")

    @contextmanager
    def _browser(self) -> Iterator[Browser]:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            flags = [*FLAGS, "--no-sandbox"] if _is_root() else list(FLAGS)
            browser = playwright.chromium.launch(executable_path=self.program, args=flags)
            try:
                yield browser
            finally:
                browser.close()

    @contextmanager
    def _window(self, browser: Browser, name: str) -> Iterator[Page]:
        """Give somebody's window, with their passkeys in it; those made in it are kept.

        The platform's authority is in no browser of this machine: its certificate is not looked at here.
        """
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        where = {"authenticatorId": made["authenticatorId"]}
        for credential in self._passkeys.get(name, []):
            cdp.send("WebAuthn.addCredential", {**where, "credential": credential})
        yield page
        self._passkeys[name] = cdp.send("WebAuthn.getCredentials", where)["credentials"]
        context.close()


def enrol(page: Page, ada: Session, name: str) -> None:
    """Have somebody make a passkey by ada's link; ada and grace sign it with theirs."""
    invited = ada.people.invite(name)
    page.goto(invited["link"])
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("heading", name="Now administrators sign it").wait_for()
    mine = [one for one in ada.people.pending() if one["statement"]["person"] == invited["person"]]
    ada.people.sign(mine[0]["proposal"], [passkey_of(ada.platform, each) for each in FOUNDERS])


def sign_in(page: Page, origin: str) -> None:
    """Sign in at a service's pages: identity asks for the passkey and sends the browser back."""
    page.goto(f"{origin}/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{origin}/")


def approve(page: Page, request: str) -> None:
    """Read a request, have the sheet shown, and sign it."""
    page.goto(request)
    page.get_by_role("button", name="Show what I would sign").click()
    page.get_by_role("button", name="Approve with your passkey").click()
    page.wait_for_url(request)


def _is_root() -> bool:
    import os

    return os.geteuid() == 0
