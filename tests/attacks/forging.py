"""Certificates as an attacker would like them: every member of one can be chosen, right or wrong."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.unit.identity.authority import DOMAIN, Authority

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
RIGHT = f"spiffe://{DOMAIN}/svc/core/serving"


@dataclass(frozen=True)
class Signer:
    """Whoever signs: a key and the name it signs under, with what must be shown beside the leaf."""

    name: x509.Name
    key: PrivateKey
    beside: str = ""

    @classmethod
    def of(cls, authority: Authority) -> Signer:
        """Sign as the platform's own authority would."""
        return cls(authority._name, authority._key)


def stranger(name: str) -> Signer:
    """Return a signer nobody trusts."""
    return Signer(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), ec.generate_private_key(ec.SECP256R1())
    )


@dataclass(frozen=True)
class Forged:
    """What is in a leaf; the defaults are those of a certificate that would be let in."""

    uris: tuple[str, ...] = (RIGHT,)
    begins: float = -60
    ends: float = 600
    names: tuple[x509.GeneralName, ...] = ()
    common_name: str = ""
    sha1: bool = False  # signed over SHA-1, as nobody should any more
    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    usage: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    may_certify: bool = False
    critical: x509.ObjectIdentifier | None = None  # an extension that nobody understands

    def certificate(self, signer: Signer | None) -> x509.Certificate:
        """Return the leaf; without a signer it signs itself."""
        now = datetime.now(UTC)
        own = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])
            if self.common_name
            else x509.Name([])
        )
        by = signer or Signer(own, self.key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(own)
            .issuer_name(by.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(seconds=self.begins))
            .not_valid_after(now + timedelta(seconds=self.ends))
        )
        for extension, critical in self._extensions():
            builder = builder.add_extension(extension, critical=critical)
        plain: Any = None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        made = builder.sign(by.key, plain)
        return signed_over_sha1(made, by.key) if self.sha1 else made

    def write(self, path: Path, signer: Signer | None) -> Path:
        """Write key, leaf and what the signer shows beside it into one file."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_text(key.decode() + pem(self.certificate(signer)) + (signer.beside if signer else ""))
        return path

    def _extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        names = [x509.UniformResourceIdentifier(uri) for uri in self.uris] + list(self.names)
        found: list[tuple[x509.ExtensionType, bool]] = []
        if names:
            found.append((x509.SubjectAlternativeName(names), True))
        if self.usage:
            found.append((x509.ExtendedKeyUsage(self.usage), False))
        if self.may_certify:
            found.append((x509.BasicConstraints(ca=True, path_length=None), True))
        if self.critical is not None:
            found.append((x509.UnrecognizedExtension(self.critical, b"\x05\x00"), True))
        return found


def pem(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def signed_over_sha1(made: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    """Sign a certificate again, over SHA-1: `cryptography` rightly does not offer that."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    sha256, sha1 = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401")
    said = made.tbs_certificate_bytes.replace(sha256, sha1)[4:]  # without tag and length, which changes
    inside = _der(0x30, said)
    digest = hashlib.sha1(inside, usedforsecurity=False).digest()
    signature = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))  # noqa: S303 - the attack
    whole = _der(0x30, inside + sha1 + _der(0x03, b"\0" + signature))
    return x509.load_der_x509_certificate(whole)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def below(authority: Authority, *, may_certify: bool) -> Signer:
    """Return a holder of a leaf of the authority who signs with it as if it were an authority."""
    leaf = Forged(common_name="serving", may_certify=may_certify)
    certificate = leaf.certificate(Signer.of(authority))
    return Signer(certificate.subject, leaf.key, pem(certificate))


def loopback() -> tuple[x509.GeneralName, ...]:
    """Return the names of this host."""
    return x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def client_context(ca_pem: str, shown: Path | None) -> ssl.SSLContext:
    """Return a client's context as an attacker has it: trusting, and as old-fashioned as can be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_pem)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if shown is not None:
        context.load_cert_chain(shown)
    return context
