"""`assay rotate ca`: another root for the platform's certificates, with both believed in between; nothing restarts.

    begin    a second root is made; the trust bundle (`ca.pem` of the home) names both, the old one first; once every
             part believes both, the new root issues and stands first, and every part renews at once
    finish   when nothing of the old root can be in use any more, the bundle names the new one alone, and Vault
             forgets the old one

Parts read the bundle by themselves (`assay.identity.trust`). What is done is seen in Vault and in the bundle, so each
step may be repeated.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from assay.errors import Conflict, Unavailable
from assay.identity.trust import fingerprint, roots_in
from assay.vault.admin import VaultAdmin
from assay.vault.layout import CERTIFICATE_SECONDS
from assay.vault.rotation import Issuer, add_issuer, drop_issuer, issue_with, issuers
from assay_laptop.home import Home, HomeMissing, write_atomically
from assay_laptop.platform import status as statuses
from assay_laptop.platform.addresses import url

SETTLE_SECONDS = 5.0  # parts look at the bundle twice a second; this long after the last one that tells of it
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2
NO_LISTENER_OF_OURS = frozenset({"vault"})  # its certificate is made anew at each start and signed by itself
OLD_LIVES_SECONDS = (
    CERTIFICATE_SECONDS + 60
)  # no certificate of the old root is younger than the new root by more
Say = Callable[[str], None]


class TooEarly(Conflict):
    """Certificates of the old root may still be in use."""

    fix = "wait until the time named; `--now` ends them before: people log in again, and runs under way fail"


def begin(home: Home, *, say: Say, settle: float = SETTLE_SECONDS) -> None:
    """Make the second root, have it believed, let it issue, and wait until every listener shows it.

    Raises:
        Unavailable: no platform runs here, or a part does not take the bundle or renew; repeat it then.
    """
    with administered(home) as admin:
        roots = issuers(admin)
        if len(roots) == 1:
            trust_domain = str(home.describe()["trust_domain"])
            roots = (roots[0], add_issuer(admin, trust_domain))
        new = max(roots, key=lambda root: root.begins)
        old = next(root for root in roots if root is not new)
        if not new.issues:
            publish(home, old, new)
            _until(lambda: believe_all(home, {old, new}), "every part believes both roots")
            time.sleep(settle)
            say(f"both roots are believed: {_named(old)}, which issues, and {_named(new)}")
            issue_with(admin, new)
        publish(home, new, old)
        _until(lambda: shown_by_all(home, new), "every listener shows a certificate of the new root")
        say(f"{_named(new)} issues, and every listener shows a certificate of it")
    until = new.begins + timedelta(seconds=OLD_LIVES_SECONDS)
    say(f"`assay rotate ca --finish` ends the old root from {until:%H:%M:%S} UTC on")


def finish(home: Home, *, say: Say, now: bool = False, clock: Callable[[], datetime] | None = None) -> None:
    """Believe the new root alone, and have Vault forget the old one.

    Raises:
        Conflict: nothing was begun.
        TooEarly: a certificate of the old root may not have ended, and nobody insists.
    """
    with administered(home) as admin:
        roots = issuers(admin)
        if len(roots) == 1:
            raise Conflict("there is one root: nothing was begun", fix="`assay rotate ca` begins")
        new, old = roots
        until = new.begins + timedelta(seconds=OLD_LIVES_SECONDS)
        if not now and (clock or (lambda: datetime.now(UTC)))() < until:
            raise TooEarly(f"certificates of the old root may be in use until {until:%H:%M:%S} UTC")
        _until(lambda: shown_by_all(home, new), "every listener shows a certificate of the new root")
        publish(home, new)
        _until(lambda: believe_all(home, {new}), "every part believes the new root alone")
        drop_issuer(admin, old)
        say(f"{_named(new)} alone is believed; {_named(old)} is gone")


@contextmanager
def administered(home: Home) -> Iterator[VaultAdmin]:
    """Hold a root token at the running platform's Vault; it is revoked afterwards."""
    if statuses.read(home) is None:
        raise HomeMissing(f"no platform runs in {home.path}", fix="start it with `assay up`")
    admin = VaultAdmin(url(home.describe()["ports"], "vault"), home.run / "vault" / "vault-listener.pem")
    try:
        with admin.root(home.unlock().unseal_key):
            yield admin
    finally:
        admin.close()


def publish(home: Home, *roots: Issuer) -> None:
    """Write the trust bundle, the issuing root first."""
    write_atomically(home.ca, "".join(root.pem for root in roots).encode())


def believe_all(home: Home, roots: set[Issuer]) -> bool:
    """Say whether every part that tells what it believes, tells of exactly these roots."""
    wanted = {fingerprint(roots_in(root.pem)[0]) for root in roots}
    told = [part.get("certificate", {}).get("trusts") for part in _parts(home).values()]
    return all(set(each) == wanted for each in told if each is not None)


def shown_by_all(home: Home, root: Issuer) -> bool:
    """Say whether every listener of ours, predictors' too, shows a certificate of a root."""
    (issuer,) = roots_in(root.pem)
    return all(shows(port, issuer) for port in _listeners(home))


def _parts(home: Home) -> Mapping[str, Mapping[str, Any]]:
    found = statuses.read(home)
    if found is None:
        raise Unavailable("the platform has ended", fix="start it with `assay up`, and repeat this")
    return found.parts


def _listeners(home: Home) -> list[int]:
    ports: dict[str, int] = home.describe()["ports"]
    running = [ports[name] for name in _parts(home) if name in ports and name not in NO_LISTENER_OF_OURS]
    kept = (home.data("serving") / "addresses").glob("*/*.port")
    return [*running, *(port for port in (int(path.read_text()) for path in kept) if _listens(port))]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def shows(port: int, issuer: x509.Certificate) -> bool:
    """Shake hands without a certificate: the listener shows its own before it asks for ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # looked at below; nothing is sent
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain) as tls,
        ):
            shown = tls.getpeercert(binary_form=True)
        x509.load_der_x509_certificate(shown or b"").verify_directly_issued_by(issuer)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return True


def _until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > end:
            raise Unavailable(
                f"not so after {PATIENCE_SECONDS:.0f} s: {what}", fix="`assay status`; then repeat this"
            )
        time.sleep(LOOK_EVERY_SECONDS)


def _named(root: Issuer) -> str:
    return f"root {fingerprint(roots_in(root.pem)[0])}"
