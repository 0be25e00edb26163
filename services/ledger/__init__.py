"""The ledger: one log of signed facts whose append is the commit.

Owns the store and the log's checkpoints. Promises: durable before acknowledged; the same payload twice is one
entry; of two appends on one head one wins and the other moves nothing; only what the root admits gets in; a
store that is edited, truncated or forked is refused by name.

Ideas: `log` (one writer, group commit), `publishing` (what is signed, and when), `startup` (the check before
anything is believed), `proofs`. `store.open_store` opens a log as a library; `assay init` writes entry 0 so.
"""
