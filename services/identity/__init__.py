"""Identity: people, their passkeys and roles, signing in, grants, and which policy is in force.

Owns the names of people (a table of its own, deletable: facts hold opaque ids only), the transit key of grants, and
the sessions of its people listener. Promises: a certificate is issued only for a key that the holder of a bound,
unrevoked credential asked for, once; what needs two administrators is never done by one; a grant never outlives its
limit; no password exists.

Its own ideas: `challenges` (remembered only once they were used), `codes` and `devices` (one-time codes between a
browser and an application), `proposals` (links, and what waits for administrators' signatures), `leaving` (what
stops at once), `passkeys` (who holds which), `signing_in`, `authorizing`, `revoked` (logins that end).
"""
