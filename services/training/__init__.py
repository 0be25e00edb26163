"""Training: posted code runs in a throw-away Ray cluster; what it made, from what and by whom becomes a fact.

Owns runs and the packages they offer. Promises: the control process (this API) never imports user code, hashes
every output itself and alone can sign; a run holds its own certificate and nothing else, and never sees
held-out rows; a run that fails leaves a clear error and no fact; killing a worker costs at most one checkpoint.

Its own ideas: `source` (what may be posted), `claims` (what a run may say of itself), `packages` (what a
candidate becomes), `orders` (what a run may read), `authority` (the certificate authority of one cluster),
`inputs` (what a run is made from, and who has a hand in it). `driver` is the process of a run, `evaluator` the
process that measures what runs made, with an identity and a key of its own.
"""
