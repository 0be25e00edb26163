# The evaluator: measures packages, with an identity and key the run does not have.

# Its own identity.
path "pki/sign/evaluator" { capabilities = ["update"] }

# Evaluations, and the orders that release the rows the run was not given.
path "transit/sign/fact-evaluation" { capabilities = ["update"] }
path "transit/keys/fact-evaluation" { capabilities = ["read"] }
path "transit/sign/order-evaluator" { capabilities = ["update"] }
path "transit/keys/order-evaluator" { capabilities = ["read"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }
