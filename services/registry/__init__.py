"""The registry: model versions, gates, approvals, aliases, revocations and pages; and MLflow's registered-model API.

Owns the packages (content-addressed, signed, checked on every read) and what a version may do where. Promises:
a version's bytes never change; nothing enters an environment but through its gate; an edited database can
make it forget or refuse, never lie.

Ideas of its own: `packages` (kept bytes), `believing` (rows checked against facts), `filters` (MLflow's search
grammar), `naming` (what MLflow's clients write), `asking` and `deciding` (requests and signed words), `delegating`
(voices lent for an absence), `revoking` (and the look ahead), `packing` (evidence packs). `desk` is what the pages
in `ui/` stand on, `showing` what they show.
"""
