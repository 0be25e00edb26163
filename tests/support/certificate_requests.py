"""Certificate requests as services make them, and as they should not."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def request_for(uri: str | None = None, *, common_name: str | None = None) -> str:
    """Return a CSR, PEM, of a fresh P-256 key."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if uri:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, critical=False)
    request = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def names_in(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    """Return the names a certificate is for."""
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def signed_by_another() -> str:
    """Return a CSR, PEM, whose key did not make its signature."""
    victim, other = (x509.load_pem_x509_csr(request_for().encode()) for _ in range(2))
    der = other.public_bytes(serialization.Encoding.DER)
    forged = der.replace(other.tbs_certrequest_bytes, victim.tbs_certrequest_bytes)
    encoded = base64.encodebytes(forged).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{encoded}-----END CERTIFICATE REQUEST-----\n"
