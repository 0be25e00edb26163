"""Packages for tests that parse no graph."""

from __future__ import annotations

from assay.custody import model_card
from tests.unit.custody.world import MODEL


def example_files(
    card_sets: tuple[str, ...], *, weights: bytes = b"weights", model: str = MODEL
) -> dict[str, bytes]:
    """Return a package whose graph is not parsed here."""
    card = model_card(
        model, intended_use=["score"], limitations=["not for people under 18"], datasets=card_sets
    )
    return {"model.onnx": weights, "MLmodel": b"flavors: {onnx: {}}\n", "card.json": card}
