"""The grant key, as Vault's transit engine would sign with it."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


class TransitKey:
    """The `grant` key, as Vault's transit engine would sign with it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, key: str, data: bytes, *, jws: bool = False) -> bytes:
        """Sign as JWS wants it: r and s, 32 bytes each."""
        assert (key, jws) == ("grant", True)
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    @property
    def public_pem(self) -> str:
        """The public half."""
        return (
            self.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
