"""Custody, local processes and predictors' answers as serving needs them."""
