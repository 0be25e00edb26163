"""No token but the one identity made, for this service's certificate, this audience and this hour, is a grant."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from assay.errors import Unauthenticated
from assay.identity import base64url, grants
from assay.identity.grants import HEADER, handed_over, verify
from tests.integration.identity.lab import Lab, spiffe
from tests.integration.identity.transit import TransitKey

NOW = 1_800_000_000
IDENTITY, TRAINING = spiffe("/svc/core/identity"), spiffe("/svc/core/training")
HEAD: Mapping[str, Any] = {"alg": "ES256", "typ": grants.TYPE}
SAID: Mapping[str, Any] = {
    "iss": str(IDENTITY),
    "sub": "p-dana",
    "act": {"sub": str(TRAINING)},
    "cnf": {"spiffe": str(TRAINING)},
    "aud": ["registry"],
    "actions": ["lab/who"],
    "iat": NOW - 10,
    "exp": NOW + 600,
    "jti": "grant-1",
    "tenant": "demo",
}
Sign = Callable[[bytes], bytes]
DROP = ...  # a member that is left out


@dataclass
class Rooted:
    """What is known of keys: identity's own, which `ours` holds."""

    ours: TransitKey = field(default_factory=TransitKey)
    theirs: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    trust_domain: str = "assay.test"

    @property
    def services(self) -> dict[str, str]:
        """The root's keys."""
        return {grants.KEY: self.ours.public_pem}

    def by_identity(self, data: bytes) -> bytes:
        """Sign with identity's key."""
        return self.ours.sign(grants.KEY, data, jws=True)

    def by_attacker(self, data: bytes) -> bytes:
        """Sign with a key of the attacker's own."""
        r, s = utils.decode_dss_signature(self.theirs.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def by_hmac(self, data: bytes) -> bytes:
        """Sign with identity's public key as if it were a shared secret."""
        return hmac.digest(self.ours.public_pem.encode(), data, hashlib.sha256)

    def jwk(self) -> dict[str, str]:
        """Return the attacker's public key."""
        numbers = self.theirs.public_key().public_numbers()
        x, y = (base64url.encode(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "evil"}


@pytest.fixture(scope="module")
def root() -> Rooted:
    return Rooted()


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def token(head: bytes | Mapping[str, Any], said: object, sign: Sign) -> str:
    """Return a token of these parts, signed as told whatever its header says."""
    parts = [part if isinstance(part, bytes) else text(part) for part in (head, said)]
    signed = ".".join(base64url.encode(part) for part in parts)
    return f"{signed}.{base64url.encode(sign(signed.encode()))}"


def changed(base: Mapping[str, Any], **members: object) -> dict[str, Any]:
    return {name: value for name, value in {**base, **members}.items() if value is not DROP}


def opens(root: Rooted, made: str) -> bool:
    try:
        verify(made, root, TRAINING, "registry", NOW)
    except Unauthenticated:
        return False
    return True


def by_nobody(_: bytes) -> bytes:
    return b""


# ---- the algorithm is ours, not the token's

NONE = ["none", "None", "NONE", "nOnE", "", " ", "null", None, DROP, 0, False, ["none"], {"alg": "none"}]
OTHERS = [
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "PS256",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "es256",
    "ES256 ",
    "dir",
]


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize("algorithm", [*NONE, *OTHERS], ids=repr)
@pytest.mark.parametrize("signer", ["nobody", "hmac of the public key", "attacker"])
def test_another_algorithm_than_ours_is_no_grant(root: Rooted, algorithm: object, signer: str) -> None:
    sign = {"nobody": by_nobody, "attacker": root.by_attacker}.get(signer, root.by_hmac)
    assert not opens(root, token(changed(HEAD, alg=algorithm), SAID, sign))


POINTERS: dict[str, object] = {
    "kid": "../../../../dev/null",
    "kid of a table": "x' UNION SELECT 'key'--",
    "kid of a command": "|id",
    "kid of the attacker": "evil",
    "jku": "https://evil.test/keys.json",
    "x5u": "https://evil.test/key.pem",
    "x5c": ["MIIB"],
    "x5t": "AAAA",
    "crit": ["exp"],
    "crit of nothing": [],
    "b64": False,
    "zip": "DEF",
    "enc": "A128GCM",
    "cty": "JWT",
}


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize("pointer", [*POINTERS, "jwk"])
def test_a_key_that_the_token_itself_brings_or_points_to_is_not_used(root: Rooted, pointer: str) -> None:
    value = root.jwk() if pointer == "jwk" else POINTERS[pointer]
    head = changed(HEAD, **{pointer.split(maxsplit=1)[0]: value})
    assert not opens(root, token(head, SAID, root.by_attacker))


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize(
    "type_", ["JWT", "at+jwt", "assay-grant", "ASSAY-GRANT+JWT", "", None, DROP, 1], ids=repr
)
def test_a_token_of_another_type_is_no_grant(root: Rooted, type_: object) -> None:
    assert not opens(root, token(changed(HEAD, typ=type_), SAID, root.by_identity))


# ---- every claim, though identity's own key signed it

CLAIMS: dict[str, list[object]] = {
    "iss": [
        "",
        "identity",
        str(TRAINING),
        "spiffe://other.test/svc/core/identity",
        f"{IDENTITY}/",
        None,
        [],
        DROP,
    ],
    "sub": [
        "",
        "../p-ada",
        "p-dana/..",
        "P-DANA",
        "p dana",
        "p-dana\0",
        None,
        1,
        ["p-dana"],
        {"sub": "p-dana"},
        DROP,
    ],
    "act": [
        str(TRAINING),
        {},
        {"sub": ""},
        {"sub": str(spiffe("/svc/core/serving"))},
        {"sub": None},
        None,
        [],
        DROP,
    ],
    "cnf": [
        *(
            str(TRAINING),
            {},
            {"spiffe": str(spiffe("/svc/core/serving"))},
            {"spiffe": [str(TRAINING)]},
            None,
            DROP,
        ),
        *({"spiffe": str(TRAINING), "x5t#S256": "A"}, {"SPIFFE": str(TRAINING)}, {"spiffe": f"{TRAINING}/"}),
    ],
    "aud": [
        ["ingestion"],
        "ingestion",
        [],
        "",
        None,
        ["registry "],
        ["REGISTRY"],
        [["registry"]],
        1,
        "regis",
        DROP,
    ],
    "exp": [NOW, NOW - 1, 0, -1, str(NOW + 600), NOW + 0.5, None, True, [NOW + 600], "never", DROP],
    "iat": [NOW + 600, str(NOW), None, NOW - 0.5, True, [], DROP],
    "tenant": ["", "../demo", "DEMO ", None, 1, ["demo"], {}, DROP],
    "actions": ["lab/who", None, {}, {"lab/who": 1}, [1], [["lab/who"]], [None], DROP],
}


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize(
    ("claim", "value"), [(claim, value) for claim, values in CLAIMS.items() for value in values], ids=repr
)
def test_a_claim_that_is_not_exactly_right_is_no_grant(root: Rooted, claim: str, value: object) -> None:
    assert not opens(root, token(HEAD, changed(SAID, **{claim: value}), root.by_identity))


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize("claim", SAID)
@pytest.mark.parametrize("first", [True, False], ids=["right one first", "right one last"])
def test_a_claim_that_is_said_twice_is_no_grant(root: Rooted, claim: str, *, first: bool) -> None:
    right, wrong = text({claim: SAID[claim]})[1:-1], text({claim: "x"})[1:-1]
    twice = b",".join([right, wrong] if first else [wrong, right])
    said = text(SAID).replace(right, twice)
    assert not opens(root, token(HEAD, said, root.by_identity))


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize(
    "head", [b'{"alg":"none","alg":"ES256","typ":"%s"}', b'{"typ":"x","alg":"ES256","typ":"%s"}']
)
def test_a_header_that_says_something_twice_is_no_grant(root: Rooted, head: bytes) -> None:
    assert not opens(root, token(head.replace(b"%s", grants.TYPE.encode()), SAID, root.by_identity))


SHAPES: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "dots": lambda _: "..",
    "no signature": lambda made: made.rpartition(".")[0] + ".",
    "two parts": lambda made: made.rpartition(".")[0],
    "four parts": lambda made: made + ".x",
    "padded": lambda made: made + "=",
    "a space before": lambda made: " " + made,
    "a line after": lambda made: made + "\n",
    "zeros for a signature": lambda made: made.rpartition(".")[0] + "." + base64url.encode(bytes(64)),
    "a shorter signature": lambda made: made[:-4],
    "a longer signature": lambda made: made + "AAAA",
    "another payload": lambda made: ".".join(
        [made.split(".")[0], base64url.encode(b"{}"), made.split(".")[2]]
    ),
    "JSON": lambda made: json.dumps({"payload": made.split(".")[1], "signatures": []}),
    "a letter that is none": lambda made: made.replace(".", ".\u00e9", 1),
}


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize("bend", SHAPES.values(), ids=SHAPES.keys())
def test_a_bent_token_is_no_grant(root: Rooted, bend: Callable[[str], str]) -> None:
    assert not opens(root, bend(token(HEAD, SAID, root.by_identity)))


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize(
    "said", [b"[]", b"null", b'"x"', b"1", b"{", b"", b"\xff", b"[" * 20_000, b"NaN"], ids=repr
)
def test_what_is_no_object_is_no_grant(root: Rooted, said: bytes) -> None:
    assert not opens(root, token(HEAD, said, root.by_identity))


@pytest.mark.threat("T-IAM-01")
@pytest.mark.parametrize(
    "holder", ["/svc/core/serving", "/run/run-1", "/people/p-dana", "/svc/core/registry"]
)
def test_a_stolen_grant_is_no_use_to_another_certificate(root: Rooted, holder: str) -> None:
    made = token(HEAD, SAID, root.by_identity)
    with pytest.raises(Unauthenticated):
        verify(made, root, spiffe(holder), "registry", NOW)


@pytest.mark.threat("T-IAM-01")
def test_nobody_hands_over_another_persons_grant(root: Rooted) -> None:
    from assay.contracts import PersonId

    made = token(HEAD, SAID, root.by_identity)
    handed_over(made, root, PersonId("p-dana"), TRAINING, NOW)
    with pytest.raises(Unauthenticated):
        handed_over(made, root, PersonId("p-ada"), TRAINING, NOW)


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.threat("T-IAM-01")
def test_a_bad_token_is_refused_at_a_listener_and_never_passed_over(lab: Lab, root: Rooted) -> None:
    lab.edge.root.services[grants.KEY] = root.ours.public_pem
    bad = token(changed(HEAD, alg="none"), SAID, by_nobody)
    with lab.workload("/svc/core/training").client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").status_code == 200
        assert http.get("/v1/who", headers={HEADER: bad}).status_code == 401


# ---- one check less


@pytest.mark.control("T-IAM-01")
def test_control_the_right_token_is_a_grant(root: Rooted) -> None:
    assert opens(root, token(HEAD, SAID, root.by_identity))


@pytest.mark.control("T-IAM-01")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_control_a_verifier_that_does_not_verify_takes_any_token(
    root: Rooted, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = token(changed(HEAD, alg=algorithm), SAID, root.by_hmac)
    assert not opens(root, attack)

    def trusting(made: str, *_: object, **__: object) -> dict[str, Any]:
        decoded: dict[str, Any] = jwt.api_jwt.PyJWT().decode_complete(
            made, options={"verify_signature": False}
        )
        return decoded

    monkeypatch.setattr(jwt, "decode_complete", trusting)
    assert opens(root, attack)


@pytest.mark.control("T-IAM-01")
def test_control_a_verifier_that_takes_the_tokens_own_key_takes_the_attackers(
    root: Rooted, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = token(changed(HEAD, jwk=root.jwk()), SAID, root.by_attacker)
    real = jwt.decode_complete

    def obliging(made: str, _key: object, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - PyJWT's
        brought = jwt.PyJWK(jwt.get_unverified_header(made)["jwk"], "ES256").key
        decoded: dict[str, Any] = real(made, brought, **options)
        return decoded

    assert not opens(root, attack)
    monkeypatch.setattr(jwt, "decode_complete", obliging)
    assert opens(root, attack)


@pytest.mark.control("T-IAM-01")
@pytest.mark.parametrize(
    ("claim", "value"),
    [("iss", str(TRAINING)), ("cnf", {"spiffe": "x"}), ("exp", NOW - 1), ("act", {"sub": str(IDENTITY)})],
)
def test_control_a_verifier_that_does_not_read_who_holds_it_takes_anybodys(
    root: Rooted, claim: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = token(HEAD, changed(SAID, **{claim: value}), root.by_identity)
    assert not opens(root, attack)
    monkeypatch.setattr(grants, "_held_by", lambda _peer, claims, *_: grants._grant(claims))
    assert opens(root, attack)


@pytest.mark.control("T-IAM-01")
def test_control_a_verifier_that_reads_json_loosely_takes_the_last_word(
    root: Rooted, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = text({"sub": "p-dana"})[1:-1], text({"sub": "p-ada"})[1:-1]
    attack = token(HEAD, text(SAID).replace(right, right + b"," + wrong), root.by_identity)
    assert not opens(root, attack)
    monkeypatch.setattr(grants, "_require_canonical", lambda *_: None)
    assert verify(attack, root, TRAINING, "registry", NOW).person == "p-ada"
