"""What tracking asks of others: MLflow, its one vendor, and the registry."""
