"""Ingestion: data comes in, is checked, split, sealed, and becomes a fact.

Owns data set contracts (schema, tags, Great Expectations suite), batches and their quarantine. Promises: a
batch is wholly in or wholly refused; the same bytes pushed twice are one batch; no plaintext reaches a disk;
a data key leaves only for a batch that still counts.

Its own ideas: `tables` (bytes to a typed table), `judging` (what Great Expectations' results mean for each
row), `intake` (a push prepared as a claim), `shelves` (what is no fact and must not be lost), `lineage` (the
OpenLineage event).
"""
