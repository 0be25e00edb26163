"""Tracking's one vendor: MLflow."""
