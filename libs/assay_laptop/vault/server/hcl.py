"""Policies as Vault writes them: `path "…" { capabilities = [...] }`. What is not understood is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay_laptop.vault.server.calls import Refused, seconds

CAPABILITIES = frozenset({"create", "read", "update", "delete", "list", "sudo", "deny"})
_TOKEN = re.compile(r'\s+|#[^\n]*|//[^\n]*|(?P<string>"[^"\\\n]*")|(?P<word>\w+)|(?P<sign>[{}\[\]=,])')
Parameters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Rule:
    """What one path pattern allows; wrapping times are seconds, 0 where there is no limit.

    `parameters` names those a call may carry, each with the values it may have, where not any; None is no limit.
    """

    path: str
    capabilities: frozenset[str]
    min_wrapping: int = 0
    max_wrapping: int = 0
    parameters: Parameters | None = None


@dataclass
class _Reader:
    """Reads one policy's tokens from left to right."""

    tokens: Iterator[str]
    ahead: list[str] = field(default_factory=list)

    def peek(self) -> str:
        if not self.ahead:
            self.ahead.append(next(self.tokens, ""))
        return self.ahead[0]

    def next(self) -> str:
        token = self.peek()
        self.ahead.clear()
        return token

    def expect(self, wanted: str) -> None:
        token = self.next()
        if token != wanted:
            raise _malformed(f"expected {wanted} and not {token or 'the end'}")

    def string(self) -> str:
        token = self.next()
        if not token.startswith('"'):
            raise _malformed(f"expected a string and not {token or 'the end'}")
        return token[1:-1]

    def strings(self) -> list[str]:
        self.expect("[")
        found = []
        while self.peek() != "]":
            found.append(self.string())
            if self.peek() != "]":
                self.expect(",")
        self.expect("]")
        return found


def _parameters(reader: _Reader) -> Parameters:
    """Read `{ "name" = ["value"] }`; commas between are optional."""
    reader.expect("{")
    found: dict[str, tuple[str, ...]] = {}
    while reader.peek() != "}":
        name = reader.string()
        reader.expect("=")
        found[name] = tuple(reader.strings())
        if reader.peek() == ",":
            reader.expect(",")
    reader.expect("}")
    if not found:
        raise _malformed("allowed_parameters without a parameter would allow every one")
    return tuple(found.items())


def parse(text: str) -> list[Rule]:
    """Return the rules of a policy; raises Refused (400) with what is wrong."""
    reader = _Reader(_tokens(text))
    rules = []
    while reader.peek():
        reader.expect("path")
        rules.append(_rule(reader.string(), reader))
    return rules


def _rule(path: str, reader: _Reader) -> Rule:
    reader.expect("{")
    capabilities: list[str] = []
    wrapping = {"min_wrapping_ttl": 0, "max_wrapping_ttl": 0}
    parameters: Parameters | None = None
    while reader.peek() != "}":
        name = reader.next()
        reader.expect("=")
        if name == "capabilities":
            capabilities = reader.strings()
        elif name == "allowed_parameters":
            parameters = _parameters(reader)
        elif name in wrapping:
            wrapping[name] = seconds(reader.string())
        else:
            raise _malformed(f"path {path!r}: the built-in development server does not know {name!r}")
    reader.expect("}")
    if unknown := set(capabilities) - CAPABILITIES:
        raise _malformed(f"path {path!r}: invalid capability {', '.join(sorted(unknown))}")
    limits = wrapping["min_wrapping_ttl"], wrapping["max_wrapping_ttl"]
    return Rule(path, frozenset(capabilities), *limits, parameters)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise _malformed(f"at character {at}")
        at = found.end()
        if found.lastgroup:
            yield found[0]


def _malformed(what: str) -> Refused:
    return Refused(400, f"failed to parse policy: {what}")
