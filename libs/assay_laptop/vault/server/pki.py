"""PKI: a root, P-256, or two while one is being replaced, and roles that certify CSRs for the identities they name.

It makes no private keys but its roots', and looks at nothing in a CSR but the public key and its holder's signature.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Answer, Call, Refused, Route, listed, seconds
from assay_laptop.vault.server.tokens import Clock

_FIXED: Mapping[str, Any] = {
    "allow_any_name": False,
    "allow_bare_domains": False,
    "allow_subdomains": False,
    "allow_wildcard_certificates": False,
    "use_csr_common_name": False,
    "use_csr_sans": False,
    "require_cn": False,
    "key_type": "ec",
    "key_bits": 256,
    "key_usage": ["DigitalSignature"],
    "basic_constraints_valid_for_non_ca": True,
    "no_store": True,
    "generate_lease": False,
}
_FREE = frozenset(
    {
        "allowed_uri_sans",
        "allow_localhost",
        "allow_ip_sans",
        "server_flag",
        "client_flag",
        "not_before_duration",
        "ttl",
        "max_ttl",
        "name",
    }
)
_ROOT_TAKES = frozenset(
    {"common_name", "ttl", "key_type", "key_bits", "exclude_cn_from_sans", "permitted_dns_domains"}
)
_SIGN_TAKES = frozenset(
    {"csr", "common_name", "uri_sans", "alt_names", "ip_sans", "ttl", "exclude_cn_from_sans"}
)


_ISSUER = "pki/issuer/"
_DEFAULT = "pki/default"


class Pki:
    """The mount `pki`."""

    def __init__(self, barrier: Barrier, clock: Clock) -> None:
        self._barrier = barrier
        self._clock = clock

    def routes(self) -> Iterable[Route]:
        """Yield the calls of the mount `pki`."""
        yield Route("update", "pki/root/generate/internal", self._generate_root, _ROOT_TAKES)
        yield Route("update", "pki/root/rotate/internal", self._add_root, _ROOT_TAKES)
        yield Route("read", "pki/ca/pem", self._ca, public=True)
        yield Route("list", "pki/issuers/", self._issuers)
        yield Route("read", "pki/issuer/{name}", self._issuer)
        yield Route("delete", "pki/issuer/{name}", self._drop_issuer)
        yield Route("delete", "pki/key/{name}", self._key_is_gone)
        yield Route("read", "pki/config/issuers", self._default)
        yield Route("update", "pki/config/issuers", self._make_default, frozenset({"default"}))
        yield Route("update", "pki/roles/{name}", self._write_role, _FREE | frozenset(_FIXED))
        yield Route("update", "pki/sign/{name}", self._sign, _SIGN_TAKES)

    def _generate_root(self, call: Call) -> Answer:
        if self._barrier.get(_DEFAULT):
            raise Refused(400, "there is a root already: pki/root/rotate makes another beside it")
        answer = self._add_root(call)
        self._barrier.put(_DEFAULT, {"id": (answer.data or {})["issuer_id"]})
        return answer

    def _add_root(self, call: Call) -> Answer:
        if call.parameters.get("key_type") != "ec" or call.parameters.get("key_bits") != 256:  # noqa: PLR2004
            raise Refused(400, "the built-in development server makes P-256 keys")
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, call.text("common_name"))])
        except ValueError as error:
            raise Refused(400, "the common name is malformed") from error
        hosts = [x509.DNSName(each) for each in listed(call.parameters.get("permitted_dns_domains"))]
        begun = self._begun(key.public_key(), name, name, seconds(call.parameters.get("ttl")), 30)
        if hosts:
            begun = begun.add_extension(x509.NameConstraints(hosts, None), critical=True)
        certificate = (
            begun.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        issuer = str(uuid.uuid4())
        self._barrier.put(f"{_ISSUER}{issuer}", {"key": private.decode(), "certificate": _pem(certificate)})
        made = {"certificate": _pem(certificate), "issuing_ca": _pem(certificate)}
        return Answer(data={**made, "issuer_id": issuer, "key_id": issuer})

    def _ca(self, _: Call) -> Answer:
        root = self._root()
        return Answer(text=root["certificate"]) if root else Answer(status=204)

    def _root(self) -> Mapping[str, str] | None:
        """Return the root that issues now."""
        default = self._barrier.get(_DEFAULT)
        root: Mapping[str, str] | None = self._barrier.get(f"{_ISSUER}{default['id']}") if default else None
        return root

    def _issuers(self, _: Call) -> Answer:
        return Answer(data={"keys": [path.removeprefix(_ISSUER) for path, _ in self._barrier.under(_ISSUER)]})

    def _issuer(self, call: Call) -> Answer:
        name = call.names["name"]
        kept = self._barrier.get(f"{_ISSUER}{name}")
        if kept is None:
            raise Refused(404, f"unable to find PKI issuer for reference: {name}")
        return Answer(data={"issuer_id": name, "key_id": name, "certificate": kept["certificate"]})

    def _drop_issuer(self, call: Call) -> Answer:
        name = call.names["name"]
        if self._barrier.get(_DEFAULT) == {"id": name}:
            raise Refused(400, "the issuer that issues now is not dropped")
        self._barrier.delete(f"{_ISSUER}{name}")
        return Answer(status=204)

    def _key_is_gone(self, call: Call) -> Answer:
        """Answer as where keys are kept apart: here one goes with its issuer."""
        if self._barrier.get(f"{_ISSUER}{call.names['name']}") is not None:
            raise Refused(400, "drop its issuer first")
        return Answer(status=204)

    def _default(self, _: Call) -> Answer:
        default = self._barrier.get(_DEFAULT)
        return Answer(data={"default": default["id"] if default else ""})

    def _make_default(self, call: Call) -> Answer:
        name = call.text("default")
        if self._barrier.get(f"{_ISSUER}{name}") is None:
            raise Refused(400, f"unable to find PKI issuer for reference: {name}")
        self._barrier.put(_DEFAULT, {"id": name})
        return Answer(data={"default": name})

    def _write_role(self, call: Call) -> Answer:
        differing = sorted(name for name, value in _FIXED.items() if call.parameters.get(name) != value)
        if differing:
            raise Refused(400, f"roles of the built-in development server have fixed {', '.join(differing)}")
        asked = call.parameters
        role = {
            "uris": listed(asked.get("allowed_uri_sans")),
            "localhost": asked.get("allow_localhost") is True,
            "addresses": asked.get("allow_ip_sans") is True,
            "server": asked.get("server_flag") is True,
            "client": asked.get("client_flag") is True,
            "backdate": seconds(asked.get("not_before_duration"), 30),
            "ttl": seconds(asked.get("ttl"), 3600),
            "max_ttl": seconds(asked.get("max_ttl"), 3600),
        }
        self._barrier.put(f"pki/role/{call.names['name']}", role)
        return Answer(data={"name": call.names["name"]})

    def _sign(self, call: Call) -> Answer:
        role = self._barrier.get(f"pki/role/{call.names['name']}")
        if role is None:
            raise Refused(400, f"unknown role: {call.names['name']}")
        root = self._root()
        if root is None:
            raise Refused(500, "no default issuer currently configured")
        public, names = _requested_key(call.text("csr")), _names(role, call.parameters)
        ca = x509.load_pem_x509_certificate(root["certificate"].encode())
        key = serialization.load_pem_private_key(root["key"].encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Refused(500, "the root's key is of another kind")
        life = min(seconds(call.parameters.get("ttl"), role["ttl"]), role["max_ttl"])
        begun = self._begun(public, x509.Name([]), ca.subject, life, role["backdate"])
        certificate = _extended(begun, role, names, public, key.public_key()).sign(key, hashes.SHA256())
        expiry = int(certificate.not_valid_after_utc.timestamp())
        signed = {"certificate": _pem(certificate), "issuing_ca": root["certificate"], "expiration": expiry}
        return Answer(data={**signed, "ca_chain": [root["certificate"]]})

    def _begun(
        self,
        public: ec.EllipticCurvePublicKey,
        subject: x509.Name,
        issuer: x509.Name,
        life: int,
        backdate: int,
    ) -> x509.CertificateBuilder:
        now = datetime.fromtimestamp(self._clock(), UTC)
        begun = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        begun = begun.serial_number(x509.random_serial_number())
        return begun.not_valid_before(now - timedelta(seconds=backdate)).not_valid_after(
            now + timedelta(seconds=life)
        )


def _extended(
    begun: x509.CertificateBuilder,
    role: Mapping[str, Any],
    names: list[x509.GeneralName],
    public: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    uses = [ExtendedKeyUsageOID.SERVER_AUTH] if role["server"] else []
    uses += [ExtendedKeyUsageOID.CLIENT_AUTH] if role["client"] else []
    return (
        begun.add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
    )


def _requested_key(csr_pem: str) -> ec.EllipticCurvePublicKey:
    """Return the CSR's key, whose holder signed it."""
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
    except ValueError as error:
        raise Refused(400, "certificate request could not be parsed") from error
    if not csr.is_signature_valid:
        raise Refused(400, "request signature invalid")
    public = csr.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise Refused(400, "role requires keys of type ec, P-256")
    return public


