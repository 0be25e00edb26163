"""What the witness is told by its environment. Its folder (`data_dir`) lies outside the ledger's home."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class WitnessSettings(ServiceSettings):
    """Settings of the witness process; `witness_name` is the one root.json names it by."""

    witness_name: str
