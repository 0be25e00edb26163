from __future__ import annotations

import socket

import pytest

from assay_laptop.home import SERVICES
from assay_laptop.platform.addresses import PARTS, choose_ports, free_ports, in_browsers, taken, url


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_every_service_has_an_address() -> None:
    assert {*SERVICES, "vault", "opa", "login", "people", "registry-pages", "tracking-pages"} == set(PARTS)


def test_ports_are_different_and_free() -> None:
    ports = choose_ports()
    assert list(ports) == list(PARTS)
    assert len(set(ports.values())) == len(ports)
    assert taken(ports) == []
    assert free_ports(0) == []


def test_whose_port_somebody_else_has_is_named(listener: socket.socket) -> None:
    with listener:
        ports = {"vault": free_ports(1)[0], "ledger": listener.getsockname()[1]}
        assert taken(ports) == ["ledger"]
    assert taken(ports) == []


def test_an_address_is_loopback_and_tls() -> None:
    assert url({"ledger": 8443}, "ledger") == "https://127.0.0.1:8443"


def test_pages_are_named_by_the_name_that_passkeys_are_bound_to() -> None:
    said = in_browsers({"people": 8443, "registry-pages": 8444, "tracking-pages": 8445})
    assert said == (
        "pages: registry https://localhost:8444, people https://localhost:8443, MLflow https://localhost:8445"
    )
