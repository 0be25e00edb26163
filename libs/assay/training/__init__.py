"""What a training script is given: `train.py` defines `def train(run: Run) -> None`, and that is all.

The script runs in a throw-away Ray cluster, once per worker, with torch's process group already formed. It
gets rows and gives back reports, checkpoints and candidates through `run`; it needs no address, no key and no
certificate. Importing this costs nothing: the engine is the script's own choice.
"""

from assay.training.run import FORMATS, Model, Rows, Run

__all__ = ["FORMATS", "Model", "Rows", "Run"]
