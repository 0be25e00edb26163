"""Features: what was known of each entity at each moment, and nothing that was not.

Owns view definitions, point-in-time feature sets and the release of their keys. Promises: a row holds only
values that were recorded, and dated, at or before its as-of date; no entity is in both splits; a run gets the
keys of the splits its signed order names and never those of held-out rows; no person gets a plaintext row.

Its own ideas: `definition` (a view), `asof` (the bitemporal as-of join), `rows` (a feature set's rows),
`split` (who is held out), `orders` (what a run or the evaluator may read).
"""
