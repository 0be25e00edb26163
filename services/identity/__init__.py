"""Identity: people, their credentials and roles, signing in, grants, and which policy is in force.

Owns the names of people (a table of its own, deletable: facts hold opaque ids only) and the transit key of
grants. Promises: a certificate is issued only for a key that the holder of a bound, unrevoked credential asked
for, once; what needs two administrators is never done by one; a grant never outlives its limit.

Its own ideas: `challenges` (login challenges that are remembered only once they were used).
"""
