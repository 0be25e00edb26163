"""Whoever shows a certificate that is not exactly right does not get in, at a real listener."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from assay.contracts import SpiffeId
from assay.identity import contexts
from assay.identity.workload import WorkloadIdentity
from assay.web import protocol
from tests.attacks.forging import RIGHT, Forged, Signer, below, client_context, loopback, stranger
from tests.integration.identity.lab import Lab, spiffe
from tests.integration.identity.test_mutual_tls import REFUSED, Listening
from tests.unit.identity.authority import DOMAIN, Authority

HOUR, YEAR = 3600, 365 * 86400
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
Weaken = Callable[[ssl.SSLContext], None]

TIMES = {
    "ended a second ago": {"begins": -HOUR, "ends": -1},
    "ended an hour ago": {"begins": -2 * HOUR, "ends": -HOUR},
    "ended a year ago": {"begins": -2 * YEAR, "ends": -YEAR},
    "ended before 1980": {"begins": -60 * YEAR, "ends": -50 * YEAR},
    "begins in a minute": {"begins": 60, "ends": HOUR},
    "begins in a year": {"begins": YEAR, "ends": 2 * YEAR},
    "begins after 2049": {"begins": 30 * YEAR, "ends": 31 * YEAR},
}
NAMES: dict[str, tuple[str, ...]] = {
    "no name": (),
    "https": (RIGHT.replace("spiffe", "https"),),
    "upper case scheme": (RIGHT.replace("spiffe", "SPIFFE"),),
    "two identities": (RIGHT, RIGHT.replace("serving", "registry")),
    "the same twice": (RIGHT, RIGHT),
    "a second name of another kind": (RIGHT, "https://localhost"),
    "dots": (f"spiffe://{DOMAIN}/svc/core/../registry",),
    "one dot": (f"spiffe://{DOMAIN}/svc/./core/registry",),
    "encoded dots": (f"spiffe://{DOMAIN}/svc/core/%2e%2e/registry",),
    "encoded slash": (f"spiffe://{DOMAIN}/svc%2fcore/registry",),
    "double slash": (f"spiffe://{DOMAIN}//svc/core/registry",),
    "trailing slash": (f"{RIGHT}/",),
    "no path": (f"spiffe://{DOMAIN}",),
    "root path": (f"spiffe://{DOMAIN}/",),
    "query": (f"{RIGHT}?as=registry",),
    "empty query": (f"{RIGHT}?",),
    "fragment": (f"{RIGHT}#registry",),
    "port": (RIGHT.replace(DOMAIN, f"{DOMAIN}:443"),),
    "user": (RIGHT.replace(DOMAIN, f"registry@{DOMAIN}"),),
    "backslash": (f"spiffe://{DOMAIN}\\svc\\core\\registry",),
    "parameter": (f"{RIGHT};v=1",),
    "upper case path": (RIGHT.replace("svc", "SVC"),),
    "space": (f"{RIGHT} ",),
    "line break": (f"{RIGHT}\n",),
    "zero byte": (f"{RIGHT}\0.evil",),
    "empty": ("",),
    "long": (f"spiffe://{DOMAIN}/svc/core/" + "a" * 3000,),
}
DOMAINS = [
    "other.test",
    f"{DOMAIN}.evil.test",
    f"evil.{DOMAIN}",
    "assay",
    "assay.tes",
    "xassay.test",
    "127.0.0.1",
]
ELSEWHERE: dict[str, Forged] = {
    "common name": Forged(uris=(), common_name=RIGHT),
    "DNS name": Forged(uris=(), names=(x509.DNSName("serving.svc.core.assay.test"),)),
    "e-mail": Forged(uris=(), names=(x509.RFC822Name("serving@assay.test"),)),
    "registered id": Forged(uris=(), names=(x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),)),
    "directory name": Forged(
        uris=(),
        names=(x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, RIGHT[:60])])),),
    ),
    "host alone": Forged(uris=(), names=loopback()),
}
SHAPES: dict[str, Callable[[], Forged]] = {
    "SHA-1": lambda: Forged(sha1=True),
    "RSA of 1024 bits": lambda: Forged(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - the attack
    "for servers only": lambda: Forged(usage=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "for code signing": lambda: Forged(usage=(ExtendedKeyUsageOID.CODE_SIGNING,)),
    "for e-mail": lambda: Forged(usage=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)),
    "for OCSP": lambda: Forged(usage=(ExtendedKeyUsageOID.OCSP_SIGNING,)),
    "an unknown critical extension": lambda: Forged(critical=x509.ObjectIdentifier("1.2.3.4.5")),
}
SIGNERS: dict[str, Callable[[Authority], Signer | None]] = {
    "itself": lambda _: None,
    "a stranger": lambda _: stranger("evil"),
    "a stranger of the same name": lambda _: stranger("test root"),
    "the holder of a leaf": lambda authority: below(authority, may_certify=False),
}
KEYS: dict[str, Callable[[], Forged]] = {
    "P-256": Forged,
    "P-384": lambda: Forged(key=ec.generate_private_key(ec.SECP384R1())),
    "Ed25519": lambda: Forged(key=ed25519.Ed25519PrivateKey.generate()),
    "RSA of 2048 bits": lambda: Forged(key=rsa.generate_private_key(65537, 2048)),
}
ANCIENT = [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield made
    finally:
        made.close()


def weak(lab: Lab, weaken: Weaken) -> str:
    """Serve the same application behind a listener that lacks one check."""
    identity = lab.workload("/svc/core/registry")
    weaken(identity.server_context())
    return lab.serve(lab.app, identity)


def asked(lab: Lab, url: str, context: ssl.SSLContext) -> int | None:
    """Return what a request is answered with, or None when the connection never came to be."""
    lab.edge.policy.asked.clear()
    with httpx.Client(base_url=url, verify=context, trust_env=False) as http:
        try:
            return http.get("/v1/who").status_code
        except REFUSED:
            return None


def shown(lab: Lab, forged: Forged, signer: Signer | None) -> ssl.SSLContext:
    return client_context(lab.authority.ca_pem, forged.write(lab.folder / "forged.pem", signer))


def refused(lab: Lab, context: ssl.SSLContext) -> bool:
    return asked(lab, lab.url, context) in {None, 401} and not lab.edge.policy.asked


# ---- what is refused


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES.keys())
def test_outside_its_time_a_certificate_opens_nothing(lab: Lab, when: dict[str, float]) -> None:
    assert refused(
        lab, shown(lab, Forged(begins=when["begins"], ends=when["ends"]), Signer.of(lab.authority))
    )


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("uris", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_is_not_one_whole_identity_opens_nothing(lab: Lab, uris: tuple[str, ...]) -> None:
    assert refused(lab, shown(lab, Forged(uris=uris), Signer.of(lab.authority)))


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("domain", DOMAINS)
def test_another_trust_domain_opens_nothing(lab: Lab, domain: str) -> None:
    assert refused(
        lab, shown(lab, Forged(uris=(f"spiffe://{domain}/svc/core/serving",)), Signer.of(lab.authority))
    )


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("forged", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_an_identity_in_another_place_of_the_certificate_opens_nothing(lab: Lab, forged: Forged) -> None:
    assert refused(lab, shown(lab, forged, Signer.of(lab.authority)))


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("made", SHAPES.values(), ids=SHAPES.keys())
def test_a_weak_or_misused_certificate_opens_nothing(lab: Lab, made: Callable[[], Forged]) -> None:
    assert refused(lab, shown(lab, made(), Signer.of(lab.authority)))


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS.keys())
@pytest.mark.parametrize("made", KEYS.values(), ids=KEYS.keys())
def test_what_the_authority_did_not_sign_opens_nothing(
    lab: Lab, signer: Callable[[Authority], Signer | None], made: Callable[[], Forged]
) -> None:
    assert refused(lab, shown(lab, made(), signer(lab.authority)))


@pytest.mark.threat("T-IAM-05")
def test_no_certificate_opens_nothing(lab: Lab) -> None:
    assert refused(lab, client_context(lab.authority.ca_pem, None))


@pytest.mark.threat("T-IAM-05")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ANCIENT, ids=lambda version: version.name)
def test_an_older_tls_opens_nothing(lab: Lab, version: ssl.TLSVersion) -> None:
    context = shown(lab, Forged(), Signer.of(lab.authority))
    context.maximum_version = version
    assert refused(lab, context)


@pytest.mark.threat("T-IAM-05")
@pytest.mark.parametrize(
    ("actual", "expect"),
    [
        ("/svc/core/serving", "registry"),
        ("/svc/core/ledger", "registry"),
        ("/svc/dev/predictor/credit", "/svc/prod/predictor/credit"),
        ("/svc/prod/predictor/other", "/svc/prod/predictor/credit"),
        ("/people/p-1", None),
        ("/run/run-1", None),
    ],
)
def test_a_server_with_anothers_certificate_gets_no_byte(lab: Lab, actual: str, expect: str | None) -> None:
    assert sent_to(lab, actual, expect) == b""


def sent_to(lab: Lab, actual: str, expect: str | None) -> bytes:
    """Send a secret to a server that holds `actual`; return what it got to see."""
    server = Listening(lab.workload(actual))
    with (
        lab.workload("/svc/core/training").client(server.url, expect=expect) as http,
        suppress(httpx.HTTPError),
    ):
        http.post("/v1/secret", content=b"secret")
    return server.end()


@pytest.mark.threat("T-IAM-05")
def test_a_key_of_another_certificate_is_not_taken(lab: Lab, tmp_path: Path) -> None:
    right, other = (lab.workload("/svc/core/serving") for _ in range(2))
    mixed = tmp_path / "mixed.pem"
    mixed.write_text(other.key_path.read_text() + right.certificate_path.read_text())
    with pytest.raises(ssl.SSLError, match="mismatch"):
        client_context(lab.authority.ca_pem, mixed)


# ---- the same, with one check taken away


@pytest.mark.control("T-IAM-05")
@pytest.mark.parametrize("made", KEYS.values(), ids=KEYS.keys())
def test_control_a_right_certificate_is_let_in(lab: Lab, made: Callable[[], Forged]) -> None:
    assert asked(lab, lab.url, shown(lab, made(), Signer.of(lab.authority))) == 200


@pytest.mark.control("T-IAM-05")
@pytest.mark.parametrize("when", ["ended a second ago", "ended a year ago", "begins in a year"])
def test_control_without_a_look_at_the_clock_any_time_would_do(
    lab: Lab, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(context: ssl.SSLContext) -> None:
        context.verify_flags |= NO_CHECK_TIME

    monkeypatch.setattr(protocol.Peer, "ended", lambda _peer, _now: False)
    url = weak(lab, careless)
    forged = Forged(begins=TIMES[when]["begins"], ends=TIMES[when]["ends"])
    assert asked(lab, url, shown(lab, forged, Signer.of(lab.authority))) == 200


@pytest.mark.control("T-IAM-05")
def test_control_a_listener_that_trusts_the_stranger_lets_them_in(lab: Lab) -> None:
    evil = Authority("evil")
    url = weak(lab, lambda context: context.load_verify_locations(cadata=evil.ca_pem))
    context = shown(lab, Forged(), Signer.of(evil))
    assert asked(lab, url, context) == 200
    assert refused(lab, context)


@pytest.mark.control("T-IAM-05")
def test_control_an_authority_below_the_root_may_certify(lab: Lab) -> None:
    assert asked(lab, lab.url, shown(lab, Forged(), below(lab.authority, may_certify=True))) == 200


@pytest.mark.control("T-IAM-05")
def test_control_a_listener_that_speaks_tls_1_2_lets_it_in(lab: Lab) -> None:
    def older(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_2

    context = shown(lab, Forged(), Signer.of(lab.authority))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert asked(lab, weak(lab, older), context) == 200


@pytest.mark.control("T-IAM-05")
def test_control_at_a_lower_security_level_sha_1_gets_in(lab: Lab) -> None:
    url = weak(lab, lambda context: context.set_ciphers("ALL:@SECLEVEL=0"))
    context = shown(lab, Forged(sha1=True), Signer.of(lab.authority))
    assert asked(lab, url, context) == 200


@pytest.mark.control("T-IAM-05")
@pytest.mark.parametrize("name", ["https", "two identities", "query", "no name"])
def test_control_where_names_are_not_read_strictly_any_certificate_is_somebody(
    lab: Lab, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "identity_in", lambda _: spiffe("/svc/core/serving"))
    context = shown(lab, Forged(uris=NAMES[name], names=loopback()), Signer.of(lab.authority))
    assert asked(lab, lab.url, context) == 200


@pytest.mark.control("T-IAM-05")
def test_control_a_root_of_the_other_domain_lets_that_domain_in(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.edge.root, "trust_domain", "other.test")
    forged = Forged(uris=("spiffe://other.test/svc/core/serving",))
    assert asked(lab, lab.url, shown(lab, forged, Signer.of(lab.authority))) == 200


@pytest.mark.control("T-IAM-05")
def test_control_a_client_that_demands_nobody_tells_a_wrong_server_everything(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts.PeerContext, "demand", lambda *_: None)
    assert b"POST /v1/secret" in sent_to(lab, "/svc/core/serving", "registry")


@pytest.mark.control("T-IAM-05")
def test_control_where_no_certificate_is_required_the_edge_itself_says_no(lab: Lab) -> None:
    identity: WorkloadIdentity = lab.workload("/svc/core/registry")
    url = lab.serve(lab.app, identity, client_certificate=False)
    assert asked(lab, url, client_context(lab.authority.ca_pem, None)) == 401


def test_the_right_identity_is_the_one_the_lab_speaks_of() -> None:
    assert SpiffeId.parse(RIGHT) == spiffe("/svc/core/serving")
