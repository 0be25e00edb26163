"""What every page of the registry stands on."""

from __future__ import annotations

from dataclasses import dataclass

from services.registry.asking import Asking
from services.registry.deciding import Deciding
from services.registry.delegating import Delegating
from services.registry.evidence.stating import Stating
from services.registry.hooks.keeping import Webhooks
from services.registry.ports import Names, Notes, Places
from services.registry.revoking import Revoking
from services.registry.usecases import Registry


@dataclass(frozen=True)
class Desk:
    """The use cases, what people are called, what they noted of models, who knows what answers where."""

    registry: Registry
    deciding: Deciding
    asking: Asking
    stating: Stating
    names: Names
    notes: Notes
    places: Places
    webhooks: Webhooks
    identity: str  # the origin of identity's pages

    @property
    def revoking(self) -> Revoking:
        """Looks ahead of revocations."""
        return Revoking(self.registry)

    @property
    def delegating(self) -> Delegating:
        """Delegations for absence."""
        return Delegating(self.registry)

    def called(self, person: str) -> str:
        """Return what a person is called, or their id where nobody says."""
        return self.names.all().get(person, person)
