"""The witness: who looks at the log beside its owner, and says so.

Owns one Ed25519 key and the last checkpoint it cosigned, both in a folder outside Vault and outside the ledger's
home. Promises: a cosignature says "I recomputed the tree and both maps from the entries, each of which counts,
and this continues everything I cosigned before"; what was cosigned is kept durably before anybody sees it; a
fork, a truncation and a back-dated checkpoint are refused by name, and that is said.

Ideas: `watch` (recomputing), `witnessing` (what is cosigned, and what never).
"""
