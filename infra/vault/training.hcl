# Training's control process: certifies runs, orders their inputs and says what they made.

# Its own identity.
path "pki/sign/training" { capabilities = ["update"] }

# Certificates of runs: training is their one issuer.
path "pki/sign/run" { capabilities = ["update"] }

# Provenance, and the orders that release a run's inputs.
path "transit/sign/fact-run" { capabilities = ["update"] }
path "transit/keys/fact-run" { capabilities = ["read"] }
path "transit/sign/order-training" { capabilities = ["update"] }
path "transit/keys/order-training" { capabilities = ["read"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }
