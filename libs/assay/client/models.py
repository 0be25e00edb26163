"""Model versions: registering one, asking its gate, moving an alias, taking one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts import sha256_hex

if TYPE_CHECKING:
    from assay.client.session import Session


class Models:
    """What the registry answers."""

    def __init__(self, session: Session) -> None:
        self._registry = session.service("registry")

    def register(self, model: str, *, run: str, checkpoint: str, tier: str = "limited") -> dict[str, Any]:
        """Register one checkpoint of a run; returns number, fact and package digest."""
        body = {"run": run, "checkpoint": checkpoint, "tier": tier}
        return dict(self._registry.post(f"/v1/models/{model}/versions", body))

    def version(self, model: str, number: int) -> dict[str, Any]:
        """Return one version with its evidence and approvals."""
        return dict(self._registry.get(f"/v1/models/{model}/versions/{number}"))

    def pack(self, model: str, number: int) -> bytes:
        """Return a version's evidence pack, a page (not verified here)."""
        return self._registry.bytes(f"/v1/models/{model}/versions/{number}/pack")

    def gate(self, model: str, number: int, environment: str, endpoint: str = "") -> dict[str, Any]:
        """Return whether a version may go to an environment, or an endpoint of it, and what is missing."""
        path = f"/v1/models/{model}/versions/{number}/gate"
        at = {"endpoint": endpoint} if endpoint else {}
        return dict(self._registry.get(path, environment=environment, **at))

    def move_alias(self, model: str, alias: str, number: int, environment: str) -> dict[str, Any]:
        """Make an alias name a version; refused with what is missing unless the gate passes."""
        body = {"number": number, "environment": environment}
        return dict(self._registry.post(f"/v1/models/{model}/aliases/{alias}", body))

    def remove_alias(self, model: str, alias: str, environment: str) -> dict[str, Any]:
        """Take a free alias off, where it has not moved since it was read; a protected one is refused."""
        path = f"/v1/models/{model}/aliases/{alias}"
        seen = self._registry.get(path, environment=environment)["fact"]
        params = {"environment": environment, "previous": seen}
        return dict(self._registry.request("DELETE", path, params=params).json())

    def revoke(self, revokes: str, *, what: str, reason: str) -> dict[str, Any]:
        """Say that a fact no longer counts; everything that stands on it stops with its lease."""
        return dict(
            self._registry.post("/v1/revocations", {"revokes": revokes, "what": what, "reason": reason})
        )

    def revoke_named(self, what: str, *, reason: str, no_way_back: bool = False) -> dict[str, Any]:
        """Say that `identity/…`, `person/…` or `key/…` no longer counts; it is refused everywhere at once."""
        body = {"revokes": sha256_hex(what.encode()), "what": what, "reason": reason}
        return dict(self._registry.post("/v1/revocations", body | {"no_way_back": no_way_back}))

    def revocation_preview(self, revokes: str, *, what: str = "fact") -> dict[str, Any]:
        """Return what revoking a fact, or `what` by its SHA-256, would stop: nothing is revoked."""
        return dict(self._registry.get("/v1/revocations/preview", revokes=revokes, what=what))

    def reinstate(self, revokes: str, *, what: str, reason: str) -> dict[str, Any]:
        """End the revocation of a digest (of a fact, or of `what`): it counts again. For administrators."""
        body = {"revokes": revokes, "what": what, "reason": reason}
        return dict(self._registry.post("/v1/reinstatements", body))

    def package(self, digest: str) -> dict[str, bytes]:
        """Return a package's files, as the registry holds them (not verified here)."""
        manifest = self._registry.get(f"/v1/packages/{digest}")
        return {
            entry["path"]: self._registry.bytes(f"/v1/packages/{digest}/files/{entry['path']}")
            for entry in manifest["files"]
        }

    def signature(self, digest: str) -> bytes:
        """Return the OpenSSF model signature of a package."""
        return self._registry.bytes(f"/v1/packages/{digest}/signature")