def _names(role: Mapping[str, Any], asked: Mapping[str, Any]) -> list[x509.GeneralName]:
    """Return the names to certify; each must be the role's to give."""
    if asked.get("common_name"):
        raise Refused(400, f"common name {asked['common_name']} not allowed by this role")
    uris, hosts, addresses = (listed(asked.get(name)) for name in ("uri_sans", "alt_names", "ip_sans"))
    if not uris or not all(_allowed(uri, role["uris"]) for uri in uris):
        raise Refused(
            400,
            "URI Subject Alternative Names were provided via the API which are not valid for this role",
        )
    for host in hosts:
        if host != "localhost" or not role["localhost"]:
            raise Refused(400, f"subject alternate name {host} not allowed by this role")
    if addresses and not role["addresses"]:
        raise Refused(400, "IP Subject Alternative Names are not allowed in this role")
    try:
        parsed = [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
        return [*map(x509.DNSName, hosts), *parsed, *map(x509.UniformResourceIdentifier, uris)]
    except ValueError as error:
        raise Refused(400, f"a name is malformed: {error}") from error


def _allowed(uri: str, patterns: Iterable[str]) -> bool:
    """Match as Vault's glob does: `*` is any run of characters, slashes too."""
    return any(re.fullmatch(re.escape(each).replace(r"\*", ".*"), uri) for each in patterns)


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode().strip()
