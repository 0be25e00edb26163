"""The built-in development Vault: the calls Assay makes of Vault's HTTP API, and no more.

Real in it: TLS 1.3, a seal, storage nobody reads without the unseal key, enforced policies, single-use logins,
keys that never leave. Not in it: audit devices, replication, leases, rate limits, locked memory, review by others.
`barrier` is the sealed storage, `hcl` and `acl` the policies, `calls` how a request finds its engine; the engines
are `system`, `tokens`, `approle`, `pki` and `transit`; `core` joins them and `asgi` serves them.

A parameter it does not know is refused, never ignored.
"""
