"""Vault over hvac: one pooled TLS 1.3 session, a token that renews itself, refusals in our words."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import hvac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hvac.exceptions import InvalidRequest, VaultError

from assay.errors import BadRequest, Conflict, NotFound, ServiceError, Unavailable
from assay.vault import KeyKind, LeasedUser, Listed
from assay.vault.errors import LoginEnded, LoginRefused, reason, translated
from assay.vault.layout import WRAPPING_SECONDS
from assay.vault.renewal import Renewal
from assay.vault.session import connect

_DATA_KEY_BYTES = 32
_ACCESSORS = "/v1/auth/token/accessors/?list=true"  # hvac's own LIST is a method not every HTTP parser takes
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")
_VERSIONED = re.compile(r"vault:v[0-9]+:([A-Za-z0-9+/=_-]+)")
_URL_SAFE = str.maketrans("-_", "+/")


class VaultClient:
    """A login at Vault; safe to share between threads. `close` revokes the token."""

    def __init__(self, client: hvac.Client, renewal: Renewal | None = None) -> None:
        self._client = client
        self._renewal = renewal
        self._listed: Listed | None = None
        self._public: dict[str, dict[int, str]] = {}  # key -> version -> PEM, as last read

    def __repr__(self) -> str:
        return f"VaultClient({self._client.url})"

    @classmethod
    def login(cls, *, url: str, ca_path: Path, role_id: str, wrapped_secret_id: str) -> Self:
        """Unwrap the secret id, log in by AppRole and keep the token renewed in a thread.

        Raises:
            LoginRefused: the wrapped secret id was used before or has expired, or is another role's.
        """
        client = connect(url, ca_path, wrapped_secret_id)
        with translated(), _logging_in():
            secret_id = client.sys.unwrap()["data"]["secret_id"]
        client.token = None
        return cls._logged_in(client, role_id, secret_id)

    @classmethod
    def login_with_secret(cls, *, url: str, ca_path: Path, role_id: str, secret_id: str) -> Self:
        """Log in with a secret id that is kept, as only the launcher's is."""
        return cls._logged_in(connect(url, ca_path), role_id, secret_id)

    @classmethod
    def _logged_in(cls, client: hvac.Client, role_id: str, secret_id: str) -> Self:
        def renew() -> float:
            with translated():
                return float(client.auth.token.renew_self()["auth"]["lease_duration"])

        def look() -> None:
            with translated():
                client.auth.token.lookup_self()

        with translated(), _logging_in():
            seconds = client.auth.approle.login(role_id, secret_id)["auth"]["lease_duration"]
        return cls(client, Renewal(renew, float(seconds), look))

    @property
    def alive(self) -> bool:
        """Whether this login still counts, as far as Vault told; a part whose login is gone should be restarted."""
        return self._renewal is None or not self._renewal.lost

    def on_loss(self, told: Callable[[], None]) -> None:
        """Call `told` once when Vault has ended this login: now, if it has."""
        if self._renewal is not None:
            self._renewal.on_loss(told)

    def close(self) -> None:
        """Stop renewing, revoke the token, close the connections; a Vault that is down is no error."""
        if self._renewal:
            self._renewal.close()
        with suppress(ServiceError), translated():
            self._client.auth.token.revoke_self()
        self._client.token = None
        self._client.session.close()

    def sign_csr(self, role: str, csr_pem: str, *, uri: str, ttl_seconds: int, loopback: bool = True) -> str:
        """Return PEM, leaf then chain, whose only identity is `uri`; what the CSR asks for is not looked at.

        Raises:
            VaultRefused: the role may not certify this identity or host.
        """
        wanted = {"uri_sans": uri, "ttl": f"{ttl_seconds}s", "exclude_cn_from_sans": True}
        if loopback:
            wanted |= {"alt_names": "localhost", "ip_sans": "127.0.0.1"}
        with self._asking():
            signed = self._client.secrets.pki.sign_certificate(_checked(role), csr_pem, "", wanted)["data"]
        return "".join(f"{pem.strip()}\n" for pem in (signed["certificate"], *signed["ca_chain"]))

    def ca_pem(self) -> str:
        """Return the PKI's root certificate, PEM.

        Raises:
            NotFound: there is none yet.
        """
        with self._asking():
            pem: str = self._client.secrets.pki.read_ca_certificate()
        if not pem:
            raise NotFound("Vault's PKI has no root certificate yet", fix="`assay init` makes it")
        return f"{pem.strip()}\n"

    def create_key(self, key: str, kind: KeyKind) -> None:
        """Make a transit key; one that exists stays as it is.

        Raises:
            Conflict: one of another kind exists.
        """
        # hvac's own method does not know the kind `hmac`.
        wanted = {"type": kind} | ({"key_size": _DATA_KEY_BYTES} if kind == "hmac" else {})
        with self._asking():
            made = self._client.adapter.post(f"/v1/transit/keys/{_checked(key)}", json=wanted)["data"]
        if made["type"] != kind:
            raise Conflict(f"transit key {key!r} exists and is {made['type']}, not {kind}")

    def sign_as_listed(self, listed: Listed) -> None:
        """Sign, from now on, with the newest version of a key that is `listed`; where none is, with the newest.

        A version that a next root lists is made before that root counts: until then the one before it signs.
        """
        self._listed = listed

    def public_key(self, key: str) -> str:
        """Return the public half (PEM) of the version that signs: the newest, or the newest that is listed.

        Raises:
            NotFound: there is no such key, or it is symmetric.
        """
        version = self._version(key) if self._listed else None
        versions = self._public[key] if version else self._versions(key)
        return versions[version or max(versions)]

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign data: DER (`jws`: raw r||s) by an ecdsa-p256 key over SHA-256, 64 raw bytes by an ed25519 key."""
        with self._asking():
            signed = self._client.secrets.transit.sign_data(
                _checked(key),
                hash_input=_b64(data),
                key_version=self._version(key),
                hash_algorithm="sha2-256",
                marshaling_algorithm="jws" if jws else "asn1",
            )["data"]
        return _signature(signed["signature"])

    def encrypt(self, key: str, plaintext: bytes, *, context: bytes = b"") -> str:
        """Encrypt small data with `context` as associated data."""
        with self._asking():
            encrypted: str = self._client.secrets.transit.encrypt_data(
                _checked(key), plaintext=_b64(plaintext), associated_data=_optional(context)
            )["data"]["ciphertext"]
        return encrypted

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Return the plaintext.

        Raises:
            VaultRefused: the context is another, or the ciphertext is not this key's.
            NotFound: the key is gone.
        """
        with self._asking():
            decrypted = self._client.secrets.transit.decrypt_data(
                _checked(key), ciphertext=ciphertext, associated_data=_optional(context)
            )["data"]
        return _unb64(decrypted["plaintext"])

    def data_key(self, key: str, *, context: bytes = b"") -> tuple[bytes, str]:
        """Return 32 fresh bytes and the same bytes wrapped.

        They are drawn here: Vault's own `datakey` ignores associated data, without a word in its status.
        """
        fresh = os.urandom(_DATA_KEY_BYTES)
        return fresh, self.encrypt(key, fresh, context=context)

    def hmac(self, key: str, data: bytes) -> str:
        """Return HMAC-SHA-256 as `vault:v1:<base64>`."""
        with self._asking():
            made: str = self._client.secrets.transit.generate_hmac(
                _checked(key), _b64(data), algorithm="sha2-256"
            )["data"]["hmac"]
        return made

    def delete_key(self, key: str) -> None:
        """Destroy a key with all its versions.

        Raises:
            NotFound: there is no such key (any more).
        """
        with self._asking():
            self._client.secrets.transit.update_key_configuration(_checked(key), deletion_allowed=True)
            self._client.secrets.transit.delete_key(key)

    def wrap_secret_id(self, role: str, *, identity: str = "") -> str:
        """Return a wrapping token that unwraps once, to a secret id that logs `role` in once.

        `identity` (a SPIFFE path) is noted on the login where one role serves several identities.
        """
        noted = {"identity": identity} if identity else None
        with self._asking():
            wrapped: str = self._client.auth.approle.generate_secret_id(
                _checked(role), metadata=noted, wrap_ttl=f"{WRAPPING_SECONDS}s"
            )["wrap_info"]["token"]
        return wrapped

    def logins(self) -> dict[str, str]:
        """Return every login there is now: its accessor, and the SPIFFE path of whose it is.

        A login by another way than AppRole (root's) has the path "".
        """
        with self._asking():
            accessors: list[str] = self._client.adapter.get(_ACCESSORS)["data"]["keys"]
            found = {accessor: self._whose(accessor) for accessor in accessors}
        return {accessor: path for accessor, path in found.items() if path is not None}

    def end_login(self, accessor: str) -> None:
        """Revoke a login's token by its accessor; one that is gone is no error."""
        with self._asking(), _unless_gone():
            self._client.auth.token.revoke_accessor(accessor)

    def _whose(self, accessor: str) -> str | None:
        """Return the identity of a login, None when it ended meanwhile."""
        meta: dict[str, str] | None = None
        with _unless_gone():
            meta = self._client.auth.token.lookup_accessor(accessor)["data"]["meta"] or {}
        if meta is None:
            return None
        role = meta.get("role_name")
        return meta.get("identity") or (f"/svc/core/{role}" if role else "")

    def database_user(self, role: str) -> LeasedUser:
        """Return a fresh user of a service's PostgreSQL database; only a real Vault lends them."""
        with self._asking():
            lent = self._client.secrets.database.generate_credentials(_checked(role))
        user = lent["data"]
        return LeasedUser(user["username"], user["password"], lent["lease_id"], float(lent["lease_duration"]))

    def renew_lease(self, lease: str, seconds: int) -> float:
        """Return for how many seconds more a lease counts; fewer than asked for towards its end."""
        with self._asking():
            return float(self._client.sys.renew_lease(lease, seconds)["lease_duration"])

    def end_lease(self, lease: str) -> None:
        """End a lease: its user is gone."""
        with self._asking():
            self._client.sys.revoke_lease(lease)

    def role_id(self, role: str) -> str:
        """Return the AppRole role id of a service; not a secret."""
        with self._asking():
            found: str = self._client.auth.approle.read_role_id(_checked(role))["data"]["role_id"]
        return found

    def _version(self, key: str) -> int | None:
        """Return the newest version of a key that is listed; None where none is, or nobody lists."""
        if self._listed is None:
            return None
        known = _newest_listed(self._public.get(key, {}), self._listed)
        return known or _newest_listed(self._versions(key), self._listed)

    def _versions(self, key: str) -> dict[int, str]:
        """Ask for the public half (PEM) of every version of a key; raises NotFound."""
        with self._asking():
            found = self._client.secrets.transit.read_key(_checked(key))["data"]
        if found["type"] not in {"ecdsa-p256", "ed25519"}:
            raise NotFound(f"transit key {key!r} has no public half")
        pem = str if found["type"] == "ecdsa-p256" else _ed25519_pem
        self._public[key] = {int(at): pem(one["public_key"]) for at, one in found["keys"].items()}
        return self._public[key]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Translate refusals, and remember when Vault says that the token is gone."""
        try:
            with translated():
                yield
        except LoginEnded:
            if self._renewal:
                self._renewal.lose()
            raise


@contextmanager
def _logging_in() -> Iterator[None]:
    """Say what a refused login means; stands inside `translated`."""
    try:
        yield
    except InvalidRequest as error:
        raise LoginRefused(f"Vault: {reason(error)}") from error


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Let an accessor whose token has ended meanwhile be no error; stands inside `translated`."""
    try:
        yield
    except VaultError as error:
        if "invalid accessor" not in reason(error):
            raise


def _checked(name: str) -> str:
    """Return a key's or role's name fit for a path: no slash, nothing that climbs."""
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name[:80]!r} is no name of a key or role in Vault")
    return name


def _signature(text: str) -> bytes:
    """Read `vault:v1:<base64>`; of the jws form the alphabet is URL-safe and the padding absent."""
    found = _VERSIONED.fullmatch(text)
    if not found:
        raise Unavailable("Vault answered with a signature in a form of its own")
    encoded = found[1].translate(_URL_SAFE)
    return _unb64(encoded + "=" * (-len(encoded) % 4))


def _optional(context: bytes) -> str | None:
    return _b64(context) if context else None


def _newest_listed(versions: Mapping[int, str], listed: Listed) -> int | None:
    return max((number for number, pem in versions.items() if listed(pem)), default=None)


def _ed25519_pem(raw: str) -> str:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(raw))
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unavailable("Vault answered with something that is not base64") from error
