"""What an approver's own machine makes of a request: it arrives at the registry's words itself, or says so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assay.client import Session
from assay.client.requests import Requests
from assay.contracts import canonical, sha256_hex
from assay.custody.errors import WrongSubject
from assay.errors import ServiceError, SignatureInvalid
from services.registry.views import request_view
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD, Desk

Lie = Callable[[dict[str, Any]], dict[str, Any]]


class AtAmirs:
    """Amir's session at a registry that may lie: what he fetches passes through `lie`."""

    tenant = TENANT

    def __init__(self, desk: Desk, lie: Lie = lambda statement: statement, flip: bytes = b"") -> None:
        self._desk, self._lie, self._flip = desk, lie, flip
        self.follower, self.root = desk.world.follower, desk.world.root
        self.approvals = self.models = self
        self.identity = SimpleNamespace(spiffe_id=desk.person("amir").identity)

    def service(self, name: str) -> AtAmirs:
        """Return the registry."""
        assert name == "registry"
        return self

    def get(self, path: str) -> dict[str, Any]:
        """Return a request as its route does."""
        return request_view(self._desk.asking.find(path.rpartition("/")[2]))

    def statement(
        self,
        model: str,
        number: int,
        environment: str,
        *,
        standing_in: bool = False,
        **said: Any,  # noqa: ANN401 - what Deciding takes
    ) -> dict[str, Any]:
        """Return what the registry proposes."""
        assert environment == PROD.value
        assert not standing_in
        return self._lie(
            self._desk.deciding.statement(model, number, PROD, by=self._desk.person("amir"), **said)
        )

    def package(self, digest: str) -> dict[str, bytes]:
        """Return a package's files as they arrive."""
        packages = self._desk.registry.packages
        paths = [one["path"] for one in packages.manifest(digest)]
        return {path: packages.file(digest, path) + self._flip for path in paths}

    def signature(self, digest: str) -> bytes:
        """Return a package's signature."""
        return self._desk.registry.packages.signature(self._desk.registry.of_package(digest).signature)


def requests(session: AtAmirs) -> Requests:
    return Requests(cast("Session", session))


@pytest.fixture
def asked(registered: Desk) -> str:
    standing = registered.asking.request(MODEL, 1, PROD, note="please", by=registered.person("dana"))
    return standing.request.id


def test_the_digest_shown_is_the_challenge_that_is_signed(registered: Desk, asked: str) -> None:
    found = requests(AtAmirs(registered)).recomputed(asked, verb="reject", reason="too few rows")
    assert found.digest == sha256_hex(canonical(found.statement))
    words = dict(found.words)
    assert words["say that I"] == f"reject {MODEL} version 1"
    assert words["because"] == "too few rows"
    assert words["I"] == "p-amir"
    assert found.statement["package"] == words["package"]


@pytest.mark.parametrize(
    ("lie", "refusal"),
    [
        (lambda said: {**said, "package": "f" * 64}, WrongSubject),
        (lambda said: {**said, "evidence": ["f" * 64]}, WrongSubject),
        (lambda said: {**said, "evidence": said["evidence"][1:]}, WrongSubject),
        (lambda said: {**said, "tier": "low"}, WrongSubject),
        (lambda said: {**said, "number": 2}, WrongSubject),
        (lambda said: {**said, "more": 1}, WrongSubject),
        (lambda said: {**said, "log_root": "f" * 64}, SignatureInvalid),
        (lambda said: {**said, "log_size": said["log_size"] + 1}, SignatureInvalid),
        (lambda said: {**said, "policy": "f" * 64}, SignatureInvalid),
    ],
)
def test_a_registry_that_proposes_other_words_is_found_out(
    registered: Desk, asked: str, lie: Lie, refusal: type[ServiceError]
) -> None:
    with pytest.raises(refusal):
        requests(AtAmirs(registered, lie)).recomputed(asked)


def test_a_registry_that_shows_other_bytes_is_found_out(registered: Desk, asked: str) -> None:
    with pytest.raises(WrongSubject):
        requests(AtAmirs(registered, flip=b"x")).recomputed(asked)


def test_words_that_a_page_showed_are_checked_as_they_are(registered: Desk, asked: str) -> None:
    shown = AtAmirs(registered).statement(MODEL, 1, PROD.value, verb="approve", role="approver")
    found = requests(AtAmirs(registered)).recomputed(asked, shown=shown)
    assert found.digest == sha256_hex(canonical(shown))
    with pytest.raises(WrongSubject):
        requests(AtAmirs(registered)).recomputed(asked, shown={**shown, "person": "p-bea"})
