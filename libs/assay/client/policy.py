"""Policy, from a client's side: bundles verified here, previews looked at, activations signed by administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.client.approvals import Authenticator, as_asked
from assay.contracts import PolicyActivated, body_of, sha256_hex
from assay.errors import NotFound, SignatureInvalid
from assay.identity.statements import policy_statement
from assay.policy.bundle import PolicyBundle
from assay.policy.preview import preview_digest
from assay.policy.shelf import policy_author

if TYPE_CHECKING:
    from assay.client.session import Session


class Policies:
    """What identity keeps of policy; nothing of it is believed before it was verified on this machine."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._identity = session.service("identity")

    def verified(self, archive: bytes, *, at: int | None = None) -> PolicyBundle:
        """Return a bundle by the author that the root in force names; raises PolicySignatureInvalid.

        `at` is the entry of the fact that named it: the author of that time counts.
        """
        follower = self._session.follower
        follower.catch_up()
        return PolicyBundle.verified(archive, policy_author(follower.root)(at))

    def in_force(self) -> PolicyBundle:
        """Return the bundle that the newest policy fact of the verified log names.

        Raises:
            NotFound: no policy is in force.
            SignatureInvalid: identity gives another one.
        """
        follower = self._session.follower
        follower.catch_up()
        head = follower.head("policy")
        if head is None or not follower.policy_revision():
            raise NotFound("no policy is in force", fix="`assay policy activate` a bundle")
        return self.bundle(body_of(head.fact, PolicyActivated).bundle, at=head.index)

    def bundle(self, digest: str, *, at: int | None = None) -> PolicyBundle:
        """Return a bundle that was handed in, verified; `at` as in `verified`."""
        archive = self._identity.bytes(f"/v1/policy/bundles/{digest}")
        if sha256_hex(archive) != digest:
            raise SignatureInvalid(f"identity gave another archive than bundle {digest[:12]}")
        return self.verified(archive, at=at)

    def take(self, archive: bytes) -> PolicyBundle:
        """Hand a bundle in; it changes nothing until it is activated."""
        bundle = self.verified(archive)
        self._identity.request("POST", "/v1/policy/bundles", content=archive)
        return bundle

    def preview(self, bundle: PolicyBundle) -> dict[str, Any]:
        """Return what activating a bundle that was handed in would stop and change now."""
        shown: dict[str, Any] = self._identity.post("/v1/policy/previews", {"bundle": bundle.digest})
        if (shown.get("bundle"), shown.get("to")) != (bundle.digest, bundle.revision):
            raise SignatureInvalid("identity shows a preview of another bundle than was asked for")
        return shown

    def activate(
        self, bundle: PolicyBundle, preview: Mapping[str, Any], administrators: Sequence[Authenticator]
    ) -> dict[str, Any]:
        """Put a bundle in force over exactly this preview, by as many administrators' passkeys as it takes."""
        terms = {"bundle": bundle.digest, "preview": preview_digest(preview)}
        statement = dict(self._identity.post("/v1/policy", terms)["statement"])
        asked = policy_statement(
            trust_domain=self._session.platform.trust_domain,
            revision=bundle.revision,
            previous=statement.get("previous"),
            **terms,
        )
        as_asked(statement, asked)
        said = [passkey.assert_(statement).model_dump(mode="json") for passkey in administrators]
        return dict(self._identity.post("/v1/policy", {**terms, "assertions": said}))
