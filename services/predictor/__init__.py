"""The model server of one endpoint: verify, load, answer (OIP v2), journal a receipt for every answer.

Owns: which verified model answers now, and the receipts of what it answered. Promises: only bytes that
`verify` checked are ever loaded; without a fresh lease, or when anything in the chain is revoked, nothing
answers; no answer leaves before its receipt is durable. Ideas: `tensors` (what a request must be), `endpoint`
(what answers now), `rollouts` (following the desired state), `receipts`, `hot` (the request path, flat).
"""
