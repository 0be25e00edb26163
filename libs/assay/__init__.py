"""Assay: models with proof of where they came from, who tested them and who said yes. SDK and command."""

__version__ = "0.1.0"
