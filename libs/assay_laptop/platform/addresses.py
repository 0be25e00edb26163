"""Addresses of a home's parts: free loopback ports, chosen once and kept, so that addresses outlive a restart."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

PARTS = (
    "vault",
    "opa",
    "ledger",
    "witness",
    "identity",
    "login",
    "ingestion",
    "features",
    "tracking",
    "training",
    "evaluator",
    "registry",
    "serving",
    "people",
    "registry-pages",
    "tracking-pages",
)
SIGNING = ("people", "registry-pages")
"""Pages on which somebody uses a passkey: origins of the root."""

PAGES = (*SIGNING, "tracking-pages")
"""Addresses for browsers: passkeys are bound to a name, so these are `localhost` and never its number."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports free on loopback at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def choose_ports(names: Iterable[str] = PARTS) -> dict[str, int]:
    """Return a free port for each part."""
    wanted = list(names)
    return dict(zip(wanted, free_ports(len(wanted)), strict=True))


def taken(ports: Mapping[str, int]) -> list[str]:
    """Return the parts whose port somebody else listens on now."""
    busy = []
    for name, port in ports.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                busy.append(name)
    return busy


def in_browsers(ports: Mapping[str, int]) -> str:
    """Say in a line which pages there are for people, and where."""
    shown = {"registry": "registry-pages", "people": "people", "MLflow": "tracking-pages"}
    return "pages: " + ", ".join(f"{name} {url(ports, part)}" for name, part in shown.items())


def url(ports: Mapping[str, int], part: str) -> str:
    """Return the address of a part."""
    host = "localhost" if part in PAGES else "127.0.0.1"
    return f"https://{host}:{ports[part]}"
