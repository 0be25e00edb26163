"""A real Chromium with virtual passkeys (CDP): what a person sees and does, in a test."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from assay.identity import base64url
from tests.support.passkeys import Passkey

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SERIOUS = {"serious", "critical"}
ALL: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS: dict[str, Any] = {
    **ALL,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}  # the only rules that a page's other colours can break


@contextmanager
def chromium(**options: Any) -> Iterator[Browser]:  # noqa: ANN401 - Playwright's own
    """Run a browser for a while; skips, with the reason, where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM} (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), **options)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One person's own browser window: cookies and passkeys of their own."""

    page: Page
    cdp: CDPSession
    authenticator: str

    @classmethod
    def of(cls, browser: Browser, **options: Any) -> Visitor:  # noqa: ANN401 - Playwright's own
        """Open a window with an empty virtual authenticator; certificates are looked at in one test only."""
        context = browser.new_context(**{"ignore_https_errors": True, **options})
        context.set_default_timeout(15_000)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        return cls(page, cdp, made["authenticatorId"])

    def holds(self, passkey: Passkey) -> None:
        """Put a passkey into this window's authenticator."""
        raw = base64url.decode(passkey.credential_id, "id")
        credential = {
            "credentialId": base64.b64encode(raw).decode(),
            "isResidentCredential": True,
            "rpId": passkey.rp_id,
            "privateKey": base64.b64encode(passkey.pkcs8).decode(),
            "userHandle": base64.b64encode(passkey.person.encode()).decode(),
            "signCount": 1,
        }
        self.cdp.send(
            "WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": credential}
        )

    def is_verified(self, verified: bool) -> None:  # noqa: FBT001 - what the device would say
        """Let the authenticator verify its user, or fail to."""
        self.cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": verified}
        )

    def sign_in(self, origin: str) -> None:
        """Sign in at a people listener with the passkey this window holds."""
        self.page.goto(f"{origin}/sign-in")
        self.page.get_by_role("button", name="Sign in with a passkey").click()
        self.page.wait_for_url(f"{origin}/")

    def barriers(self) -> list[str]:
        """Return what axe-core finds serious or critical on the page that is open, in light colours and in dark."""
        with self.dark():
            found = self._found(COLOURS)
        return self._found(ALL) + [f"dark: {each}" for each in found]

    @contextmanager
    def dark(self) -> Iterator[None]:
        """Show pages in dark colours for a while."""
        self.page.emulate_media(color_scheme="dark")
        try:
            yield
        finally:
            self.page.emulate_media(color_scheme="light")

    def _found(self, options: dict[str, Any]) -> list[str]:
        found = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{each['id']}: {node['html'][:120]}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def looked_at(self, name: str) -> None:
        """Have axe-core look at the page that is open, narrow and wide, see that it fits, and keep its pictures."""
        self.page.wait_for_load_state()
        for width in (375, 1280):
            self.page.set_viewport_size({"width": width, "height": 800})
            found = self.barriers() if width == 1280 else self._found(ALL)
            assert found == [], f"{name} at {width} px"
            across = self.page.evaluate("document.documentElement.scrollWidth")
            assert across <= width, f"{name} is {across} px across at {width} px"
        self.pictures(name)

    def pictures(self, name: str) -> None:
        """Keep the page as seen at two widths, light and dark, in the folder ASSAY_PICTURES names, if any."""
        folder = os.environ.get("ASSAY_PICTURES")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            with self.dark() if scheme == "dark" else nullcontext():
                for width in (1280, 375):
                    self.page.set_viewport_size({"width": width, "height": 800})
                    path = Path(folder) / f"{name}-{width}-{scheme}.png"
                    self.page.screenshot(path=path, full_page=True)
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def close(self) -> None:
        """Close the window."""
        self.page.context.close()
