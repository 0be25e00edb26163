"""The registry's way out: HTTPS to public hosts, at the very address that was looked at.

A name is resolved once and the connection goes to what was checked, so a name that changes meanwhile changes nothing.
Certificates are verified for the name. No proxy, no redirect, no cookie; of the answer only its first line is read, and
everything together ends within `seconds`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from services.registry.hooks.errors import AddressRefused, Undelivered

SECONDS: Final = 5.0
_FIRST_LINE: Final = 256  # bytes of the answer
_HTTPS: Final = 443
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PRINTABLE: Final = re.compile(r"[!-~]{1,500}")
_ANSWERED: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
"""IPv6 that leads to an IPv4 address, which might be any."""

Resolve = Callable[[str, int], Collection[str]]


class Target(NamedTuple):
    """An address in parts."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """Read an address; raises AddressRefused for one that is not plainly https."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _HTTPS
        except ValueError as error:
            raise AddressRefused("that is no address") from error
        if not _PRINTABLE.fullmatch(url) or parts.scheme != "https" or "@" in parts.netloc or parts.fragment:
            raise AddressRefused("a webhook's address is https://host[:port]/path, without user or fragment")
        if not _HOST.fullmatch(host):
            raise AddressRefused("a webhook's host is a name, or an IPv4 address")
        return cls(host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


class GuardedEgress:
    """Posts to public hosts, and to each `host:port` of `private`; see `hooks.ports.Egress`."""

    def __init__(
        self,
        context: ssl.SSLContext,
        private: Collection[str] = (),
        *,
        resolve: Resolve | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._context = context
        self._private = frozenset(private)
        self._resolve = resolve or resolved
        self._seconds = seconds

    def check(self, url: str) -> None:
        """Raise AddressRefused for an address that may not be called now."""
        self._addresses(Target.of(url))

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send, and return the status.

        Raises:
            AddressRefused: the address may not be called.
            Undelivered: nobody answers there in time, in HTTP, with a certificate for the name.
        """
        target = Target.of(url)
        addresses = self._addresses(target)
        until = time.monotonic() + self._seconds
        try:
            with (
                _connected(addresses, target.port, until) as plain,
                self._context.wrap_socket(plain, server_hostname=target.host) as sealed,
            ):
                sealed.settimeout(_left(until))
                sealed.sendall(_request(target, headers, body))
                return _status(sealed, until)
        except (OSError, ValueError) as error:  # ValueError: a deadline that has passed
            raise Undelivered(f"the receiver was not reached: {type(error).__name__}") from error

    def _addresses(self, target: Target) -> Collection[str]:
        """Return where to connect: every address of the name is one that may be called."""
        addresses = self._resolve(target.host, target.port)
        listed = f"{target.host}:{target.port}" in self._private
        if not addresses or not (listed or all(public(one) for one in addresses)):
            raise AddressRefused(
                f"{target.host} is no public host"
            )  # unknown or inside: the words are the same
        return addresses


def believing(ca: Path | None) -> ssl.SSLContext:
    """Return what believes the system's authorities, or `ca` alone; no variable of the environment changes whom."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # receivers are not ours
    system = ssl.get_default_verify_paths()
    files = [Path(system.openssl_cafile), Path(system.openssl_capath)] if ca is None else [ca]
    for path in files:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        elif path.is_file() or ca:
            context.load_verify_locations(cafile=path)
    return context


def public(address: str) -> bool:
    """Whether an IP address is anybody's on the internet: not ours, not a group's, not a way to another."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or any(ip in net for net in _TRANSLATED)):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local)


def resolved(host: str, port: int) -> Collection[str]:
    """Return the addresses of a name; none when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _connected(addresses: Collection[str], port: int, until: float) -> socket.socket:
    failed: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, port), timeout=_left(until))
            plain.settimeout(_left(until))  # for the handshake
        except OSError as error:
            failed = error
        else:
            return plain
    raise failed


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    host = target.host if target.port == _HTTPS else f"{target.host}:{target.port}"
    sent = {"Host": host, "User-Agent": "assay", "Connection": "close", "Content-Length": str(len(body))}
    lines = [
        f"POST {target.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in {**sent, **headers}.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def _status(sealed: ssl.SSLSocket, until: float) -> int:
    head = b""
    while b"\r\n" not in head and len(head) < _FIRST_LINE:
        sealed.settimeout(_left(until))
        part = sealed.recv(_FIRST_LINE - len(head))
        if not part:
            break
        head += part
    answered = _ANSWERED.match(head)
    if answered is None:
        raise Undelivered("the receiver did not answer in HTTP/1.1")
    return int(answered[1])


def _left(until: float) -> float:
    """Return the seconds left; raises TimeoutError when there are none."""
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left
