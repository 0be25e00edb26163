"""The registry calls addresses that people write: none of them leads inside."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.registry.adapters.egress import GuardedEgress, believing, resolved
from services.registry.hooks.errors import AddressRefused, Undelivered
from tests.support.receiver import HttpsReceiver
from tests.unit.identity.authority import Authority

INSIDE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),  # noqa: S104
    *("169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::", "2001::1", "2001:db8::1"),
]
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
WRITTEN = [
    *("http://ci.example/", "file:///etc/passwd", "gopher://ci.example/", "//ci.example/", "ci.example", ""),
    *(
        "https://",
        "https:///x",
        "https://user:word@ci.example/",
        "https://ci.example@127.0.0.1/",
        "https://@/",
    ),
    *(
        "https://ci.example/#fragment",
        "https://[::1]/",
        "https://ci.example:port/",
        "https://ci.example:70000/",
    ),
    *(
        "https://ci.example/a b",
        "https://ci.example/\r\nHost: inside",
        "https://ci.example\t/",
        "https://c_i/",
    ),
    *(
        "https://ci.example\\@127.0.0.1/",
        "https://ci\N{FULLWIDTH FULL STOP}example/",
        f"https://x/{'a' * 500}",
    ),
]
BY_NUMBER = ["https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://0/"]
Attempts = Callable[[int], None]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsReceiver]:
    """A service inside: it does what it is asked, and is not to be asked."""
    with HttpsReceiver(Authority(), tmp_path_factory.mktemp("receiver")) as made:
        yield made


def trusting(receiver: HttpsReceiver) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=receiver.authority.ca_pem)


def pointing(address: str) -> GuardedEgress:
    """Return the way out where every name is at one address."""
    return GuardedEgress(ssl.create_default_context(), resolve=lambda _host, _port: [address])


@pytest.mark.threat("T-SRV-01")
def test_no_name_that_leads_inside_is_called(attempts: Attempts) -> None:
    for address in INSIDE:
        with pytest.raises(AddressRefused):
            pointing(address).post("https://ci.example/", {}, b"{}")
    for address in PUBLIC:
        pointing(address).check("https://ci.example/")
    attempts(len(INSIDE))


@pytest.mark.threat("T-SRV-01")
def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    both = GuardedEgress(ssl.create_default_context(), resolve=lambda _host, _port: [PUBLIC[0], "10.0.0.1"])
    with pytest.raises(AddressRefused):
        both.check("https://ci.example/")


@pytest.mark.threat("T-SRV-01")
def test_no_address_is_called_that_is_not_plainly_https(attempts: Attempts) -> None:
    for url in WRITTEN:
        with pytest.raises(AddressRefused):
            pointing(PUBLIC[0]).check(url)
    for url in BY_NUMBER:
        with pytest.raises(AddressRefused):
            GuardedEgress(ssl.create_default_context()).check(url)
    attempts(len(WRITTEN) + len(BY_NUMBER))


@pytest.mark.threat("T-SRV-01")
def test_a_name_that_changes_after_it_was_looked_at_changes_nothing(receiver: HttpsReceiver) -> None:
    answers = [[PUBLIC[0]], ["127.0.0.1"]]
    rebinding = GuardedEgress(trusting(receiver), resolve=lambda _host, _port: answers.pop(0))
    rebinding.check(receiver.url)
    with pytest.raises(AddressRefused):
        rebinding.post(receiver.url, {}, b"{}")
    assert receiver.taken == []


@pytest.mark.threat("T-SRV-01")
def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    authority = Authority()
    with HttpsReceiver(authority, tmp_path, status=307) as away:
        away.headers = {"Location": away.url + "/inside"}
        listed = GuardedEgress(trusting(away), [f"localhost:{away.port}"], resolve=resolved)
        assert listed.post(away.url, {}, b"{}") == 307
    assert [one.path for one in away.taken] == ["/hook"]


@pytest.mark.threat("T-SRV-01")
def test_a_host_is_listed_with_its_port_and_needs_its_certificate(receiver: HttpsReceiver) -> None:
    listed = [f"localhost:{receiver.port}"]
    with pytest.raises(AddressRefused):
        GuardedEgress(trusting(receiver), listed).check(f"https://localhost:{receiver.port + 1}/")
    with pytest.raises(Undelivered):
        GuardedEgress(believing(None), listed).post(receiver.url, {}, b"{}")
    assert receiver.taken == []


@pytest.mark.control("T-SRV-01")
def test_without_the_check_the_inside_is_called(receiver: HttpsReceiver) -> None:
    unguarded = GuardedEgress(trusting(receiver), [f"localhost:{receiver.port}"])
    assert unguarded.post(receiver.url, {}, b"{}") == 204
    assert receiver.taken.pop().body == b"{}"
