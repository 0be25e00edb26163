"""A browser without a screen: what a page would send, over HTTP."""

from __future__ import annotations

import ssl

import httpx

from tests.support.passkeys import Passkey

COOKIE = "__Host-assay-identity"


class Surfer:
    """A browser without a screen: keeps cookies, says its origin, follows nothing by itself."""

    def __init__(self, origin: str, ca_pem: str) -> None:
        context = ssl.create_default_context(cadata=ca_pem)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the tests' authority has no key identifiers
        self.origin = origin
        self.http = httpx.Client(
            base_url=self.origin, verify=context, headers={"origin": self.origin}, timeout=60
        )

    def sign_in(self, passkey: Passkey, **fields: str) -> httpx.Response:
        """Sign in as a page does."""
        answer = self.http.post("/sign-in/challenge", data={"name": ""})
        assert answer.status_code == 200, answer.text
        given = answer.json()
        return self.http.post("/sign-in", data=passkey.says(given["statement"]) | fields)

    def csrf(self) -> str:
        """Return the session's token, as a page of it holds it."""
        return self.http.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]

    def close(self) -> None:
        """Close its connections."""
        self.http.close()
