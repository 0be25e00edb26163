"""Evidence: typed statements about a package, each a document kept by its digest and a fact that names it.

`documents` (what people write: model card, risk record), `derived` (what is stated from facts alone: fairness, data
tags, scan, bill of materials), `stating` (the use cases).
"""
